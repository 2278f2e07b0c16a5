import { expect, it } from "vitest";
import { run as runFraming } from "../../../bench/micro/framing.ts";
import { run as runStore } from "../../../bench/micro/store.ts";

it("the benchmark of framing handles every message", async () => {
  const rows = await runFraming({ messages: 50 });
  expect(rows.map((row) => row.check)).toEqual([
    expect.stringMatching(/^50 of \d+ bytes$/),
    "150 buffers",
    "50 opened",
    "50 read",
    "50 received",
    "50 received",
  ]);
  expect(rows.every((row) => row.value > 0)).toBe(true);
});

it("the benchmark of the stores keeps and reads what it should", async () => {
  const rows = await runStore({ tasks: 200 });
  const checks = (name: string): readonly string[] => rows.filter((row) => row.name.startsWith(`store ${name}:`)).map((row) => row.check);
  expect(checks("memory")).toEqual(["200 kept", "200 tasks", "200 tasks", "200 results read"]);
  expect(checks("sqlite")).toEqual(checks("memory"));
  expect(checks("sqlite, culling")).toEqual(["20 kept", "200 tasks", "200 tasks", "20 results read"]);
});
