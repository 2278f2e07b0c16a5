import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatElapsed, isSuccess, readJob, unrunResult, type JobResult } from "../../../src/bakapara/index.ts";

const result = (part: Partial<JobResult>): JobResult => ({ ...unrunResult("x"), status: "ok", ...part });

describe("readJob", () => {
  it("gives back the very object, unknown keys included", () => {
    const given = { cmd: "true", mine: { a: 1 } };
    expect(readJob(given)).toBe(given);
  });

  it.each<readonly [unknown, string]>([
    [3, "a job must be a JSON object with `cmd`"],
    [null, "a job must be a JSON object with `cmd`"],
    [["true"], "a job must be a JSON object with `cmd`"],
    [{}, "`cmd` is missing"],
    [{ cmd: 1 }, "`cmd` must be a text"],
    [{ cmd: "x", cd: "" }, "`cd` must be a path"],
    [{ cmd: "x", out: 1 }, "`out` must be a path"],
    [{ cmd: "x", host: [] }, "`host` must be a host name or a list of them"],
    [{ cmd: "x", host: [1] }, "`host` must be a host name or a list of them"],
    [{ cmd: "x", env: { A: 1 } }, "`env` must be an object of texts"],
    [{ cmd: "x", env: ["A"] }, "`env` must be an object of texts"],
    [{ cmd: "x", timeout: 0 }, "`timeout` must be a number of seconds above 0"],
    [{ cmd: "x", timeout: "5" }, "`timeout` must be a number of seconds above 0"],
    [{ cmd: "x", retries: -1 }, "`retries` must be a whole number of at least 0"],
    [{ cmd: "x", retries: 1.5 }, "`retries` must be a whole number of at least 0"],
    [{ cmd: "x", priority: "high" }, "`priority` must be a number"],
    [{ cmd: "x", shell: [] }, "`shell` must be a program, or a list of a program and its arguments"],
    [{ cmd: "x", ok_codes: 0 }, "`ok_codes` must be a list of exit codes"],
    [{ cmd: "x", id: {} }, "`id` must be a text or a number"],
  ])("refuses %j", (given, message) => {
    expect(readJob(given)).toBe(message);
  });
});

describe("isSuccess", () => {
  it("code 0 is success, others are not", () => {
    expect(isSuccess({}, result({ code: 0 }))).toBe(true);
    expect(isSuccess({}, result({ code: 1 }))).toBe(false);
    expect(isSuccess({}, result({ code: null, status: "error" }))).toBe(false);
  });

  it("ok_codes says otherwise", () => {
    expect(isSuccess({ ok_codes: [1, 2] }, result({ code: 2 }))).toBe(true);
    expect(isSuccess({ ok_codes: [1, 2] }, result({ code: 0 }))).toBe(false);
  });
});

describe("formatElapsed", () => {
  it.each([
    [0, "0:00:00.000000"],
    [10_007.444, "0:00:10.007444"],
    [0.0006, "0:00:00.000001"],
    [59_999.9999, "0:01:00.000000"],
    [3_600_000, "1:00:00.000000"],
    [360_000_000 + 61_000.5, "100:01:01.000500"],
  ])("%d ms is %s", (milliseconds, text) => {
    expect(formatElapsed(milliseconds)).toBe(text);
  });

  it("can be read back to the microsecond", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 13 }), (micros) => {
        const [hours, minutes, seconds] = formatElapsed(micros / 1000).split(":");
        const [whole, fraction] = (seconds ?? "").split(".");
        expect(((Number(hours) * 60 + Number(minutes)) * 60 + Number(whole)) * 1_000_000 + Number(fraction)).toBe(micros);
      }),
    );
  });
});
