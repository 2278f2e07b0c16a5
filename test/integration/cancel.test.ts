// Cancelling on real processes: whatever a task does, it ends, and nothing else with it. And why a task is not running.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Cluster, InvalidArgumentError, Reference, TaskAborted, TimeLimitExceeded, type AsyncResult, type Client } from "tsparallel";
import { currentTask } from "tsparallel/engine";
import { until } from "../support/until.ts";

let cluster: Cluster;
let rc: Client;
beforeAll(async () => {
  cluster = await Cluster.start({ n: 2, private: true });
  rc = await cluster.connect();
  await rc.waitForEngines(2, { timeoutMs: 60_000 });
});
afterAll(async () => {
  await rc.close();
  await cluster.stop();
});

/** What a task says when it has begun. */
const begun = async (result: AsyncResult<unknown, unknown, "one" | "many">): Promise<void> => {
  await until(() => {
    if (result.ready()) throw new Error("it has ended", { cause: result.metadata });
    return [result.metadata].flat().some((one) => JSON.stringify(one.data).includes("begun"));
  });
};
const failure = (result: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(result).then(
    () => undefined,
    (error: unknown) => error,
  );
/** The engine is the same process as ever, and answers. */
const pids = (): Promise<number[]> => Promise.resolve(rc.directView().apply(() => process.pid));

const tell = (): void => currentTask().publish({ begun: true });

const spin = (): void => {
  tell();
  for (;;);
};

describe("a task that runs", () => {
  const kinds: Record<string, () => unknown> = {
    spins: async () => {
      tell();
      for (;;);
    },
    "catches whatever it can": async () => {
      tell();
      for (;;) {
        try {
          for (;;);
        } catch {
          // Goes on.
        } finally {
          // oxlint-disable-next-line no-unsafe-finally
          continue;
        }
      }
    },
    "awaits for ever": async () => {
      tell();
      await new Promise(() => {});
    },
    "awaits in a loop that never lets the event loop turn": async () => {
      tell();
      for (;;) await Promise.resolve();
    },
    "puts itself into Node's queue again and again": () => {
      tell();
      return new Promise(() => {
        const again = (): void => process.nextTick(again);
        again();
      });
    },
    "waits where nothing but the engine can wake it": async () => {
      tell();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
    "waits for a program": async () => {
      tell();
      process.getBuiltinModule("node:child_process").execSync("sleep 60");
    },
    "listens to its signal and then spins in the listener": async () => {
      currentTask().signal.addEventListener("abort", () => {
        for (;;);
      });
      currentTask().publish({ begun: true });
      await new Promise(() => {});
    },
  };
  it.each(Object.keys(kinds))("and %s ends, on a direct view and load-balanced, and its engine lives", async (name) => {
    const before = await pids();
    const task = kinds[name] as () => unknown;
    for (const view of [rc.directView(0), rc.loadBalancedView().with({ retries: 3 })]) {
      const result = view.apply(task);
      await begun(result);
      expect([...(await result.cancel()).values()]).toEqual(["stopped"]);
      const error = await failure(result);
      expect(error).toBeInstanceOf(TaskAborted);
      expect(error).toMatchObject({ evalue: "the request was cancelled and stopped while it ran", code: "ERR_TASK_ABORTED" });
      expect([...(await result.cancel()).values()]).toEqual(["ended"]);
    }
    expect(await pids()).toEqual(before);
  });

  it("ends also when it was submitted again, by its result and by its client", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tsparallel-test-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const mark = join(folder, "begun");
    // Only an engine that has begun can tell so: the controller counts a task as running when it has been sent.
    const first = rc.loadBalancedView().apply(
      async (key: string, path: string) => {
        if ((globalThis as Record<string, unknown>)[key] === true) {
          process.getBuiltinModule("node:fs").writeFileSync(path, "");
          await new Promise(() => {});
        }
        return process.pid;
      },
      "wasResubmitted",
      mark,
    );
    await first;
    await rc.directView().push({ wasResubmitted: true });
    for (const cancel of [
      (again: AsyncResult<unknown, unknown, "many">) => again.cancel(),
      (again: AsyncResult<unknown, unknown, "many">) => rc.cancel(again),
    ]) {
      const again = rc.resubmit(first);
      await until(() => again.msgIds[0] !== first.msgIds[0]);
      await until(() => existsSync(mark));
      rmSync(mark);
      expect((await rc.explain(again.msgIds[0] as string)).state).toBe("running");
      expect([...(await cancel(again)).values()]).toEqual(["stopped"]);
      expect(await failure(again)).toBeInstanceOf(TaskAborted);
      expect([...(await again.cancel()).values()]).toEqual(["ended"]);
    }
  });

  it("hears its signal first, and may end by itself", async () => {
    const result = rc.directView(0).apply(async () => {
      const { signal } = currentTask();
      currentTask().publish({ begun: true });
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      process.stdout.write(`told: ${String((signal.reason as Error).message)}\n`);
      return "too late";
    });
    await begun(result);
    await result.cancel();
    expect(await failure(result)).toBeInstanceOf(TaskAborted);
    await result.waitForOutput();
    expect(result.stdout).toBe("told: the request was cancelled\n");
  });
});

describe("code that runs before its task does", () => {
  const references = {
    expression: new Reference<number>("(() => { for (;;); })()"),
    getter: new Reference<number>("spinner.value"),
  };
  it.each(Object.entries(references))(
    "an argument that is a Reference and spins (%s) can be stopped in each way, and the engine lives",
    async (_, reference) => {
      const view = rc.directView(1);
      await view.execute("globalThis.spinner = { get value() { for (;;); } }");
      const [pid] = await rc.directView([1]).apply(() => process.pid);
      const same = (x: number): number => x;
      const cancelled = view.apply(same, reference);
      await until(async () => (await cancelled.cancel()).get(cancelled.msgIds[0] as string) === "ended");
      expect(await failure(cancelled)).toBeInstanceOf(TaskAborted);
      expect(await failure(view.with({ timeLimitMs: 100 }).apply(same, reference))).toBeInstanceOf(TimeLimitExceeded);
      const interrupted = view.apply(same, reference);
      await until(async () => {
        await rc.sendSignal("SIGINT", 1);
        return interrupted.wait(50);
      });
      expect(await failure(interrupted)).toMatchObject({ ename: "KeyboardInterrupt" });
      expect(await view.apply(() => process.pid)).toBe(pid);
    },
  );

  it("a loop of awaits ends at its time limit and by a signal as well", async () => {
    const view = rc.directView(1);
    const loop = async (): Promise<void> => {
      tell();
      for (;;) await Promise.resolve();
    };
    expect(await failure(view.with({ timeLimitMs: 100 }).apply(loop))).toBeInstanceOf(TimeLimitExceeded);
    const interrupted = view.apply(loop);
    await begun(interrupted);
    await rc.sendSignal("SIGINT", 1);
    expect(await failure(interrupted)).toMatchObject({ ename: "KeyboardInterrupt" });
    expect(await view.apply(() => "alive")).toBe("alive");
  });
});

describe("what is cancelled", () => {
  const outcomes = async (cancelled: Promise<ReadonlyMap<string, string>>): Promise<string[]> => [...(await cancelled).values()];

  it("is that alone: what waits behind it on its engine runs, cells and other clients' requests too", async () => {
    const other = await cluster.connect();
    const view = rc.directView(0);
    const running = view.execute("(await import('tsparallel/engine')).currentTask().publish({ begun: true }); for (;;);");
    await begun(running);
    const [behind, unwanted, cell, theirs] = [
      view.apply(() => 1),
      view.apply(() => 2),
      view.execute("console.log(3)", { silent: false }),
      other.directView(0).apply(() => 4),
    ] as const;
    expect(await outcomes(unwanted.cancel())).toEqual(["aborted"]);
    expect(await outcomes(running.cancel())).toEqual(["stopped"]);
    expect(await failure(running)).toBeInstanceOf(TaskAborted);
    expect(await failure(unwanted)).toMatchObject({ name: "TaskAborted", engineInfo: undefined });
    expect([await behind, (await cell).stdout, await theirs]).toEqual([1, "3\n", 4]);
    await other.close();
  });

  it("may be several requests at once, by id or result, running and waiting, and one that has ended", async () => {
    const lview = rc.loadBalancedView();
    const done = lview.apply(() => "done");
    await done;
    const spinning = [lview.apply(spin), lview.apply(spin)] as const;
    for (const one of spinning) await begun(one);
    const waiting = lview.apply(() => "never");
    const dependent = lview.with({ after: waiting }).apply(() => "never");
    const kept = lview.apply(() => "kept");
    expect(await outcomes(rc.cancel([done, spinning[0].msgIds[0] as string, spinning[1], waiting]))).toEqual(["ended", "stopped", "stopped", "aborted"]);
    for (const one of spinning) expect(await failure(one)).toBeInstanceOf(TaskAborted);
    expect(await failure(waiting)).toMatchObject({ name: "TaskAborted", evalue: "the request was cancelled before it ran" });
    expect(await failure(dependent)).toMatchObject({ name: "ImpossibleDependency" });
    expect([await done, await kept]).toEqual(["done", "kept"]);
  });

  it("may wait for a dependency, and may be cancelled before its scheduler has seen it", async () => {
    const lview = rc.loadBalancedView();
    const first = rc.directView(0).apply(spin);
    await begun(first);
    const blocker = lview.with({ targets: 0 }).apply(() => 1);
    const blocked = lview.with({ after: blocker }).apply(() => 2);
    const late = lview.apply(() => 3);
    expect(await outcomes(rc.cancel([blocked, late]))).toEqual(["aborted", expect.stringMatching(/^(?:aborted|ended)$/)]);
    expect(await failure(blocked)).toBeInstanceOf(TaskAborted);
    await first.cancel();
    expect(await blocker).toBe(1);
  });

  it("may be a map: its chunks that run are stopped, the others never begin", async () => {
    const map = rc.loadBalancedView().map(spin, Array.from({ length: 8 }));
    await begun(map);
    const found = await outcomes(map.cancel());
    expect(found.filter((one) => one === "stopped").length).toBeGreaterThan(0);
    expect(new Set(found)).toEqual(new Set(["stopped", "aborted"]));
    expect(await failure(map)).toMatchObject({ name: "CompositeError" });
    expect(await pids()).toHaveLength(2);
  });

  it.each([false, true])("may be a broadcast (coalescing: %s)", async (coalescing) => {
    const result = rc.broadcastView({ coalescing }).apply(spin);
    await begun(result);
    // One has begun; the others may not have.
    const found = await outcomes(result.cancel());
    expect(found).toContain("stopped");
    expect(["stopped", "aborted"]).toEqual(expect.arrayContaining(found));
    const error = await failure(result);
    expect(error).toMatchObject({ name: coalescing ? "TaskAborted" : "CompositeError" });
    expect(await pids()).toHaveLength(2);
  });

  it("is none of another client's requests, and none that nobody knows", async () => {
    const other = await cluster.connect();
    const theirs = other.directView(0).apply(spin);
    await begun(theirs);
    await expect(rc.cancel(theirs.msgIds)).rejects.toThrow(InvalidArgumentError);
    await expect(rc.cancel("nobody-knows-me")).rejects.toThrow("nobody-knows-me");
    expect(theirs.ready()).toBe(false);
    await theirs.cancel();
    await other.close();
  });

  it("is all that is outstanding, when nothing is named", async () => {
    const all = [rc.directView(0).apply(spin), rc.directView(1).apply(() => new Promise(() => {})), rc.loadBalancedView().apply(() => 1)] as const;
    await begun(all[0]);
    await rc.cancel();
    await rc.wait(undefined, { timeoutMs: 60_000 });
    expect(rc.outstanding.size).toBe(0);
    await rc.cancel();
  });
});

describe("a task that is tried again", () => {
  it("knows which attempt it is, with functions short and long, and none of the others do", async () => {
    const lview = rc.loadBalancedView().with({ retries: 1, chunkSize: 1 });
    const attempts = lview.map(
      (item: number) => {
        const { attempt } = currentTask();
        if (attempt <= item) throw new Error(`attempt ${attempt} of ${item} fails`);
        return attempt;
      },
      [0, 1, 0, 1],
    );
    expect(await attempts.get({ timeoutMs: 60_000 })).toEqual([1, 2, 1, 2]);
    expect(await rc.directView(0).apply(() => currentTask().attempt)).toBe(1);
    const failing = lview.apply(() => {
      throw new Error(String(currentTask().attempt));
    });
    expect(await failure(failing)).toMatchObject({ evalue: "2" });
  });
});

describe("tasks that wait for an engine", () => {
  it("are served by priority, and in order of submission within one", async () => {
    const lview = rc.loadBalancedView(0);
    const spinning = lview.apply(spin);
    await begun(spinning);
    const ran = lview.with({ priority: 1000 }).apply(() => ((globalThis as { ran?: string[] }).ran = []));
    const note = (name: string): unknown => (globalThis as unknown as { ran: string[] }).ran.push(name);
    const wanted: [string, number][] = [
      ["a", 0],
      ["low", -5],
      ["b", 0],
      ["high", 5],
      ["high too", 5],
      ["c", 0],
    ];
    const all = wanted.map(([name, priority]) => lview.with({ priority }).apply(note, name));
    const last = lview.with({ priority: -1000 }).apply(() => (globalThis as unknown as { ran: string[] }).ran);
    await until(async () => (await rc.explain(last.msgIds[0] as string)).reason === "enginesFull");
    await spinning.cancel();
    await Promise.all([ran, ...all]);
    expect(await last).toEqual(["high", "high too", "a", "b", "c", "low"]);
  });
});

describe("a request that is not done", () => {
  it("is explained: what it waits for, where it is, how it has ended", async () => {
    const lview = rc.loadBalancedView();
    const spinning = [0, 1].map((id) => lview.with({ targets: id }).apply(spin));
    for (const one of spinning) await begun(one);
    const waiting = lview.apply(() => "done");
    const dependent = lview.with({ after: waiting }).apply(() => "done too");
    const idOf = (result: AsyncResult<unknown>): string => result.msgIds[0] as string;
    // Requests and questions take different ways.
    const isKnown = async (result: AsyncResult<unknown>, state: string): Promise<void> => until(async () => (await rc.explain(idOf(result))).state === state);
    await isKnown(dependent, "waiting");
    expect(await rc.explain(idOf(spinning[1] as AsyncResult<unknown>))).toMatchObject({ state: "running", reason: "engineHasIt", engines: [1] });
    expect(await rc.explain(idOf(waiting))).toMatchObject({ state: "waiting", reason: "enginesFull", hwm: 1, engines: [0, 1], since: expect.any(Date) });
    const explanation = await rc.explain(idOf(dependent));
    expect(explanation).toMatchObject({ state: "waiting", reason: "dependency", waitsFor: [{ msgId: idOf(waiting), state: "waiting" }] });
    expect(String(explanation)).toContain(`is waiting: it comes after 1 unfinished task: ${idOf(waiting)} (waiting) since `);
    const direct = [rc.directView(0).apply(() => 1), rc.directView(0).apply(() => 2)] as const;
    await isKnown(direct[1], "queued");
    expect(await rc.explain(idOf(direct[1]))).toMatchObject({ state: "queued", reason: "engineBusy", engines: [0], ahead: 1 });
    const other = await cluster.connect();
    expect(await other.explain(idOf(waiting))).toMatchObject({ state: "waiting", reason: "enginesFull" });
    await rc.cancel(spinning);
    expect(await dependent).toBe("done too");
    expect(await other.explain(idOf(dependent))).toMatchObject({ state: "done", reason: "succeeded" });
    expect(await other.explain(idOf(spinning[0] as AsyncResult<unknown>))).toMatchObject({ state: "done", reason: "failed", engines: [0] });
    expect(await other.explain("nobody-knows-me")).toMatchObject({ state: "unknown" });
    await other.close();
  });
});
