// Last-moment clean-up: what must not outlive this process is removed when it ends, also by a signal nobody handles.
// Everything here is synchronous, because nothing else runs in that moment.

const cleanups = new Set<() => void>();
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs `cleanup` when this process ends, by `process.exit`, at its natural end, or by SIGINT, SIGTERM or SIGHUP when
 * nobody else handles them. It must be synchronous.
 *
 * @returns takes it back
 */
export function atProcessExit(cleanup: () => void): () => void {
  if (cleanups.size === 0) install();
  cleanups.add(cleanup);
  return () => {
    cleanups.delete(cleanup);
    if (cleanups.size === 0) uninstall();
  };
}

function install(): void {
  process.on("exit", runAll);
  // First in the row: a listener that is there for one time only is not counted any more once it was called.
  for (const signal of SIGNALS) process.prependListener(signal, onSignal);
}

function uninstall(): void {
  process.off("exit", runAll);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

function runAll(): void {
  for (const cleanup of cleanups) {
    cleanups.delete(cleanup);
    try {
      cleanup();
    } catch {
      // The process is ending and the other clean-ups must still have their turn; there is nobody left to tell.
    }
  }
}

/** With another listener the program has its own idea of the signal, and `exit` will come when it ends. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  runAll();
  uninstall();
  process.kill(process.pid, signal);
}
