// What a start that failed says: one sentence that names the process, how it ended, and its own last words.

import { ProcessExitedError, TimeoutError } from "../base/index.ts";
import { lastSentence, type LaunchedEngine, type LaunchedEngines, type ProcessExit } from "../launch/index.ts";

/** How a process ended, in words. */
export function endOf(exit: ProcessExit): string {
  if (exit.signal !== null) return `was ended by ${exit.signal}`;
  return exit.exitCode === null ? "ended" : `ended with exit status ${exit.exitCode}`;
}

/** The error for a process that ended before it was ready. */
export function endedEarly(who: string, exit: ProcessExit, outputFile: string): ProcessExitedError {
  const words = lastSentence(exit.outputTail);
  const reason = words === undefined ? "it said nothing" : words;
  const where = outputFile === "" || words === undefined ? "" : ` (log: ${outputFile})`;
  return new ProcessExitedError(`${who} ${endOf(exit)} before it was ready: ${reason}${where}`, {
    exitCode: exit.exitCode,
    signal: exit.signal,
    outputTail: exit.outputTail,
  });
}

/** An engine for people: its number in its set of so many. */
export function engineName(engine: LaunchedEngine, set: LaunchedEngines): string {
  return `engine ${engine.index + 1} of ${set.engines.length}`;
}

const MISSING_SHOWN_MAX = 5;

/** The error for engines that did not answer in time. */
export function enginesMissing(missing: readonly LaunchedEngine[], set: LaunchedEngines, waitedMs: number): TimeoutError {
  const shown = missing.slice(0, MISSING_SHOWN_MAX).map((engine) => `pid ${engine.pid}, log ${engine.outputFile}`);
  const more = missing.length > shown.length ? `; and ${missing.length - shown.length} more` : "";
  return new TimeoutError(`${missing.length} of ${set.engines.length} engines did not answer within ${waitedMs / 1000} s: ${shown.join("; ")}${more}`);
}
