import { expect, test } from "vitest";

import { run } from "../../../bench/micro/canning.ts";

test("the canning benchmark measures what it says and computes right results", async () => {
  const rows = await run({ calls: 20 });
  expect(Object.fromEntries(rows.map(({ name, check }) => [name.replace("canning: ", ""), check]))).toMatchObject({
    "pack number": "1",
    "unpack number": "1",
    "pack Float64Array of 1,000,000": "2",
    "capture of a closure of 400 B, first": "2",
    "unpack a call of a function": "1",
  });
  expect(rows.every(({ value }) => value > 0)).toBe(true);
});
