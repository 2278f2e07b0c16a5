// Where the time of a task went, from the four times that its result tells. `submitted` and `received` are the client's, `started` and
// `completed` the engine's clock; on one machine they are the same but for a millisecond or two.

import type { RequestMetadata } from "tsparallel";

/** In the order in which a task goes through them. */
export const PHASES = ["queue", "there", "compute", "back"] as const;

export type Phase = (typeof PHASES)[number];

/** A task that has ended, in milliseconds since the first was submitted. */
export interface Profile {
  readonly kind: string;
  readonly engine: number;
  /** When each phase began, and the end of the last. */
  readonly times: readonly [submitted: number, engineFree: number, started: number, completed: number, received: number];
}

/** By how much the clocks of two processes may differ, and one be set back. */
const CLOCKS_MS = 5;

/** Milliseconds of an ISO text, with its microseconds. */
const millis = (text: string | undefined): number =>
  text === undefined ? Number.NaN : Date.parse(`${text.slice(0, 19)}Z`) + Number(`0${text.slice(19, -1)}`) * 1000;

/**
 * Tells the phases of tasks. Until its engine has ended the task before it, a task waits (`queue`), wherever it lies; from then on it is on
 * its way (`there`), being computed, and on its way `back`.
 */
export function profilesOf(requests: readonly RequestMetadata[]): Profile[] {
  const raw = requests.map(({ submitted, started, completed, received, engineId, label }) => ({
    kind: String(label),
    engine: engineId as number,
    times: [submitted, started, completed, received].map(millis) as [number, number, number, number],
  }));
  const beganMs = Math.min(...raw.map(({ times: [submitted] }) => submitted));
  const freeAt = new Map<number, number>();
  return raw
    .toSorted((a, b) => a.times[1] - b.times[1])
    .map(({ kind, engine, times }) => {
      const [submitted, started, completed, received] = times.map((time) => time - beganMs) as [number, number, number, number];
      const engineFree = Math.min(Math.max(submitted, freeAt.get(engine) ?? 0), started);
      freeAt.set(engine, completed);
      return { kind, engine, times: [submitted, engineFree, started, completed, received] };
    });
}

/** Milliseconds of a phase; not less than nothing, whatever the clocks say. */
export const spent = ({ times }: Profile, phase: Phase): number => Math.max(0, times[PHASES.indexOf(phase) + 1]! - times[PHASES.indexOf(phase)]!);

/** What cannot be: times that run backwards, and engines that do two things at once. */
export function contradictions(profiles: readonly Profile[]): string[] {
  const backwards = profiles.filter(({ times }) => times.some((time, i) => !(time >= (times[i - 1] ?? 0) - CLOCKS_MS)));
  const engines = new Set(profiles.map(({ engine }) => engine));
  const doubled = [...engines].filter((id) => {
    const own = profiles.filter(({ engine }) => engine === id);
    return own.some(({ times: [, , started] }, i) => i > 0 && started < own[i - 1]!.times[3] - CLOCKS_MS);
  });
  return [...backwards.map(({ times }) => `a task's times run backwards: ${times.join(", ")}`), ...doubled.map((id) => `engine ${id} ran two tasks at once`)];
}
