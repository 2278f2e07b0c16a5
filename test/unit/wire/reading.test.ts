import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DEFAULT_TASK_OPTIONS,
  DigestHistory,
  errorContent,
  majorVersion,
  readClientConnectionInfo,
  readEngineConnectionInfo,
  readErrorContent,
  readReplyOutcome,
  readTaskOptions,
  type Dict,
  type Header,
} from "../../../src/wire/index.ts";

describe("the history of signatures", () => {
  it("admits each signature once while it is remembered", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 200 }), (shown) => {
        const history = new DigestHistory(1000);
        const seen = new Set<number>();
        for (const signature of shown) {
          expect(history.admit(String(signature))).toBe(!seen.has(signature));
          seen.add(signature);
        }
      }),
    );
  });

  it("remembers at least half its limit and no more than the limit", () => {
    const history = new DigestHistory(100);
    for (let i = 0; i < 1000; i += 1) {
      history.admit(`s${i}`);
      expect(history.admit(`s${Math.max(0, i - 49)}`)).toBe(false);
    }
    // Newest first: an old one that is admitted anew would push others out.
    let known = 0;
    while (!history.admit(`s${999 - known}`)) known += 1;
    expect(known).toBeGreaterThanOrEqual(50);
    expect(known).toBeLessThanOrEqual(100);
  });

  it("of size 0 admits everything", () => {
    const history = new DigestHistory(0);
    expect([history.admit("a"), history.admit("a")]).toEqual([true, true]);
  });
});

describe("connection information", () => {
  const common = {
    ssh: "",
    interface: "tcp://127.0.0.1",
    registration: 1,
    control: 2,
    mux: 3,
    task: 4,
    iopub: 5,
    key: "k",
    curve_serverkey: null,
    location: "host",
    pack: "json",
    unpack: "json",
    signature_scheme: "hmac-sha256",
  };
  const client = { ...common, task_scheme: "leastload", notification: 6, broadcast: 7 };
  const engine = { ...common, hb_ping: 8, hb_pong: 9, broadcast: [10, 11] };

  it("is read from both files, unknown keys left out, missing optional ones filled in", () => {
    expect(readClientConnectionInfo({ ...client, extra: 1 })).toEqual(client);
    expect(readEngineConnectionInfo({ ...engine, extra: 1 })).toEqual(engine);
    const { ssh: _ssh, location: _location, curve_serverkey: _curve, ...least } = engine;
    expect(readEngineConnectionInfo({ ...least, pack: "orjson" })).toEqual({ ...engine, location: "", pack: "orjson" });
  });

  it("has a CURVE key or none", () => {
    const key = "HelloWorld".repeat(4);
    expect(readClientConnectionInfo({ ...client, curve_serverkey: key })).toEqual({ ...client, curve_serverkey: key });
    expect(readEngineConnectionInfo({ ...engine, curve_serverkey: "" })).toEqual(engine);
  });

  it.each<[Dict, string]>([
    [{ interface: 5 }, "`interface` must be a text"],
    [{ key: null }, "`key` must be a text"],
    [{ mux: "3" }, "`mux` must be a port number"],
    [{ task: 0 }, "`task` must be a port number"],
    [{ iopub: 65_536 }, "`iopub` must be a port number"],
    [{ control: 1.5 }, "`control` must be a port number"],
    [{ pack: "pickle" }, '`pack` is "pickle", and only "json" and "orjson" are supported'],
    [{ unpack: "msgpack" }, '`unpack` is "msgpack", and only "json" and "orjson" are supported'],
    [{ pack: "mine.dumps" }, '`pack` is "mine.dumps", and only "json" and "orjson" are supported'],
    [{ signature_scheme: "sha256" }, '`signature_scheme` is "sha256", and must start with "hmac-"'],
    [{ curve_serverkey: "short" }, "`curve_serverkey` is no CURVE key: it must have 40 characters of Z85, or be null"],
    [{ curve_serverkey: "#".repeat(40) }, "`curve_serverkey` is no CURVE key: it must have 40 characters of Z85, or be null"],
    [{ curve_serverkey: 7 }, "`curve_serverkey` is no CURVE key: it must have 40 characters of Z85, or be null"],
  ])("%j is refused in both files", (change, message) => {
    expect(readClientConnectionInfo({ ...client, ...change })).toBe(message);
    expect(readEngineConnectionInfo({ ...engine, ...change })).toBe(message);
  });

  it("13.7: tells when the file is the other side's", () => {
    expect(readClientConnectionInfo({ ...client, broadcast: [1] })).toMatch(/looks like an engine's file/);
    expect(readEngineConnectionInfo({ ...engine, broadcast: 1 })).toMatch(/looks like a client's file/);
    expect(readEngineConnectionInfo({ ...engine, broadcast: [] })).toMatch(/broadcast/);
    expect(readClientConnectionInfo(engine)).toMatch(/`task_scheme`/);
    expect(readEngineConnectionInfo(client)).toMatch(/`hb_ping`/);
    expect(readEngineConnectionInfo({ ...engine, hb_pong: 0 })).toMatch(/`hb_pong`/);
    expect(readClientConnectionInfo({ ...client, notification: -1 })).toMatch(/`notification`/);
  });

  it("is a sentence or information for any JSON, and never an exception", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom(...Object.keys({ ...client, ...engine })), fc.jsonValue())), (value) => {
        for (const read of [readClientConnectionInfo(value), readEngineConnectionInfo(value)]) expect(["string", "object"]).toContain(typeof read);
      }),
    );
  });
});

