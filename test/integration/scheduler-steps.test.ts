// What it costs to choose an engine, counted in steps of the compiled scheduler instead of time: V8 tells how often each
// block of code ran. In a thread, whose counters are its own.

import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";

const TASKS = 500;

/** Runs the tasks, a third of the engines' number (at most 300) under way at a time, and posts how many blocks were executed. */
const PROGRAM = `
  const { parentPort, workerData: { core, scheme, hwm, engines, tasks } } = require("node:worker_threads");
  const { Session } = require("node:inspector");
  (async () => {
    const session = new Session();
    session.connect();
    const post = (method, params) => {
      let answer;
      session.post(method, params, (error, result) => { if (error) throw error; answer = result; });
      return answer;
    };
    post("Profiler.enable");
    post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    // Only code that is compiled from now on is counted by blocks.
    const { TaskScheduler } = await import(core);
    const scheduler = new TaskScheduler({ scheme, hwm });
    const any = { dependencies: [], all: true, success: true, failure: false };
    const options = { targets: [], retries: 0, timeoutMs: 0, after: any, follow: any, priority: 0 };
    const running = [];
    let answered = 0;
    let now = 1000;
    const handle = (event) => {
      now += 0.01;
      for (const effect of scheduler.handle({ ...event, at: now })) {
        if (effect.type === "sendToEngine") running.push([effect.msgId, effect.engine]);
        if (effect.type === "forwardReply") answered += 1;
      }
    };
    for (let i = 0; i < engines; i += 1) handle({ type: "engineJoined", engine: "E" + i });
    const underWay = Math.min(300, Math.ceil(engines / 3));
    const work = (name, count) => {
      for (let i = 0; i < count; i += 1) {
        handle({ type: "taskSubmitted", task: { msgId: name + i, client: "C", payload: "p", bytes: 10, options } });
        while (running.length > underWay || (i === count - 1 && running.length > 0)) {
          const [msgId, engine] = running.shift();
          handle({ type: "taskReplied", reply: { msgId, engine, dependenciesMet: true, status: "ok", payload: "r" } });
        }
      }
    };
    work("warm", 100);
    post("Profiler.takePreciseCoverage"); // Counts from here on.
    const before = answered;
    work("T", tasks);
    const { result } = post("Profiler.takePreciseCoverage");
    const own = result.filter(({ url }) => url.includes("/dist/core/"));
    const steps = own.flatMap((script) => script.functions).flatMap((one) => one.ranges).reduce((sum, range) => sum + range.count, 0);
    parentPort.postMessage({ steps, answered: answered - before });
  })();
`;

async function stepsOf(scheme: string, hwm: number, engines: number): Promise<{ readonly steps: number; readonly answered: number }> {
  const core = new URL("../../dist/core/index.js", import.meta.url).href;
  const worker = new Worker(PROGRAM, { eval: true, workerData: { core, scheme, hwm, engines, tasks: TASKS } });
  try {
    return await new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`the thread ended with ${code}`)));
    });
  } finally {
    await worker.terminate();
  }
}

it.each([
  ["leastload", 1],
  ["leastload", 0],
  ["lru", 1],
  ["plainrandom", 1],
  ["twobin", 1],
  ["weighted", 1],
  ["pure", 0],
] as const)("%s with hwm %i chooses among 3,000 engines in as many steps as among 30", async (scheme, hwm) => {
  const few = await stepsOf(scheme, hwm, 30);
  const many = await stepsOf(scheme, hwm, 3000);
  expect([few.answered, many.answered]).toEqual([TASKS, TASKS]);
  expect(few.steps).toBeGreaterThan(TASKS);
  expect(many.steps / few.steps).toBeLessThan(1.5);
});
