import { describe, expect, it } from "vitest";
import { JobWindow } from "../../../src/bakapara/job-window.ts";

const afterJobs = (elapsedMs: number, count = 200): JobWindow => {
  const window = new JobWindow();
  for (let i = 0; i < count; i += 1) window.ended(elapsedMs);
  return window;
};

describe("JobWindow", () => {
  it("lets four jobs an engine be under way while it knows nothing, and for long jobs", () => {
    expect(new JobWindow().size(10)).toBe(40);
    expect(afterJobs(60_000).size(10)).toBe(40);
  });

  it.each([
    [0, 320],
    [2, 320],
    [5, 200],
    [10, 100],
    [20, 50],
  ])("of jobs that take %d ms it lets as many be under way as fill 100 ms, 32 an engine at most", (elapsedMs, jobs) => {
    expect(Math.abs(afterJobs(elapsedMs).size(10) - jobs)).toBeLessThanOrEqual(10);
  });

  it("one long job among short ones is soon forgotten", () => {
    const window = afterJobs(2);
    window.ended(3_600_000);
    for (let i = 0; i < 50; i += 1) window.ended(2);
    expect(window.size(1)).toBeGreaterThan(24);
  });

  it("has room for eight jobs on few engines, for a thousand on many, for two an engine on more", () => {
    expect([0, 1, 500, 5_000].map((engines) => new JobWindow().size(engines))).toEqual([8, 8, 1_000, 10_000]);
  });

  it("starts nothing until half is free, then fills it", () => {
    const window = new JobWindow();
    expect([0, 4, 8, 9, 16, 40].map((running) => window.free(running, 4))).toEqual([16, 12, 8, 0, 0, 0]);
  });
});