describe("a task's metadata", () => {
  it("may be empty: any engine, no retry, no timeout, no dependency", () => {
    expect(readTaskOptions({})).toEqual(DEFAULT_TASK_OPTIONS);
    expect(readTaskOptions({ priority: null })).toEqual(DEFAULT_TASK_OPTIONS);
    expect(readTaskOptions({ targets: null, retries: null, timeout: null, after: null, follow: [] })).toEqual(DEFAULT_TASK_OPTIONS);
  });

  it("has a priority that is a whole number from -1000 to 1000", () => {
    expect(readTaskOptions({ priority: -1000 })).toMatchObject({ priority: -1000 });
    for (const priority of [1001, -1001, 0.5, "1", true, Number.NaN, Infinity, 1e300])
      expect(readTaskOptions({ priority })).toBe("metadata.priority must be a whole number from -1000 to 1000");
  });

  it("gives seconds as milliseconds, and dependencies as lists or objects", () => {
    expect(
      readTaskOptions({
        targets: ["e"],
        retries: 2,
        timeout: 1.5,
        after: ["a", "b"],
        follow: { dependencies: ["a", "a", "c"], all: false, success: false, failure: true },
      }),
    ).toEqual({
      priority: 0,
      targets: ["e"],
      retries: 2,
      timeoutMs: 1500,
      after: { dependencies: ["a", "b"], all: true, success: true, failure: false },
      follow: { dependencies: ["a", "c"], all: false, success: false, failure: true },
    });
  });

  it.each<[Dict, RegExp]>([
    [{ targets: "e" }, /targets must be a list/],
    [{ targets: [1] }, /targets must be a list/],
    [{ retries: -1 }, /retries must be a whole number/],
    [{ retries: 1.5 }, /retries/],
    [{ retries: "1" }, /retries/],
    [{ timeout: -1 }, /timeout must be a number of seconds/],
    [{ timeout: "1" }, /timeout/],
    [{ after: "x" }, /metadata\.after must be a list/],
    [{ after: [1] }, /metadata\.after/],
    [{ follow: { dependencies: [1] } }, /metadata\.follow needs a list/],
    [{ follow: { dependencies: ["a"], success: false, failure: false } }, /must count success, failure or both/],
  ])("%j is named as wrong", (metadata, message) => {
    expect(readTaskOptions(metadata)).toMatch(message);
  });

  it("is options or a sentence for any JSON", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom("targets", "retries", "timeout", "after", "follow"), fc.jsonValue()), (metadata) => {
        expect(["string", "object"]).toContain(typeof readTaskOptions(metadata));
      }),
    );
  });

  it("of a reply is read whatever is left out", () => {
    expect(readReplyOutcome({})).toEqual({ dependenciesMet: true, status: undefined, engine: undefined });
    expect(readReplyOutcome({ dependencies_met: false, status: "ok", engine: "e" })).toEqual({ dependenciesMet: false, status: "ok", engine: "e" });
    expect(readReplyOutcome({ dependencies_met: 0, status: 5, engine: null })).toEqual({ dependenciesMet: true, status: undefined, engine: undefined });
  });
});

describe("error content", () => {
  it("goes and comes back with its engine", () => {
    const failure = { ename: "ValueError", evalue: "no", traceback: ["a", "b"], engineInfo: { engineUuid: "u", engineId: 3, method: "apply" } };
    expect(errorContent(failure)).toEqual({
      status: "error",
      ename: "ValueError",
      evalue: "no",
      traceback: ["a", "b"],
      engine_info: { engine_uuid: "u", engine_id: 3, method: "apply" },
    });
    expect(readErrorContent(errorContent(failure))).toEqual(failure);
  });

  it("13.10: has an empty engine_info and traceback when there are none", () => {
    expect(errorContent({ ename: "E", evalue: "" })).toEqual({ status: "error", ename: "E", evalue: "", traceback: [], engine_info: {} });
  });

  it("is read from whatever a peer left of it", () => {
    expect(readErrorContent({})).toEqual({ ename: "UnknownError", evalue: "", traceback: [], engineInfo: undefined });
    expect(readErrorContent({ ename: 5, traceback: ["a", 5], engine_info: { engine_uuid: "u", engine_id: "3" } })).toEqual({
      ename: "UnknownError",
      evalue: "",
      traceback: ["a"],
      engineInfo: { engineUuid: "u", engineId: null, method: "?" },
    });
  });
});

it("a header without a version speaks major 4, as the reference assumes", () => {
  const version = (value: unknown): number => majorVersion({ version: value } as unknown as Header);
  expect([version("5.3"), version("5"), version("4.1"), version("x"), version(undefined), version(5)]).toEqual([5, 5, 4, 4, 4, 4]);
});
