import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JobBoard, type Entry } from "../../../src/bakapara/job-board.ts";

const board = (limits: Partial<{ waitingMax: number; orderSpanMax: number }> = {}): JobBoard<string> => new JobBoard({ waitingMax: 10, ...limits });

describe("JobBoard", () => {
  it("starts jobs in the order of the input", () => {
    const jobs = board();
    for (const name of ["a", "b"]) jobs.add(name);
    expect([jobs.take()?.payload, jobs.take()?.payload, jobs.take()]).toEqual(["a", "b", undefined]);
  });

  it("starts higher priority first", () => {
    const jobs = board();
    jobs.add("low", { priority: -1 });
    jobs.add("first");
    jobs.add("high", { priority: 5 });
    jobs.add("second");
    expect([jobs.take(), jobs.take(), jobs.take(), jobs.take()].map((entry) => entry?.payload)).toEqual(["high", "first", "second", "low"]);
  });

  it("a failed job is tried again as often as it may be, before later jobs", () => {
    const jobs = board();
    jobs.add("a", { retries: 2 });
    jobs.add("b");
    for (const attempt of [1, 2, 3]) {
      const entry = jobs.take() as Entry<string>;
      expect([entry.payload, entry.attempt]).toEqual(["a", attempt]);
      expect(jobs.finish(entry, false)).toBe(attempt === 3);
    }
    expect(jobs.take()?.payload).toBe("b");
  });

  it("is over when the input is, and nothing waits or runs", () => {
    const jobs = board();
    expect(jobs.isOver).toBe(false);
    jobs.add("a");
    jobs.endInput();
    expect(jobs.isOver).toBe(false);
    const entry = jobs.take() as Entry<string>;
    expect(jobs.isOver).toBe(false);
    jobs.finish(entry, true);
    expect([jobs.isOver, jobs.ended]).toEqual([true, 1]);
  });

  it("a stopped board starts nothing, tries nothing again, wants nothing, and is over with the last running job", () => {
    const jobs = board();
    jobs.add("a", { retries: 5 });
    jobs.add("b");
    const entry = jobs.take() as Entry<string>;
    jobs.stop();
    expect([jobs.take(), jobs.wantsMore, jobs.isOver]).toEqual([undefined, false, false]);
    expect(jobs.finish(entry, false)).toBe(true);
    expect(jobs.isOver).toBe(true);
  });

  it("a job that was taken back has not ended", () => {
    const jobs = board();
    jobs.add("a");
    jobs.drop(jobs.take() as Entry<string>);
    expect([jobs.ended, jobs.running.size]).toEqual([0, 0]);
  });

  it("wants no more than it may hold", () => {
    const jobs = board({ waitingMax: 2 });
    jobs.add("a");
    expect(jobs.wantsMore).toBe(true);
    jobs.add("b");
    expect(jobs.wantsMore).toBe(false);
    jobs.take();
    expect(jobs.wantsMore).toBe(true);
  });

  it("wants no more bytes than it may hold, and takes a job that is larger all the same", () => {
    const jobs = new JobBoard<string>({ waitingMax: 10, waitingBytesMax: 100 });
    jobs.add("large", { sizeBytes: 1_000 });
    expect(jobs.wantsMore).toBe(false);
    expect(jobs.take()?.payload).toBe("large");
    expect(jobs.wantsMore).toBe(true);
  });

  it("with kept order it reads no further ahead of an unfinished job than the span", () => {
    const jobs = board({ orderSpanMax: 3 });
    for (const name of ["a", "b", "c"]) jobs.add(name);
    const [a, b, c] = [jobs.take(), jobs.take(), jobs.take()] as Entry<string>[];
    jobs.finish(b as Entry<string>, true);
    jobs.finish(c as Entry<string>, true);
    expect(jobs.wantsMore).toBe(false);
    jobs.finish(a as Entry<string>, true);
    expect(jobs.wantsMore).toBe(true);
  });

  it("finishing what does not run is a bug that is told", () => {
    const jobs = board();
    jobs.add("a");
    const entry = jobs.take() as Entry<string>;
    jobs.finish(entry, true);
    expect(() => jobs.finish(entry, true)).toThrow(/was not running/);
  });

  it("whatever happens, bounds hold, no job is lost or run twice at a time, and each gets its attempts", () => {
    const jobOf = fc.record({ priority: fc.integer({ min: -3, max: 3 }), retries: fc.nat(3), fails: fc.nat(4) });
    fc.assert(
      fc.property(
        fc.array(jobOf, { maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 8 }),
        fc.infiniteStream(fc.nat()),
        (given, runningMax, waitingMax, choices) => {
          const jobs = new JobBoard<number>({ waitingMax });
          const attempts = given.map(() => 0);
          const ended: number[] = [];
          let next = 0;
          for (let step = 0; !jobs.isOver; step += 1) {
            expect(step).toBeLessThan(2_000);
            while (next < given.length && jobs.wantsMore) {
              jobs.add(next, given[next]);
              next += 1;
            }
            if (next === given.length) jobs.endInput();
            const entry = jobs.running.size < runningMax ? jobs.take() : undefined;
            if (entry !== undefined) attempts[entry.payload] = (attempts[entry.payload] ?? 0) + 1;
            const running = [...jobs.running];
            if (running.length > 0 && (entry === undefined || (choices.next().value as number) % 2 === 0)) {
              const ending = running[(choices.next().value as number) % running.length] as Entry<number>;
              const fails = (attempts[ending.payload] ?? 0) <= (given[ending.payload]?.fails ?? 0);
              if (jobs.finish(ending, !fails)) ended.push(ending.payload);
            }
          }
          expect(ended.toSorted((a, b) => a - b)).toEqual(given.map((_, i) => i));
          expect(attempts).toEqual(given.map(({ retries, fails }) => 1 + Math.min(retries, fails)));
        },
      ),
    );
  });
});
