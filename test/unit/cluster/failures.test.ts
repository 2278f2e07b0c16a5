import { expect, it } from "vitest";
import { endedEarly, reasonOf } from "../../../src/cluster/failures.ts";

it("a process that ended tells why by its last words; of one that was killed these would be about something else", () => {
  const outputTail = ["2026-11-21 10:00:00,000 controller: engine left id=0"];
  expect(reasonOf({ signal: null, outputTail })).toBe("engine left id=0");
  expect(reasonOf({ signal: "SIGABRT", outputTail })).toBe("engine left id=0");
  expect(reasonOf({ signal: "SIGKILL", outputTail })).toBe("somebody killed it, or memory ran out");
});

it("a process that ended before it was ready is told by the same reason, and with its log when there is one", () => {
  const outputTail = ["2026-11-21 10:00:00,000 engine: no licence left"];
  const messageOf = (exit: { readonly exitCode: number | null; readonly signal: NodeJS.Signals | null; readonly outputTail: readonly string[] }): string =>
    endedEarly("engine 1 of 2", exit, "e.log").message;
  expect(messageOf({ exitCode: 3, signal: null, outputTail })).toBe("engine 1 of 2 ended with exit status 3 before it was ready: no licence left (log: e.log)");
  expect(messageOf({ exitCode: 1, signal: null, outputTail: [] })).toBe("engine 1 of 2 ended with exit status 1 before it was ready: it said nothing");
  expect(messageOf({ exitCode: null, signal: "SIGKILL", outputTail })).toBe(
    "engine 1 of 2 was ended by SIGKILL before it was ready: somebody killed it, or memory ran out (log: e.log)",
  );
});
