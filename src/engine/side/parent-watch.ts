// Notices the end of the process that started this one, so that no engine outlives its launcher.

const CHECK_MS = 2000;

/**
 * Calls `onEnd` once when the process has ended.
 *
 * @param pid the launcher, which need not be the direct parent (a shell may stand between)
 */
export function watchParent(pid: number, onEnd: () => void, checkMs: number = CHECK_MS): NodeJS.Timeout {
  const isDirectParent = process.ppid === pid;
  const timer = setInterval(() => {
    // A number may be given to another process after the end; the direct parent's cannot while it is our parent.
    const hasEnded = isDirectParent ? process.ppid !== pid : !isAlive(pid);
    if (!hasEnded) return;
    clearInterval(timer);
    onEnd();
  }, checkMs);
  return timer;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
