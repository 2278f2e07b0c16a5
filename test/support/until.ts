// Waiting for a condition instead of sleeping.

/** A deadline costs nothing while the condition comes true, and a machine may be ten times as busy as this one ever was. */
export const WAIT_MS = 60_000;

/** How long and how often. */
export interface UntilOptions {
  /** Default `WAIT_MS`. */
  readonly timeoutMs?: number;
  /** Default 5. */
  readonly everyMs?: number;
  /** Tells, when the deadline has passed, what there was instead. */
  readonly instead?: () => string;
}

/** Polls until the condition holds; throws, with what it looked for, when the deadline passes. */
export async function until(condition: () => boolean | Promise<boolean>, options: UntilOptions = {}): Promise<void> {
  const timeoutMs = options.timeoutMs ?? WAIT_MS;
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      const instead = options.instead === undefined ? "" : `; ${options.instead()}`;
      throw new Error(`the condition did not hold within ${timeoutMs} ms: ${condition.toString()}${instead}`);
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 5));
  }
}
