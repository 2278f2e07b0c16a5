// Programs that a launcher started end when the launcher is gone, also when it was killed and could not tell them.

const POLL_MS = 500;

/**
 * Calls `onGone` once when the process that started this one, and said so in `IPP_PARENT_PID`, does not live any more.
 * Does nothing for a program started by anybody else, though the variable may have been inherited. Does not keep the
 * process alive.
 */
export function watchParent(onGone: () => void, env: NodeJS.ProcessEnv = process.env): void {
  const parent = process.ppid;
  if (env["IPP_PARENT_PID"] !== String(parent)) return;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, POLL_MS);
  timer.unref();
}
