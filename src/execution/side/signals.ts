// Signals by name and number, and receiving them on this thread.
//
// Node delivers signals to the main thread's loop only, where they wait as long as user code spins. The side thread
// therefore opens signal handles of its own, for which it is started with `SIGNALS_OPTION`; where this Node does not give
// them out, the main thread's ordinary handlers remain, which answer between two turns of its loop.

import { createRequire } from "node:module";
import { constants } from "node:os";

/** Option of the thread that listens: Node's own modules have the handles, and `process.binding` has lost them in Node 24. */
export const SIGNALS_OPTION = "--expose-internals";

/** Number of a signal given by name (`SIGINT`, `INT`) or number; `undefined` when there is none such. 0 is a valid no-op. */
export function signalNumber(signal: number | string | undefined): number | undefined {
  const known = constants.signals as Readonly<Record<string, number>>;
  if (typeof signal === "number") return signal === 0 || Object.values(known).includes(signal) ? signal : undefined;
  if (signal === undefined) return undefined;
  if (/^\d+$/.test(signal)) return signalNumber(Number(signal));
  const name = signal.toUpperCase();
  return known[name] ?? known[`SIG${name}`];
}

/** Name of a signal number; the number's text when it has none. */
export function signalName(number: number): string {
  return Object.entries(constants.signals).find((entry) => entry[1] === number)?.[0] ?? String(number);
}

interface SignalHandle {
  onsignal: (signal: number) => void;
  start(signal: number): number;
  unref(): void;
}

/**
 * Listens for signals on this thread's own loop.
 *
 * @returns false when this Node gives out no such handles
 */
export function listenForSignals(signals: readonly number[], onSignal: (signal: number) => void): boolean {
  const gate = process as { emitWarning: unknown };
  const before = gate.emitWarning;
  try {
    gate.emitWarning = () => undefined; // One call, on purpose: a warning about it would only trouble the engine's log.
    const internals = createRequire(import.meta.url)("internal/test/binding") as { internalBinding(name: string): { Signal?: new () => SignalHandle } };
    const { Signal } = internals.internalBinding("signal_wrap");
    if (Signal === undefined) return false;
    for (const signal of signals) {
      const handle = new Signal();
      handle.unref();
      handle.onsignal = onSignal;
      if (handle.start(signal) !== 0) return false;
    }
    return true;
  } catch {
    return false; // This Node refuses the handles; the caller falls back to the main thread's.
  } finally {
    gate.emitWarning = before;
  }
}
