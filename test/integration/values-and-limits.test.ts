// What functions give and what they may not, between a client and real engines: classes, errors and functions that come
// back, and the limits of time and size, each with the error that has its name.

import { CommanderError, Option } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RemoteError, TimeLimitExceeded, type Client, type DirectView, type LoadBalancedView } from "tsparallel";
import { TestCluster } from "../support/with-cluster.ts";

const RESULT_BYTES_MAX = 100_000;
const LIMIT_MS = 200;
let cluster: TestCluster;
let client: Client;
let lview: LoadBalancedView;
let one: DirectView<"one">;

beforeAll(async () => {
  cluster = await TestCluster.start({ engines: 1, engineArgs: [`--result-bytes-max=${RESULT_BYTES_MAX}`] });
  client = await cluster.connect({ requestBytesMax: 50_000 });
  await client.waitForEngines(1, { timeoutMs: 60_000 });
  lview = client.loadBalancedView();
  one = client.directView(0);
});

afterAll(async () => {
  await cluster?.stop();
});

const UNIT = 10;

const VIEWS: readonly (new (memory: ArrayBuffer) => ArrayBufferView)[] = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
];

class Length {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
  twice(): Length {
    return new Length(this.value * 2);
  }
}

class TooLong extends Error {
  readonly by: number;
  constructor(by: number) {
    super(`too long by ${by}`);
    this.by = by;
  }
}

/** What an awaited thing was rejected with. */
async function failureOf(work: PromiseLike<unknown>): Promise<unknown> {
  try {
    return { value: await work };
  } catch (error) {
    return error;
  }
}

describe("what comes back", () => {
  it.each([
    ["primitives", [undefined, null, true, -0, NaN, Infinity, -Infinity, 2n ** 70n, "h\u00e9llo \ud800"]],
    ["keyed and built-in things", { map: new Map([[{ k: 1 }, new Set(["a"])]]), date: new Date(0), pattern: /a(b)/giu, url: new URL("https://host/p?q=1#h") }],
    ["boxed primitives and members that are undefined", [Object(1), Object("s"), { a: undefined }]],
    ["every kind of view on memory, small and large", [1, 300].flatMap((length) => VIEWS.map((View) => new View(new ArrayBuffer(length * 8))))],
    ["memory itself", [new ArrayBuffer(8), new ArrayBuffer(4096), Buffer.from("bytes"), Buffer.alloc(5000, 7)]],
    ["errors", [new TypeError("bad", { cause: new RangeError("inner") }), new AggregateError([new Error("one")], "both")]],
    ["registered symbols", Symbol.for("tsparallel.test")],
  ])("%s are what they were, through an engine and back", async (_, value) => {
    expect(await one.apply((same: unknown) => same, value)).toStrictEqual(value);
  });

  it("circular, shared and sparse things keep their shape, through an engine and back", async () => {
    const shared = { n: 1 };
    const sparse: unknown[] = [shared];
    sparse[2] = shared;
    const value = { sparse, self: null as unknown };
    value.self = value;
    const copy = await one.apply((same: typeof value) => same, value);
    expect([copy.self === copy, copy.sparse[0] === copy.sparse[2], Object.keys(copy.sparse), copy.sparse.length]).toEqual([true, true, ["0", "2"], 3]);
  });

  it("an instance of the client's class is one, made here or there", async () => {
    const sent = new Length(2);
    const made = await lview.apply((length: Length) => [length.twice(), new Length(UNIT)], sent);
    expect(made).toEqual([new Length(4), new Length(10)]);
    expect(made.every((length) => length instanceof Length)).toBe(true);
    expect(made[0]?.twice().value).toBe(8);
  });

  it("an instance of a package's class is one on both sides, made here or there, errors likewise", async () => {
    const [made, isOption, failure] = await lview.apply(
      (sent: Option) => [new Option("-x"), sent instanceof Option, new CommanderError(2, "code", "text")] as const,
      new Option("-y"),
    );
    expect(isOption).toBe(true);
    expect(made).toBeInstanceOf(Option);
    expect(made.attributeName()).toBe("x");
    expect(failure).toBeInstanceOf(CommanderError);
    expect(failure).toMatchObject({ exitCode: 2, code: "code", message: "text" });
  });

  it("an error of the client's class is one, with its own members and cause", async () => {
    const error = await lview.apply(() => Object.assign(new TooLong(3), { cause: new RangeError("inner"), tags: new Set(["a"]) }));
    expect(error).toBeInstanceOf(TooLong);
    expect(error).toMatchObject({ message: "too long by 3", by: 3, tags: new Set(["a"]) });
    expect(error.cause).toBeInstanceOf(RangeError);
  });

  it("a function that a function returns refuses to run here in a sentence, and runs when it is sent again", async () => {
    const adder = await lview.apply((n: number) => (x: number) => x + n + UNIT, 5);
    expect(() => adder(1)).toThrow(/came from an engine and is not run here; send it back with `apply`/);
    expect(await lview.apply(adder, 1)).toBe(16);
  });

  it("the language's own objects are the client's own", async () => {
    expect(await lview.apply((lib: Math, list: unknown[]) => [lib, list[0], lib.sqrt(9)], Math, [JSON])).toEqual([Math, JSON, 3]);
  });

  it.each([
    ["a promise inside", () => ({ deep: [Promise.resolve(1)] }), /cannot send result\.deep\[0\]: it is a Promise; await it and send the result/],
    [
      "a running generator",
      function* (): Generator<number> {
        yield 1;
      },
      /cannot send result: it is a running generator; send the items as an array/,
    ],
    ["something that lives there only", async () => new (await import("node:net")).Socket(), /cannot send result: it is a Socket \(native handle\)/],
    [
      "an infinite nesting",
      () => {
        let deep: unknown = 1;
        for (let i = 0; i < 200_000; i += 1) deep = [deep];
        return deep;
      },
      /nested too deeply or too large/,
    ],
  ] as const)("%s is refused by the engine with its path and a remedy", async (_, fn, message) => {
    const error = await failureOf(lview.apply(fn as () => unknown));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ ename: "SerializationError", message: expect.stringMatching(message) as unknown });
  });
});

