// Whether the Hub's work holds up messages between clients and engines.

import { performance } from "node:perf_hooks";
import type { Measure } from "../measure.ts";
import { withClient } from "./throughput.ts";

const nothing = (): null => null;

/** Round trips while the Hub is busy with queries over the whole store: were routing to wait for it, one of them would last as long as the queries. */
export const routing: Measure = {
  name: "routing",
  title: "slowest round trip while the Hub answers queries over all records, as a share of the time they take",
  floor: { atMost: 0.25 },
  async run(context) {
    const tasks = context.quick ? 200 : 20_000;
    const queries = context.quick ? 5 : 100;
    return withClient(2, async (rc, cluster) => {
      for await (const one of rc.loadBalancedView().imap(nothing, Array.from({ length: tasks }).keys(), { chunkSize: 1 }))
        if (one !== null) throw new Error("a task went wrong");
      const view = rc.directView(0);
      for (let i = 0; i < 50; i += 1) await view.apply(nothing);
      const asker = await cluster.connect();
      const trips: number[] = [];
      let isAnswered = false;
      const began = performance.now();
      // Nothing has this label and no index helps: the Hub looks at every record, and its answer is small.
      const answers = Promise.all(
        Array.from({ length: queries }, () => asker.dbQuery({ stdout: { $glob: "none*like*this" } }, ["msg_id"], { timeoutMs: 120_000 })),
      );
      const answered = answers.then((found) => {
        isAnswered = true;
        if (found.some((records) => records.length > 0)) throw new Error("a query found what is not there");
        return performance.now() - began;
      });
      while (!isAnswered) {
        const sent = performance.now();
        await view.apply(nothing);
        trips.push(performance.now() - sent);
      }
      const busyMs = await answered;
      await asker.close();
      const slowest = Math.max(...trips);
      trips.sort((a, b) => a - b);
      const notes = `${queries} queries took ${busyMs.toFixed(0)} ms; ${trips.length} round trips meanwhile, median ${(trips[trips.length >> 1] ?? Number.NaN).toFixed(2)} ms, slowest ${slowest.toFixed(1)} ms`;
      return { ours: { value: slowest / busyMs, unit: "of it" }, ratio: slowest / busyMs, notes };
    });
  },
};
