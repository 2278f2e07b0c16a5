import { describe, expect, it } from "vitest";
import { DropCounts } from "../../../src/execution/side/drop-counts.ts";
import { createLogger, type LogEntry } from "../../../src/log/index.ts";

describe("messages that an engine drops", () => {
  it("are told once for each reason, counted always, and told in total at the end", () => {
    const entries: LogEntry[] = [];
    const counts = new DropCounts(
      createLogger("engine", (entry) => entries.push(entry)),
      "control",
    );
    counts.logSummary();
    for (let index = 0; index < 5; index += 1) counts.count("badSignature");
    counts.count("duplicate");
    counts.logSummary();
    expect(entries.map((entry) => entry.fields)).toEqual([
      { channel: "control", reason: "badSignature" },
      { channel: "control", reason: "duplicate" },
      { channel: "control", badSignature: 5, duplicate: 1 },
    ]);
  });
});
