// An error of user code as the wire tells it: name, text, and a traceback without the engine's own frames.

import { isKernelError, type KernelFailure } from "../base/index.ts";
import { errorFacts } from "../serial/index.ts";

/** Lines of a traceback that are kept. */
const TRACEBACK_LINES_MAX = 100;

/** Frames of this package's engine, bundled or not, and of the machinery beneath it; the package's own functions for users (jobs) stay. */
const OWN_FRAME = new RegExp(
  `${escapeRegExp(new URL("..", import.meta.url).pathname)}(?:bundle|execution|engine|kernel|interactive|cli|client|cluster|config|serial|net|core|base|wire)/|\\(?node:(?:internal|vm|inspector)|at <anonymous>:1:|/node_modules/commander/`,
);

/** `at Array.map (<anonymous>)`: it is ours when the frame below, which called it, is. */
const BUILTIN_FRAME = /^\s+at [^/]+ \(<anonymous>\)$/;

/** The failure for a thrown value. */
export function failureOf(thrown: unknown): KernelFailure {
  if (isKernelError(thrown))
    return {
      ename: thrown.ename,
      evalue: thrown.evalue,
      traceback: thrown.traceback.length > 0 ? thrown.traceback : withoutOwnFrames((thrown.stack ?? "").split("\n")),
    };
  const facts = errorFacts(thrown);
  return { ename: facts.ename, evalue: facts.evalue, traceback: withoutOwnFrames(facts.traceback) };
}

/** The stack of an error, with its causes, without this package's own frames. */
export function shownStack(error: Error): string {
  // Those that came from engines have the remote traceback and its causes in their stack.
  if (isKernelError(error)) return withoutOwnFrames((error.stack ?? `${error.name}: ${error.message}`).split("\n")).join("\n");
  return (failureOf(error).traceback ?? []).join("\n");
}

/** What a request that was interrupted fails with, by the reference's name. */
export function interruptedFailure(): KernelFailure {
  const evalue = "interrupted; variables keep the values they have";
  return { ename: "KeyboardInterrupt", evalue, traceback: [`KeyboardInterrupt: ${evalue}`] };
}

/** What a request fails with that ran out of time. */
export function limitFailure(limitMs: number): KernelFailure {
  const evalue = `the request ran longer than its timeLimitMs of ${limitMs} and was stopped`;
  return { ename: "TimeLimitExceeded", evalue, traceback: [`TimeLimitExceeded: ${evalue}`] };
}

/** What a request fails with that its client has cancelled while it ran. */
export function cancelledFailure(): KernelFailure {
  const evalue = "the request was cancelled and stopped while it ran";
  return { ename: "TaskAborted", evalue, traceback: [`TaskAborted: ${evalue}`] };
}

const isOwnFrame = (line: string): boolean => /^\s+at /.test(line) && OWN_FRAME.test(line);

function withoutOwnFrames(lines: readonly string[]): string[] {
  const all = lines.flatMap((line) => line.split("\n"));
  const kept = all.filter((line, i) => !isOwnFrame(line) && !(BUILTIN_FRAME.test(line) && isOwnFrame(all[i + 1] ?? "")));
  return kept.slice(0, TRACEBACK_LINES_MAX);
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
