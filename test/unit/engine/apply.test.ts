// Calls, without a process around them: the containment only calls.

import { describe, expect, it } from "vitest";
import { ApplyRunner } from "../../../src/engine/apply.ts";
import { CellRunner, Namespace, type Containment, type RunOutcome } from "../../../src/execution/index.ts";
import { packCall, Reference } from "../../../src/serial/index.ts";

const containment = {
  runAround(code: () => void) {
    code();
    return "returned";
  },
  section: (code: () => void) => code(),
} as unknown as Containment;

/** Outcome of a call with a Reference; `isOver` says at each question whether it was given up. */
function outcomeOf(expression: string, isOver: () => boolean): Promise<RunOutcome> {
  const namespace = new Namespace();
  const runner = new ApplyRunner(namespace, containment, new CellRunner(namespace, containment), 1e6);
  return new Promise((end) => {
    runner.start(
      packCall((x: number) => x, [new Reference(expression)]),
      { isOver, end, fetchCode: () => Promise.reject(new Error("nothing is missing")) },
    );
  });
}

describe("a call with a Reference", () => {
  it("that is interrupted before the Reference is evaluated fails as interrupted, and nothing of it runs", async () => {
    (globalThis as Record<string, unknown>)["applyTestRan"] = false;
    const outcome = await outcomeOf("applyTestRan = true", () => true);
    expect(outcome).toMatchObject({ status: "error", wasInterrupted: true, failure: { ename: "KeyboardInterrupt" } });
    expect((globalThis as Record<string, unknown>)["applyTestRan"]).toBe(false);
    delete (globalThis as Record<string, unknown>)["applyTestRan"];
  });

  it("that cannot be evaluated fails with what it threw", async () => {
    const outcome = await outcomeOf("nothingOfThatName", () => false);
    expect(outcome).toMatchObject({ status: "error", wasInterrupted: false, failure: { ename: "ReferenceError" } });
  });
});
