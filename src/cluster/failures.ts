// What a start that failed says: one sentence that names the process, how it ended, and its own last words.

import { ProcessExitedError, TimeoutError } from "../base/index.ts";
import { lastSentence, type LaunchedEngine, type LaunchedEngines, type ProcessExit } from "../launch/index.ts";

/** How a process ended, in words. */
export function endOf(exit: ProcessExit): string {
  if (exit.how !== undefined) return exit.how;
  if (exit.signal !== null) return `was ended by ${exit.signal}`;
  return exit.exitCode === null ? "ended" : `ended with exit status ${exit.exitCode}`;
}

/** Why a process ended, by its own last words. One that was killed had no time for any: what it wrote last is about something else. */
export function reasonOf({ signal, outputTail }: Pick<ProcessExit, "signal" | "outputTail">): string | undefined {
  return signal === "SIGKILL" ? "somebody killed it, or memory ran out" : lastSentence(outputTail);
}

/** The error for a process that ended before it was ready. */
export function endedEarly(who: string, exit: ProcessExit, log: string): ProcessExitedError {
  const reason = reasonOf(exit);
  const where = log === "" || reason === undefined ? "" : ` (log: ${log})`;
  return new ProcessExitedError(`${who} ${endOf(exit)} before it was ready: ${reason ?? "it said nothing"}${where}`, {
    exitCode: exit.exitCode,
    signal: exit.signal,
    outputTail: exit.outputTail,
  });
}

/** An engine for people: its number in its set of so many, and its host when that is another one. */
export function engineName(engine: LaunchedEngine, set: LaunchedEngines): string {
  return `engine ${engine.index + 1} of ${set.engines.length}${engine.host === undefined ? "" : ` on ${engine.host}`}`;
}

const MISSING_SHOWN_MAX = 5;

/** The error for engines that did not answer in time; it names those whose place is known, and gives the launcher's reasons. */
export async function enginesMissing(missing: readonly LaunchedEngine[], set: LaunchedEngines, waitedMs: number): Promise<TimeoutError> {
  const reasons = (await set.diagnose?.(missing)) ?? [];
  const places = missing
    .slice(0, MISSING_SHOWN_MAX)
    .map(placeOf)
    .filter((place) => place !== "");
  const more = places.length > 0 && missing.length > MISSING_SHOWN_MAX ? [`and ${missing.length - MISSING_SHOWN_MAX} more`] : [];
  const facts = [...reasons, ...places, ...more].join("; ");
  return new TimeoutError(`${missing.length} of ${set.engines.length} engines did not answer within ${waitedMs / 1000} s${facts === "" ? "" : `: ${facts}`}`);
}

function placeOf({ host, pid, log }: LaunchedEngine): string {
  return [host === undefined ? "" : `host ${host}`, pid === undefined ? "" : `pid ${pid}`, log === "" ? "" : `log ${log}`]
    .filter((fact) => fact !== "")
    .join(", ");
}
