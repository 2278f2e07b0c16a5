import { expect, it } from "vitest";
import { run } from "../../../../bench/micro/scheduler.ts";

it("the scheduler's benchmark finishes every task it measures", async () => {
  const rows = await run({ tasks: 500 });
  expect(rows.map((row) => row.check)).toEqual([
    ...Array.from({ length: 4 }, () => "500 tasks"),
    ...Array.from({ length: 11 }, () => "100 tasks"),
    "100 waiting",
  ]);
});
