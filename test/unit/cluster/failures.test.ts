import { expect, it } from "vitest";
import { reasonOf } from "../../../src/cluster/failures.ts";

it("a process that ended tells why by its last words; of one that was killed these would be about something else", () => {
  const outputTail = ["2026-11-21 10:00:00,000 controller: engine left id=0"];
  expect(reasonOf({ signal: null, outputTail })).toBe("engine left id=0");
  expect(reasonOf({ signal: "SIGABRT", outputTail })).toBe("engine left id=0");
  expect(reasonOf({ signal: "SIGKILL", outputTail })).toBe("somebody killed it, or memory ran out");
});
