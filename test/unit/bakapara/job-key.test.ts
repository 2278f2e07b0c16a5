import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DoneJobs, isRecordedEnd, jobKey } from "../../../src/bakapara/index.ts";

describe("jobKey", () => {
  it("is the same for the same content in another order of keys, with or without result", () => {
    expect(jobKey({ cmd: "a", env: { X: "1", Y: "2" }, result: { code: 0 } })).toBe(jobKey({ env: { Y: "2", X: "1" }, cmd: "a" }));
  });

  it("differs for different content", () => {
    const keys = [{ cmd: "a" }, { cmd: "b" }, { cmd: "a", id: 1 }, { cmd: "a", id: "1" }, { cmd: "a", host: ["x", "y"] }, { cmd: "a", host: ["y", "x"] }].map(
      jobKey,
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("survives the way through a file", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (job) => {
        expect(jobKey(JSON.parse(JSON.stringify(job)) as Record<string, unknown>)).toBe(jobKey(job));
      }),
    );
  });
});

describe("DoneJobs", () => {
  it("a job written twice is done twice", () => {
    const done = new DoneJobs();
    done.add({ cmd: "a" });
    done.add({ cmd: "a" });
    done.add({ cmd: "b" });
    expect(done.size).toBe(3);
    expect(["a", "a", "a", "b", "c"].map((cmd) => done.takes({ cmd }))).toEqual([true, true, false, true, false]);
    expect(done.size).toBe(0);
  });
});

describe("isRecordedEnd", () => {
  it("a job that ran is done, whatever its code; one that could not be run is not", () => {
    expect([{ code: 0 }, { code: 7 }, { code: null }, {}, null, undefined, "0"].map(isRecordedEnd)).toEqual([true, true, false, false, false, false, false]);
  });
});
