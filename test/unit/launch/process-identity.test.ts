import { describe, expect, it } from "vitest";
import { identityOf, isAlive, startedOf } from "../../../src/launch/index.ts";

/** Above any pid_max. */
const NO_PID = 2 ** 30;

describe("a process", () => {
  it("is known by id and start time together", () => {
    const own = identityOf(process.pid);
    expect(own.started).not.toBe("");
    expect(isAlive(own)).toBe(true);
    expect(isAlive({ ...own, started: "1@00000000" })).toBe(false);
  });

  it("that does not live has no start time", () => {
    expect(startedOf(NO_PID)).toBeUndefined();
    expect(isAlive({ pid: NO_PID, started: "" })).toBe(false);
    expect(isAlive({ pid: 0, started: "" })).toBe(false);
    expect(isAlive({ pid: -1, started: "" })).toBe(false);
  });

  it("without a known start time belongs to a cluster only if its command line says so", () => {
    expect(isAlive({ pid: process.ppid, started: "" })).toBe(false);
  });
});
