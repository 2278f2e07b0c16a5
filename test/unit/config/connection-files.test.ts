import fc from "fast-check";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/index.ts";
import {
  connectionFilePath,
  ensureProfile,
  parseConnectionInfo,
  readConnectionFile,
  removeConnectionFiles,
  resolveProfile,
  writeConnectionFiles,
  type ProfileDir,
} from "../../../src/config/index.ts";
import type { ClientConnectionInfo, EngineConnectionInfo } from "../../../src/wire/index.ts";

const common = {
  ssh: "",
  interface: "tcp://127.0.0.1",
  registration: 49841,
  control: 49803,
  mux: 42183,
  task: 51819,
  iopub: 57357,
  key: "0423079b-163f107b0e4a4db1c4968b4e",
  curve_serverkey: null,
  location: "host",
  pack: "json",
  unpack: "json",
  signature_scheme: "hmac-sha256",
};
const client: ClientConnectionInfo = { ...common, task_scheme: "leastload", notification: 47753, broadcast: 50133 };
const engine: EngineConnectionInfo = { ...common, hb_ping: 50055, hb_pong: 53515, broadcast: [48985, 51921] };

let home: string;
let profile: ProfileDir;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "tsparallel-test-"));
  profile = resolveProfile({ profile: "test", ipythonDir: home, env: {} });
  await ensureProfile(profile);
});
afterEach(() => rm(home, { recursive: true, force: true }));

const path = (role: "client" | "engine"): string => connectionFilePath(profile, role, "");

describe("connection files", () => {
  it("are named after role and cluster id", () => {
    expect(connectionFilePath(profile, "client", "")).toBe(join(home, "profile_test/security/ipcontroller-client.json"));
    expect(connectionFilePath(profile, "engine", "two")).toBe(join(home, "profile_test/security/ipcontroller-two-engine.json"));
  });

  it("are read as they were written, by owner only, without leftovers", async () => {
    await writeConnectionFiles(profile, "", client, engine);
    await expect(readConnectionFile("client", path("client"))).resolves.toEqual(client);
    await expect(readConnectionFile("engine", path("engine"))).resolves.toEqual(engine);
    expect((await stat(path("client"))).mode & 0o777).toBe(0o600);
    expect((await stat(profile.securityDir)).mode & 0o777).toBe(0o700);
    expect((await readdir(profile.securityDir)).toSorted()).toEqual(["ipcontroller-client.json", "ipcontroller-engine.json"]);
    await removeConnectionFiles(profile, "");
    expect(await readdir(profile.securityDir)).toEqual([]);
  });

  it("that are half written are read again until they are whole", async () => {
    const text = JSON.stringify(client);
    await writeFile(path("client"), text.slice(0, 40));
    const reading = readConnectionFile("client", path("client"), { waitMs: 0 });
    await writeFile(path("client"), text);
    await expect(reading).resolves.toEqual(client);
  });

  it("that are not there in time are told with their path", async () => {
    const error = await readConnectionFile("client", path("client"), { waitMs: 0 }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).message).toBe(
      `no connection file ${path("client")}; start a cluster with \`ipcluster start\`, or name the right profile or cluster id`,
    );
  });

  it("are waited for until the signal aborts", async () => {
    const abort = new AbortController();
    const reading = readConnectionFile("client", path("client"), { waitMs: 60_000, signal: abort.signal });
    const reason = new Error("enough");
    abort.abort(reason);
    await expect(reading).rejects.toBe(reason);
  });

  it("of the other role are refused, naming the file", async () => {
    await writeConnectionFiles(profile, "", client, engine);
    await expect(readConnectionFile("client", path("engine"))).rejects.toThrow(
      `${path("engine")}: the connection information is wrong: \`task_scheme\` must be a text`,
    );
  });

  it("that are directories or far too large are refused", async () => {
    await expect(readConnectionFile("client", profile.securityDir, { waitMs: 0 })).rejects.toThrow(ConfigError);
    await writeFile(path("client"), " ".repeat(2_000_000));
    await expect(readConnectionFile("client", path("client"), { waitMs: 0 })).rejects.toThrow("is no connection file: it has 2000000 bytes");
  });
});

describe("the reader of connection information", () => {
  /** Read, or refused by a ConfigError of one line that does not tell the key. */
  const isReadOrRefused = (role: "client" | "engine", text: string): boolean => {
    try {
      parseConnectionInfo(role, text);
      return true;
    } catch (error) {
      return error instanceof ConfigError && !error.message.includes("\n") && !error.message.includes(common.key);
    }
  };
  const roles = fc.constantFrom("client" as const, "engine" as const);

  it("refuses any text that is not such information with a ConfigError, nothing else", () => {
    fc.assert(
      fc.property(
        roles,
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("utf8")),
        ),
        (role, text) => {
          expect(isReadOrRefused(role, text)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("takes or refuses any mutation of a good file with a ConfigError, nothing else", () => {
    const keys = fc.constantFrom(...Object.keys({ ...client, ...engine }));
    fc.assert(
      fc.property(roles, keys, fc.jsonValue(), (role, key, value) => {
        expect(isReadOrRefused(role, JSON.stringify({ ...(role === "client" ? client : engine), [key]: value }))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it("takes or refuses any good file with a byte changed or a piece cut off with a ConfigError, nothing else", () => {
    const text = JSON.stringify(engine);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ minLength: 0, maxLength: 2 }), fc.nat(text.length), (at, put, end) => {
        expect(isReadOrRefused("engine", `${text.slice(0, at)}${put}${text.slice(at + 1, Math.max(at + 1, end))}`)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
