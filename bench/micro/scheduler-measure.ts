// The scheduler's figure for the table: CPU per task at 10, 1,000 and 10,000 engines; the largest over the smallest.

import type { Measure } from "../measure.ts";
import { run } from "./scheduler.ts";

const PLAIN = /^scheduler: CPU per task, [\d,]+ engines$/;

/** A million tasks through the machine at each size. */
export const scheduler: Measure = {
  name: "scheduler",
  title: "simulated scheduler: CPU per task at 10, 1,000, 10,000 engines (largest over smallest)",
  floor: { atMost: 2 },
  async run(context) {
    const all = await run({ tasks: context.quick ? 2000 : 1_000_000 });
    const rows = all.filter(({ name }) => PLAIN.test(name));
    const values = rows.map(({ value }) => value);
    if (values.length !== 3) throw new Error(`expected three sizes, found ${rows.map(({ name }) => name).join("; ")}`);
    const largest = Math.max(...values);
    const notes = rows.map(({ name, value }) => `${/[\d,]+(?= engines)/.exec(name)?.[0]}: ${value.toFixed(2)} µs`).join(", ");
    return { ours: { value: largest, unit: "µs" }, ratio: largest / Math.min(...values), notes };
  },
};
