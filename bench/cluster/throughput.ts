// Tasks per second, round trip, and map, each against ipyparallel doing the same.

import { performance } from "node:perf_hooks";
import { Cluster, type Client, type ClusterOptions } from "tsparallel";
import { compared, median, type Measure } from "../measure.ts";
import { measureIpyparallel } from "../peers.ts";

/** Starts a private cluster with its SQLite store on, and hands the client over. */
export async function withClient<T>(n: number, work: (rc: Client, cluster: Cluster) => Promise<T>, options: ClusterOptions = {}): Promise<T> {
  await using cluster = await Cluster.start({ ...options, n, private: true });
  const rc = await cluster.connect();
  try {
    return await work(rc, cluster);
  } finally {
    await rc.close();
  }
}

const nothing = (): null => null;

/** No-op tasks through a LoadBalancedView, one a message. */
export const tasks: Measure = {
  name: "tasks",
  title: "no-op tasks per second, one a message, 2 engines, SQLite store",
  floor: { atLeast: 10 },
  async run(context) {
    const count = context.quick ? 500 : 30_000;
    const ours = await withClient(2, async (rc) => {
      const view = rc.loadBalancedView();
      await view.apply(nothing);
      const began = performance.now();
      const results = Array.from({ length: count }, () => view.apply(nothing));
      for (const result of results) await result;
      return { value: (count / (performance.now() - began)) * 1000, unit: "tasks/s" };
    });
    return compared(ours, measureIpyparallel(context, "tasks"));
  },
};

/** One apply after the other on one engine. */
export const roundtrip: Measure = {
  name: "roundtrip",
  title: "round trip of one apply on one engine (median)",
  floor: { atMost: 0.25 },
  async run(context) {
    const count = context.quick ? 20 : 2000;
    const ours = await withClient(2, async (rc) => {
      const view = rc.directView(0);
      for (let i = 0; i < 50; i += 1) await view.apply(nothing);
      const times: number[] = [];
      for (let i = 0; i < count; i += 1) {
        const began = performance.now();
        await view.apply(nothing);
        times.push(performance.now() - began);
      }
      return { value: median(times), unit: "ms" };
    });
    return compared(ours, measureIpyparallel(context, "roundtrip"));
  },
};

/** A map over many small items. */
export const map: Measure = {
  name: "map",
  title: "lview.map over 1,000,000 small items, default chunks (peer: chunksize=100)",
  floor: { atLeast: 3 },
  async run(context) {
    const count = context.quick ? 10_000 : 1_000_000;
    const items = Array.from({ length: count }, (_, i) => i);
    const ours = await withClient(2, async (rc) => {
      const view = rc.loadBalancedView();
      await view.map((x: number) => x * x, items.slice(0, 100));
      const began = performance.now();
      const squares = await view.map((x: number) => x * x, items);
      const elapsed = performance.now() - began;
      if (squares.length !== count || squares[3] !== 9) throw new Error("the map gave a wrong result");
      return { value: (count / elapsed) * 1000, unit: "items/s" };
    });
    return compared(ours, measureIpyparallel(context, "map"));
  },
};

/** A large array there and back. */
export const push: Measure = {
  name: "push",
  title: "push of a 64 MB Float64Array and pull back",
  floor: { atLeast: 1 },
  async run(context) {
    const length = context.quick ? 65_536 : 8_388_608;
    const rounds = context.quick ? 1 : 7;
    const ours = await withClient(2, async (rc) => {
      const view = rc.directView(0);
      const array = Float64Array.from({ length }, (_, i) => i);
      const rates: number[] = [];
      for (let i = 0; i < rounds; i += 1) {
        const began = performance.now();
        await view.push({ a: array });
        const back = (await view.pull("a")) as Float64Array;
        rates.push((2 * array.byteLength) / (performance.now() - began) / 1000);
        if (back.length !== length || back[length - 1] !== length - 1) throw new Error("the array came back changed");
      }
      return { value: median(rates), unit: "MB/s" };
    });
    return compared(ours, measureIpyparallel(context, "push", "ipyparallel with numpy"));
  },
};
