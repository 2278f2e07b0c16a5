// The errors for what cannot travel. They name the way to it, and their stack begins where this package was called: who meets one looks
// for a line of their own, and the frames of the walk through a value would push it out.

import { fileURLToPath } from "node:url";

import { SerializationError } from "../base/index.ts";

/** What cannot travel, as the end of a sentence, and what to do instead. */
export interface Refused {
  readonly problem: string;
  readonly remedy: string;
  readonly cause?: unknown;
}

/** Refuses the value at `path`, inside these functions, outermost first. */
export function refusedValue(path: string, functions: readonly string[], { problem, remedy, cause }: Refused): SerializationError {
  const [outermost] = functions;
  const message =
    outermost === undefined ? `cannot send ${path}: it ${problem}` : `cannot send function "${outermost}": captured variable "${path}" ${problem}`;
  return refusal(message, { path, remedy, cause });
}

/** Refuses the last of these functions. */
export function refusedFunction(path: string, functions: readonly string[], { problem, remedy }: Refused): SerializationError {
  const where = path === "function" ? "" : ` (${path})`;
  const message =
    functions.length > 1
      ? `cannot send function "${functions[0]}": captured variable "${path}" is a function that cannot travel: ${problem}`
      : `cannot send function "${functions[0]}"${where}: ${problem}`;
  return refusal(message, { path, remedy });
}

/** Frames between a caller and the place in a value; deeper ones show no caller. */
const FRAMES_MAX = 200;

function refusal(message: string, options: { readonly path: string; readonly remedy: string; readonly cause?: unknown }): SerializationError {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES_MAX;
  try {
    const error = new SerializationError(message, options);
    error.stack = fromCaller(error.stack ?? "", before);
    return error;
  } finally {
    Error.stackTraceLimit = before;
  }
}

/** Where this package's own code lies: compiled, or, with source maps, as it was written. */
function ownRoots(): string[] {
  return ["../../dist/", "../../src/"].flatMap((root) => {
    const { href } = new URL(root, import.meta.url);
    return [href, fileURLToPath(href)];
  });
}

/** The stack without this package's frames above those of its caller; as it is when there is no caller. */
export function fromCaller(stack: string, framesMax: number): string {
  const lines = stack.split("\n");
  const roots = ownRoots();
  const isOwn = (line: string): boolean => roots.some((root) => line.includes(root));
  const first = lines.findIndex((line) => FRAME.test(line));
  const called = lines.findIndex((line, i) => i >= first && FRAME.test(line) && !/\((?:<anonymous>|native)\)|node:internal/.test(line) && !isOwn(line));
  if (first < 0 || called < 0) return lines.slice(0, Math.max(first, 0) + framesMax).join("\n");
  return [...lines.slice(0, first), ...lines.slice(called, called + framesMax)].join("\n");
}

const FRAME = /^ +at /;
