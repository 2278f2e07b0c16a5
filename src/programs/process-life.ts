// Whether a process lives, by its id alone; and the watch over the process that started this one, so that a program that a
// launcher started ends when the launcher is gone, also when that was killed and could not tell it.

/** How often the watch looks. */
const CHECK_MS = 1000;

/** Whether there is a process with this id, of whatever owner. A zombie counts, and the id may be another's by now. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * Calls `onEnd` once when a process has ended, also when it had before. Does not keep this process alive.
 *
 * @param pid the launcher, which need not be the direct parent (a shell may stand between)
 * @returns ends the watch
 */
export function watchParent(pid: number, onEnd: () => void, checkMs: number = CHECK_MS): () => void {
  const isDirectParent = process.ppid === pid;
  const timer = setInterval(() => {
    // A number may be given to another process after the end; the direct parent's cannot while it is our parent.
    const lives = isDirectParent ? process.ppid === pid : processExists(pid);
    if (lives) return;
    clearInterval(timer);
    onEnd();
  }, checkMs);
  timer.unref();
  return () => clearInterval(timer);
}
