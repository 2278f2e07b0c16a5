import { describe, expect, it } from "vitest";
import { ClosedError, InvalidArgumentError, TimeoutError } from "../../../src/base/index.ts";
import { Dependency } from "../../../src/client/index.ts";
import { encodeDependency } from "../../../src/client/dependency.ts";
import { Emitter, streamOf } from "../../../src/client/emitter.ts";
import { concatenate, cut, readSequences, shortestLength } from "../../../src/client/sequences.ts";
import { allOf, waitFor } from "../../../src/client/wait-for.ts";

describe("waitFor", () => {
  it("resolves with what is called back, also at once, and stops what it started", async () => {
    let stopped = 0;
    const stop = (): void => void (stopped += 1);
    expect(
      await waitFor<number>(
        (resolve) => (resolve(1), stop),
        {},
        () => "",
      ),
    ).toBe(1);
    expect(
      await waitFor<number>(
        (resolve) => (setImmediate(() => resolve(2)), stop),
        { timeoutMs: 1000 },
        () => "",
      ),
    ).toBe(2);
    expect(stopped).toBe(2);
  });

  it("rejects with what is called back, a TimeoutError, or the signal's reason", async () => {
    const never = (): (() => void) => () => undefined;
    await expect(
      waitFor<void>(
        (_, reject) => (reject(new ClosedError("over")), () => undefined),
        {},
        () => "",
      ),
    ).rejects.toBeInstanceOf(ClosedError);
    await expect(waitFor<void>(never, { timeoutMs: 1 }, () => "too late")).rejects.toThrow(new TimeoutError("too late"));
    const stop = new AbortController();
    const waiting = waitFor<void>(never, { signal: stop.signal }, () => "");
    stop.abort(new Error("reason"));
    await expect(waiting).rejects.toThrow("reason");
    await expect(waitFor<void>(never, { signal: stop.signal }, () => "")).rejects.toThrow("reason");
  });

  it("of nothing is over at once", async () => {
    expect(await waitFor(allOf([]), {}, () => "")).toBeUndefined();
  });
});

describe("events", () => {
  it("call listeners in order until they unsubscribe", () => {
    const emitter = new Emitter<{ tick: number }>();
    const seen: string[] = [];
    const stop = emitter.on("tick", (n) => seen.push(`a${n}`));
    emitter.on("tick", (n) => {
      seen.push(`b${n}`);
      stop();
    });
    emitter.emit("tick", 1);
    emitter.emit("tick", 2);
    expect(seen).toEqual(["a1", "b1", "b2"]);
  });

  it("as a stream wait for their reader, and end with the signal", async () => {
    const emitter = new Emitter<{ tick: number; end: void }>();
    const stop = new AbortController();
    const stream = streamOf<number>(
      (listener) => emitter.on("tick", listener),
      (listener) => emitter.on("end", listener),
      stop.signal,
    );
    const first = stream.next();
    emitter.emit("tick", 1);
    emitter.emit("tick", 2);
    expect([(await first).value, (await stream.next()).value]).toEqual([1, 2]);
    const last = stream.next();
    stop.abort();
    expect((await last).done).toBe(true);
  });
});

describe("dependencies", () => {
  it("are made of ids, results and dependencies", () => {
    const result = { msgIds: ["a", "b"] };
    expect(encodeDependency(undefined)).toEqual([]);
    expect(encodeDependency("x")).toEqual(["x"]);
    expect(encodeDependency([result, "a", "c"])).toEqual(["a", "b", "c"]);
    expect(encodeDependency(new Dependency(result, { all: false, success: false, failure: true }))).toEqual({
      dependencies: ["a", "b"],
      all: false,
      success: false,
      failure: true,
    });
  });

  it("that count nothing or name nothing are refused", () => {
    expect(() => new Dependency("a", { success: false })).toThrow(InvalidArgumentError);
    expect(() => new Dependency([5 as unknown as string])).toThrow(InvalidArgumentError);
  });
});

describe("sequences", () => {
  it("are arrays, typed arrays, texts and other iterables, cut alike; typed arrays without copying", () => {
    const floats = new Float64Array([1, 2, 3]);
    const all = readSequences([[1, 2, 3], floats, "abcd", new Set([7, 8, 9])]);
    expect(shortestLength(all)).toBe(3);
    const [list, view, text, set] = cut(all, { start: 1, end: 3 });
    expect([list, text, set]).toEqual([
      [2, 3],
      ["b", "c"],
      [8, 9],
    ]);
    expect((view as Float64Array).buffer).toBe(floats.buffer);
  });

  it("that cannot be iterated, or are none, are refused", () => {
    expect(() => readSequences([5])).toThrow(InvalidArgumentError);
    expect(() => readSequences([])).toThrow(InvalidArgumentError);
  });

  it("are put together again as what they were", () => {
    expect(concatenate([[1], [2, 3]])).toEqual([1, 2, 3]);
    expect(concatenate([new Int8Array([1]), new Int8Array([2])])).toEqual(new Int8Array([1, 2]));
    expect(concatenate([new Int8Array([1]), [2]])).toEqual([1, 2]);
    expect(concatenate(["a", "b"])).toEqual(["a", "b"]);
    expect(concatenate([])).toEqual([]);
  });
});
