// When to stop a run before its end, and what its exit status says. Pure.

/** When to stop. */
export interface HaltRule {
  /** `now`: kill what runs; `soon`: start no more, wait for what runs. */
  readonly when: "now" | "soon";
  /** This many failed … */
  readonly failures?: number;
  /** … or this share of the jobs that ended, 0 to 100, looked at from the third on. */
  readonly percent?: number;
}

/** So few jobs say nothing about a share. */
const ENDED_MIN = 3;
const MAX_REPORTED = 100;

/** Exit status when more than 100 jobs failed. */
export const EXIT_MANY_FAILED = 101;
/** Exit status when the jobs could not be run at all. */
export const EXIT_CANNOT_RUN = 255;

/** Reads `now,fail=3` or `soon,fail=20%`; a text tells what is wrong with it. */
export function readHalt(text: string): HaltRule | string {
  const match = /^(now|soon),fail=(\d+)(%?)$/.exec(text.trim());
  const when = match?.[1] as HaltRule["when"] | undefined;
  const number = Number(match?.[2]);
  if (when === undefined || number < 1) return `"${text}" is no halting rule; write now,fail=N or soon,fail=N, with a number above 0, or N% for a share`;
  if (match?.[3] !== "%") return { when, failures: number };
  return number > 100 ? `a share of ${number}% can never fail; write a number from 1% to 100%` : { when, percent: number };
}

/** Whether the rule says to stop. */
export function shouldHalt(rule: HaltRule, ended: number, failed: number): boolean {
  if (rule.failures !== undefined) return failed >= rule.failures;
  return rule.percent !== undefined && ended >= ENDED_MIN && failed > 0 && failed * 100 >= rule.percent * ended;
}

/**
 * The exit status of a run: 0 when all jobs succeeded, 1 to 100 for that many that did not, 101 for more.
 *
 * @param failed jobs that ended without success
 * @param unrun jobs that were not run, because of a halt or Ctrl-C; `undefined` when it is not known how many, but some
 */
export function exitStatus(failed: number, unrun: number | undefined): number {
  const bad = failed + (unrun ?? 0);
  if (bad > MAX_REPORTED) return EXIT_MANY_FAILED;
  return unrun === undefined ? Math.max(1, bad) : bad;
}
