// Waiting for a condition instead of sleeping.

/** How long and how often. */
export interface UntilOptions {
  /** Default 10,000. */
  readonly timeoutMs?: number;
  /** Default 5. */
  readonly everyMs?: number;
}

/** Polls until the condition holds; throws, with what it looked for, when the deadline passes. */
export async function until(condition: () => boolean | Promise<boolean>, options: UntilOptions = {}): Promise<void> {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`the condition did not hold within ${timeoutMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 5));
  }
}
