import { describe, expect, it } from "vitest";
import type { RequestMetadata } from "tsparallel";
import { contradictions, PHASES, profilesOf, spent } from "../../../examples/profile/phases.ts";

const at = (micros: number): string => `2026-01-01T00:00:${String(Math.floor(micros / 1e6)).padStart(2, "0")}.${String(micros % 1e6).padStart(6, "0")}Z`;

/** A request with its four times in microseconds. */
const request = (engineId: number, submitted: number, started: number, completed: number, received: number): RequestMetadata =>
  ({ engineId, label: "kind", submitted: at(submitted), started: at(started), completed: at(completed), received: at(received) }) as RequestMetadata;

const phases = (requests: readonly RequestMetadata[]): number[][] =>
  profilesOf(requests).map((profile) => PHASES.map((phase) => Number(spent(profile, phase).toFixed(3))));

describe("phases of tasks", () => {
  it("are waiting for the engine, the way there, computing, and the way back", () => {
    const first = request(0, 1_000_000, 1_000_250, 1_010_250, 1_011_000);
    const second = request(0, 1_000_100, 1_010_500, 1_020_500, 1_020_900);
    const elsewhere = request(1, 1_000_200, 1_000_700, 1_000_701, 1_000_900);
    expect(phases([second, first, elsewhere])).toEqual([
      [0, 0.25, 10, 0.75],
      [0, 0.5, 0.001, 0.199],
      [10.15, 0.25, 10, 0.4],
    ]);
    expect(contradictions(profilesOf([second, first, elsewhere]))).toEqual([]);
  });

  it("have no way there when the engine says it began before it had ended the one before", () => {
    expect(phases([request(0, 0, 1000, 9000, 9500), request(0, 500, 8000, 12_000, 12_500)])[1]).toEqual([7.5, 0, 4, 0.5]);
  });

  it("contradict themselves when an engine runs two at once, or a time is missing or far before the last", () => {
    expect(contradictions(profilesOf([request(0, 0, 1000, 9000, 9500), request(0, 500, 3000, 12_000, 12_500)]))).toEqual(["engine 0 ran two tasks at once"]);
    expect(contradictions(profilesOf([request(0, 0, 20_000, 10_000, 30_000)]))).toHaveLength(1);
    expect(contradictions(profilesOf([{ ...request(0, 0, 1000, 2000, 3000), received: undefined }]))).toHaveLength(1);
    expect(contradictions(profilesOf([request(0, 2000, 0, 10_000, 9000)]))).toEqual([]); // clocks of two processes
  });
});