describe("timeLimitMs", () => {
  it.each([
    ["a promise that never settles", async () => new Promise(() => {})],
    [
      "a loop without end",
      () => {
        for (;;);
      },
    ],
    [
      "a loop that catches everything",
      () => {
        for (;;)
          try {
            for (;;);
          } catch {
            /* The point. */
          } finally {
            /* Likewise. */
          }
      },
    ],
    [
      "a loop of awaits that catches everything",
      async () => {
        for (;;)
          try {
            await Promise.resolve();
          } catch {
            /* The point. */
          } finally {
            // oxlint-disable-next-line no-unsafe-finally
            continue;
          }
      },
    ],
    [
      "a function that puts itself into Node's queue",
      () =>
        new Promise(() => {
          const again = (): void => process.nextTick(again);
          again();
        }),
    ],
  ] as const)("ends %s with an error of its name, and the engine goes on", async (_, fn) => {
    const error = await failureOf(lview.with({ timeLimitMs: LIMIT_MS }).apply(fn as () => unknown));
    expect(error).toBeInstanceOf(TimeLimitExceeded);
    expect(error).toMatchObject({ code: "ERR_TIME_LIMIT", evalue: `the request ran longer than its timeLimitMs of ${LIMIT_MS} and was stopped` });
    expect(await lview.apply(() => UNIT)).toBe(10);
  });

  it("ends a cell and a broadcast", async () => {
    expect(await failureOf(one.with({ timeLimitMs: LIMIT_MS }).execute("await new Promise(() => {})"))).toBeInstanceOf(TimeLimitExceeded);
    const broadcast = client.broadcastView({ timeLimitMs: LIMIT_MS }).apply(() => {
      for (;;);
    });
    expect((await failureOf(broadcast)) as Error).toMatchObject({ message: expect.stringContaining("TimeLimitExceeded") as unknown });
  });

  it("is over for a request when that has ended: the next one runs as long as it likes", async () => {
    const limitMs = 1000; // A request that does nothing must stay below it on a machine that stutters.
    expect(await one.with({ timeLimitMs: limitMs }).apply(() => 1)).toBe(1);
    const slept = await one.apply(async (ms: number) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return "slept";
    }, limitMs * 1.2);
    expect(slept).toBe("slept");
    expect(await lview.with({ timeLimitMs: 60_000, chunkSize: 1 }).map((x: number) => x + 1, Array(200).fill(1) as number[])).toEqual(Array(200).fill(2));
  });

  it("aborts the task's signal", async () => {
    await failureOf(
      one.with({ timeLimitMs: LIMIT_MS }).execute(`
        import { currentTask } from "tsparallel/engine";
        currentTask().signal.addEventListener("abort", () => { globalThis.wasAborted = true; });
        await new Promise(() => {});`),
    );
    expect(await one.get("wasAborted")).toBe(true);
  });
});

describe("sizes", () => {
  it("a request larger than the client's requestBytesMax is refused at the call, on every kind of view", async () => {
    const values = { big: new Float64Array(10_000) };
    const refusal = /^cannot send the request: it has 80\d{3} bytes of code and data, and requestBytesMax is 50000; send less at a time/;
    for (const push of [() => one.push(values), () => client.broadcastView().push(values), () => lview.apply((list: object) => list, values)])
      expect(push).toThrow(expect.objectContaining({ name: "SerializationError", message: expect.stringMatching(refusal) as unknown }));
    await one.push({ big: new Float64Array(1000) });
    expect(await one.apply(() => (globalThis as unknown as { big: Float64Array }).big.length)).toBe(1000);
  });

  it("a result larger than the engine's resultBytesMax fails with the limit's name", async () => {
    const error = await failureOf(lview.apply((n: number) => new Uint8Array(n), RESULT_BYTES_MAX));
    expect(error).toMatchObject({ ename: "SerializationError" });
    expect((error as Error).message).toMatch(/cannot send result: it has 100\d{3} bytes, and resultBytesMax of this engine is 100000; return less/);
    expect((await lview.apply((n: number) => new Uint8Array(n), RESULT_BYTES_MAX - 1000)).length).toBe(99_000);
  });
});
