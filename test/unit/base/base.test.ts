import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as base from "../../../src/base/index.ts";

const { isoMicros, kernelErrorFrom, millis, parseIsoDate, RingQueue, seededRng } = base;

describe("a wire date", () => {
  it("is written with microseconds and Z, and read again as the same time", () => {
    expect(isoMicros(millis(1_767_323_045_678.9))).toBe("2026-01-02T03:04:05.678900Z");
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800_000_000 }), (micros) => {
        const text = isoMicros(millis(micros / 1000));
        expect(text).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/);
        expect(Math.round((parseIsoDate(text) ?? 0) * 1000)).toBe(micros);
        expect(isoMicros(parseIsoDate(text) ?? millis(0))).toBe(text);
      }),
    );
  });

  it.each([
    ["2026-01-02T03:04:05Z", 0],
    ["2026-01-02T03:04:05", 0],
    ["2026-01-02T03:04:05.5Z", 500],
    ["2026-01-02T03:04:05.000001Z", 0.001],
    ["2026-01-02T03:04:05.123456+00:00", 123.456],
    ["2026-01-02T04:34:05.1+01:30", 100],
    ["2026-01-02T01:04:05.12-0200", 120],
    ["2026-01-02T03:04:05.1234Z", 123.4],
  ])("%s is read", (text, fraction) => {
    expect(parseIsoDate(text)).toBeCloseTo(Date.parse("2026-01-02T03:04:05Z") + fraction, 3);
  });

  it.each([
    "",
    "now",
    "2026-01-02",
    "2026-01-02 03:04:05Z",
    "2026-01-02T03:04Z",
    "2026-01-02T03:04:05.Z",
    "2026-01-02T03:04:05.1234567Z",
    "2026-01-02T03:04:05.678900z",
    "2026-01-02T03:04:05.678900Z ",
    " 2026-01-02T03:04:05.67890Z",
    "2026-13-02T03:04:05.678900Z",
    "2026-01-02T25:04:05.678900Z",
    "2026-01-02T03:61:05.678900Z",
    "2026-01-02T03:04:05.67890xZ",
    "2026/01/02T03:04:05.678900Z",
    "+026-01-02T03:04:05.678900Z",
  ])("%j is none", (text) => {
    expect(parseIsoDate(text)).toBeUndefined();
  });

  it("is read the same by the quick way and the general one", () => {
    const digit = (min: number, max: number): fc.Arbitrary<string> => fc.integer({ min, max }).map((value) => String(value).padStart(2, "0"));
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ min: 1900, max: 2200 }), digit(0, 14), digit(0, 33)),
        fc.tuple(digit(0, 25), digit(0, 61), digit(0, 61)),
        (day, time) => {
          const text = `${day.join("-")}T${time.join(":")}.250000`;
          const general = parseIsoDate(`${text}+00:00`);
          expect(parseIsoDate(`${text}Z`)).toBe(general);
        },
      ),
    );
  });
});

describe("a ring queue", () => {
  it("behaves as a list, through growing and shrinking", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer(), fc.constant("shift"), fc.constant("clear")), { maxLength: 300 }), (steps) => {
        const queue = new RingQueue<number>();
        let list: number[] = [];
        for (const step of steps) {
          const shifted: unknown[] = [];
          if (step === "shift") shifted.push(queue.shift(), list.shift());
          else if (step === "clear") {
            queue.clear();
            list = [];
          } else {
            queue.push(step as number);
            list.push(step as number);
          }
          expect(shifted[0]).toBe(shifted[1]);
          expect(queue.length).toBe(list.length);
          expect(queue.peek()).toBe(list[0]);
        }
        expect([...queue]).toEqual(list);
      }),
    );
  });

  it("holds many and gives the memory back", () => {
    const queue = new RingQueue<number>();
    for (let i = 0; i < 100_000; i += 1) queue.push(i);
    for (let i = 0; i < 100_000; i += 1) expect(queue.shift()).toBe(i);
    expect(queue.shift()).toBeUndefined();
    queue.push(1);
    expect([...queue]).toEqual([1]);
  });
});

describe("a seeded generator", () => {
  it("repeats itself from the same seed, differs from another, and stays in [0, 1)", () => {
    const draw = (seed: number): number[] => {
      const rng = seededRng(seed);
      return Array.from({ length: 1000 }, () => rng.next());
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(7).every((value) => value >= 0 && value < 1)).toBe(true);
    expect(draw(7).reduce((sum, value) => sum + value, 0) / 1000).toBeCloseTo(0.5, 1);
  });
});

