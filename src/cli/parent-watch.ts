// Programs that a launcher started end when the launcher is gone, also when it was killed and could not tell them.

const POLL_MS = 500;

/**
 * Calls `onGone` once when the process that started this one, and said so in `IPP_PARENT_PID`, does not live any more.
 * Does nothing for a program started by anybody else, though the variable may have been inherited. Does not keep the
 * process alive.
 */
export function watchParent(onGone: () => void, env: NodeJS.ProcessEnv = process.env): void {
  const named = Number(env["IPP_PARENT_PID"] ?? "");
  if (!Number.isInteger(named) || named <= 0) return;
  const parent = process.ppid;
  if (named !== parent) {
    // Either somebody else's variable, or the launcher died in the moment it started us.
    if (!exists(named)) onGone();
    return;
  }
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, POLL_MS);
  timer.unref();
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}
