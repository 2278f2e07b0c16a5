// What a client's user notices: whether a program that submits much stays alive meanwhile, and what a cluster adds to short tasks.

import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import type { LoadBalancedOptions } from "tsparallel";
import type { Client } from "tsparallel";
import type { Measure } from "../measure.ts";
import { withClient } from "./throughput.ts";

const nothing = (): null => null;

const SUBMISSION_SECONDS = 5;
const DELAY_MS = 50;
/** Tasks that the program submits before it lets other things of its own happen. */
const IN_ONE_TURN = 100;
const NANOS_PER_MS = 1e6;

/** Many tasks from one client that goes on with other things: how long it takes, and how late its timers are. */
export const submission: Measure = {
  name: "submission",
  title: `submission of 100,000 tasks, ${IN_ONE_TURN} in each turn (floor: ${SUBMISSION_SECONDS} s, 99 % of event-loop delays under ${DELAY_MS} ms)`,
  floor: { atMost: 1 },
  run(context) {
    const count = context.quick ? 1000 : 100_000;
    return withClient(2, async (rc) => {
      const view = rc.loadBalancedView();
      await view.apply(nothing);
      const delays = monitorEventLoopDelay({ resolution: 1 });
      const results: PromiseLike<null>[] = [];
      delays.enable();
      const began = performance.now();
      for (let i = 0; i < count; i += 1) {
        if (i % IN_ONE_TURN === 0) await turn();
        results.push(view.apply(nothing));
      }
      const seconds = (performance.now() - began) / 1000;
      delays.disable();
      const [p99, max] = [delays.percentile(99) / NANOS_PER_MS, delays.max / NANOS_PER_MS];
      for (const result of results) if ((await result) !== null) throw new Error("a task gave a wrong result");
      const total = (performance.now() - began) / 1000;
      const notes = `event-loop delay: p99 ${p99.toFixed(1)} ms, max ${max.toFixed(0)} ms; all finished after ${total.toFixed(1)} s`;
      return { ours: { value: seconds, unit: "s" }, ratio: Math.max(seconds / SUBMISSION_SECONDS, p99 / DELAY_MS), notes };
    });
  },
};

/** Waits a millisecond without using the processor, which two engines have to share with everybody else. */
const pause = (): number => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  return 1;
};

const ROUNDS = 5;

/** A map of tasks of a millisecond against an engine that does them without any messages: the middle one of some rounds, each with its peer. */
function shortMap(name: string, how: string, options: LoadBalancedOptions): Measure {
  return {
    name,
    title: `map of 1,000 tasks of 1 ms on 2 engines, ${how} (peer: half the time of one engine that runs them in a loop)`,
    floor: { atMost: 1.15 },
    run(context) {
      const count = context.quick ? 20 : 1000;
      return withClient(2, async (rc) => {
        const view = rc.loadBalancedView().with(options);
        const items = Array.from({ length: count }, () => undefined);
        await view.map(pause, items.slice(0, 100));
        const rounds: { readonly ours: number; readonly peer: number }[] = [];
        for (let round = 0; round < (context.quick ? 1 : ROUNDS); round += 1) {
          const began = performance.now();
          const done = await view.map(pause, items);
          const ours = performance.now() - began;
          if (done.reduce((sum, one) => sum + one, 0) !== count) throw new Error("the map gave a wrong result");
          const alone = await rc.directView(0).apply((n: number) => {
            const start = performance.now();
            for (let i = 0; i < n; i += 1) pause();
            return performance.now() - start;
          }, count);
          rounds.push({ ours, peer: alone / 2 });
        }
        rounds.sort((one, other) => one.ours / one.peer - other.ours / other.peer);
        const ratios = rounds.map(({ ours, peer }) => ours / peer);
        const { ours, peer } = rounds[rounds.length >> 1] ?? { ours: Number.NaN, peer: Number.NaN };
        const notes = `${rounds.length} rounds: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}`;
        return { ours: { value: ours, unit: "ms" }, peer: { value: peer, unit: "ms" }, ratio: ours / peer, notes };
      });
    },
  };
}

/** As users write it. */
export const shortTasks: Measure = shortMap("short", "default chunks", {});

/** Each task in a message of its own. */
export const singleTasks: Measure = shortMap("short-single", "one a message", { chunkSize: 1 });

const ENGINES = 8;

interface PushTimes {
  readonly toOneMs: number;
  readonly toAllMs: number;
}

/** The least times of some pushes of an array to one engine and to all. */
function timePushes(engines: number, length: number, rounds: number, keepFreedMemory: boolean): Promise<PushTimes> {
  const work = async (rc: Client): Promise<PushTimes> => {
    const everywhere = rc.broadcastView();
    const one = rc.directView(0);
    const array = Float64Array.from({ length }, (_, i) => i);
    const timed = async (push: () => PromiseLike<unknown>): Promise<number> => {
      const began = performance.now();
      await push();
      return performance.now() - began;
    };
    const [many, single]: [number[], number[]] = [[], []];
    for (let i = 0; i < rounds; i += 1) {
      single.push(await timed(() => one.push({ a: array })));
      many.push(await timed(() => everywhere.push({ a: array })));
    }
    const lasts = await everywhere.apply(() => (globalThis as unknown as { a: Float64Array }).a.at(-1));
    if (lasts.some((last) => last !== length - 1)) throw new Error("an engine has a wrong array");
    return { toOneMs: Math.min(...single), toAllMs: Math.min(...many) };
  };
  return withClient(engines, work, { local: { keepFreedMemory } });
}

/** A large array to all engines of a machine, against sending it to one. */
export const broadcast: Measure = {
  name: "broadcast",
  title: `100 MB to ${ENGINES} local engines by a broadcast view (peer: a push to one of them)`,
  floor: { atMost: 2 },
  async run(context) {
    const length = context.quick ? 65_536 : 13_107_200;
    const rounds = context.quick ? 1 : 8;
    const engines = context.quick ? 2 : ENGINES;
    const { toAllMs, toOneMs } = await timePushes(engines, length, rounds, false);
    const kept = await timePushes(engines, length, rounds, true);
    const notes = `with keepFreedMemory: ${kept.toAllMs.toFixed(0)} ms, to one ${kept.toOneMs.toFixed(0)} ms`;
    return { ours: { value: toAllMs, unit: "ms" }, peer: { value: toOneMs, unit: "ms" }, ratio: toAllMs / toOneMs, notes };
  },
};