describe("errors", () => {
  it("has its name once in its stack, also where there is no remote one", () => {
    const errors = [new base.NoEnginesRegistered("there is no engine"), new base.CompositeError([new Error("a"), new Error("b")])];
    for (const error of errors) expect((error.stack ?? "").split(error.name)).toHaveLength(2);
    expect(errors[0]?.stack).toMatch(/^NoEnginesRegistered: there is no engine\n {4}at /);
  });

  it.each(
    Object.entries({
      EngineError: base.EngineError,
      NoEnginesRegistered: base.NoEnginesRegistered,
      TaskAborted: base.TaskAborted,
      TaskTimeout: base.TaskTimeout,
      TaskRejectError: base.TaskRejectError,
      UnmetDependency: base.UnmetDependency,
      ImpossibleDependency: base.ImpossibleDependency,
      DependencyTimeout: base.DependencyTimeout,
      InvalidDependency: base.InvalidDependency,
    }),
  )("%s comes over the wire by its name", (ename, Named) => {
    const error = kernelErrorFrom({ ename, evalue: "why", traceback: ["t"] });
    expect(error).toBeInstanceOf(Named);
    expect(error).toBeInstanceOf(base.KernelError);
    expect(error).toMatchObject({ name: ename, ename, evalue: "why", traceback: ["t"], message: `${ename}: why` });
    expect(new Named("x")).toMatchObject({ ename, evalue: "x" });
  });

  it("of user code come as RemoteError that shows the remote traceback and the engine", () => {
    const error = kernelErrorFrom({
      ename: "ValueError",
      evalue: "no",
      traceback: ["line 1", "line 2"],
      engineInfo: { engineUuid: "u", engineId: 3, method: "apply" },
    });
    expect(error).toBeInstanceOf(base.RemoteError);
    expect(error.message).toBe("[3:apply] ValueError: no");
    expect(String(error)).toBe("RemoteError: [3:apply] ValueError: no\nline 1\nline 2");
    expect(String(kernelErrorFrom({ ename: "E", evalue: "" }))).toBe("RemoteError: E");
  });

  it("of many engines are shown up to four and counted", () => {
    const errors = Array.from({ length: 6 }, (_, i) => new base.RemoteError({ ename: "E", evalue: String(i) }));
    const composite = new base.CompositeError(errors);
    expect(composite.errors).toBe(errors);
    expect(composite.message).toBe("CompositeError: 6 failures: E: 0; E: 1; E: 2; E: 3; and 2 more");
    expect(composite.code).toBe("ERR_COMPOSITE");
  });

  it("that are alike are shown once, with their number, engines and host; their stack is the remote traceback", () => {
    const failure = (engineId: number, evalue: string): base.KernelError =>
      kernelErrorFrom({
        ename: "RangeError",
        evalue,
        traceback: [`RangeError: ${evalue}`, "    at f (job.ts:3:9)"],
        engineInfo: { engineUuid: `u${engineId}`, engineId, method: "apply", host: "mezcal07" },
      });
    const alike = new base.CompositeError([0, 1, 2, 5].map((id) => failure(id, "too far")));
    expect(alike.stack).toBe("CompositeError: 4 failures: RangeError: too far (4 times, on engines 0…2, 5 of mezcal07)\n    at f (job.ts:3:9)");
    expect([inspect(alike), String(alike)]).toEqual([alike.stack, alike.stack]);
    const mixed = new base.CompositeError([failure(0, "a"), failure(1, "b"), failure(2, "a"), new base.TimeoutError("late")]);
    expect(mixed.stack?.split("\n")).toEqual([
      "CompositeError: 4 failures: RangeError: a (2 times, on engines 0, 2 of mezcal07); [1:apply on mezcal07] RangeError: b; late",
      "RangeError: a (2 times, on engines 0, 2 of mezcal07)",
      "    at f (job.ts:3:9)",
      "[1:apply on mezcal07] RangeError: b",
      "    at f (job.ts:3:9)",
    ]);
  });

  it("of user code have what the traceback names as their cause", () => {
    const traceback = ["TypeError: outer", "    at g (a.ts:1:1)", "caused by RangeError: inner", "    at h (a.ts:2:2)", "caused by why"];
    const error = kernelErrorFrom({ ename: "TypeError", evalue: "outer", traceback });
    const cause = error.cause as base.KernelError;
    expect(cause).toMatchObject({ ename: "RangeError", evalue: "inner", traceback: ["RangeError: inner", "    at h (a.ts:2:2)", "caused by why"] });
    expect((cause.cause as base.KernelError).ename).toBe("why");
    expect((cause.cause as base.KernelError).cause).toBeUndefined();
  });

  it("have codes from the table, names of their class and causes", () => {
    const cause = new Error("root");
    const made = [
      new base.InvalidArgumentError("m", { cause }),
      new base.ClosedError("m", { cause }),
      new base.ConfigError("m", { cause }),
      new base.TimeoutError("m", { cause }),
      new base.QueueFullError("m", { cause }),
      new base.AuthenticationError("m", { cause }),
      new base.ControllerUnreachableError("m", { cause }),
      new base.ControllerLostError("m", { cause }),
      new base.MalformedMessageError("m", { cause }),
      new base.SignatureError("m", { cause }),
      new base.DuplicateSignatureError("m", { cause }),
      new base.NotRunningError("m", { cause }),
      new base.NoData("m", { cause }),
      new base.InvariantError("m", { cause }),
    ];
    for (const error of made) {
      expect(Object.keys(base.ERROR_TABLE)).toContain(error.code);
      expect(error.name).toBe(error.constructor.name);
      expect(error.cause).toBe(cause);
      expect(base.isParallelError(error)).toBe(true);
    }
    expect(new Set(made.map((error) => error.code)).size).toBe(made.length);
    expect(base.isParallelError(new Error("m"))).toBe(false);
    expect(base.isParallelError(null)).toBe(false);
  });

  it("of another copy of the package are told by their mark", () => {
    const foreign = Object.defineProperty(new Error("m"), Symbol.for("tsparallel.error"), { value: true });
    expect(base.isParallelError(foreign)).toBe(true);
  });

  it("say where a value cannot travel and how a process ended", () => {
    expect(new base.SerializationError("cannot send a socket", { path: "args[0]", remedy: "open it there" })).toMatchObject({
      message: "cannot send a socket; open it there",
      path: "args[0]",
    });
    expect(new base.ProcessExitedError("ended", { exitCode: null, signal: "SIGKILL", outputTail: ["x"] })).toMatchObject({
      exitCode: null,
      signal: "SIGKILL",
      outputTail: ["x"],
    });
  });

  it("of an invariant are thrown only when it does not hold", () => {
    expect(() => base.invariant(true, () => "never")).not.toThrow();
    expect(() => base.invariant(false, () => "the story")).toThrow(base.InvariantError);
  });
});
