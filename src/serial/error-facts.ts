// An error as the facts of an error reply: name, text and traceback lines, readable by Python and TypeScript clients.

import { inspect } from "node:util";
import { originOf, TASK_SCRIPT_MARK } from "./builder.ts";

/** The three facts of an error reply. */
export interface ErrorFacts {
  /** Class name of the error. */
  readonly ename: string;
  /** Its message. */
  readonly evalue: string;
  /** Stack lines; positions in user functions point into the file the function was written in. */
  readonly traceback: string[];
}

const LINES_MAX = 200;
const CAUSES_MAX = 10;
const PARTS_MAX = 5;
const PARTS_DEPTH_MAX = 2;
const NODE_FRAME = /^\s+at (?:.*\()?node:/;
// Frames of the rooms that run user code say nothing to the user.
const OWN_ROOMS = ["bundle/", "serial/", "engine/"].map((room) => new URL(`../${room}`, import.meta.url).href);
const TASK_POSITION = new RegExp(`(${TASK_SCRIPT_MARK}[^\\s():]*):(\\d+):(\\d+)`, "g");

/** Facts of anything that was thrown. */
export function errorFacts(thrown: unknown): ErrorFacts {
  if (!isErrorLike(thrown)) return { ename: typeof thrown, evalue: shownValue(thrown), traceback: [`thrown value: ${shownValue(thrown)}`] };
  return { ename: errorName(thrown), evalue: textOf(thrown.message), traceback: tracebackOf(thrown) };
}

interface ErrorLike {
  readonly name?: unknown;
  readonly message: unknown;
  readonly stack?: unknown;
  readonly cause?: unknown;
}

function isErrorLike(value: unknown): value is ErrorLike {
  return typeof value === "object" && value !== null && "message" in value && "stack" in value;
}

/** The class's name when `name` was left at that of the base class. */
function errorName(error: ErrorLike): string {
  const className = (error as { readonly constructor?: { readonly name?: unknown } }).constructor?.name;
  if (typeof error.name === "string" && error.name !== "" && error.name !== "Error") return error.name;
  return typeof className === "string" && className !== "" ? className : "Error";
}

function tracebackOf(error: ErrorLike, depth = 0): string[] {
  const lines: string[] = [];
  let at: unknown = error;
  for (let i = 0; i < CAUSES_MAX && isErrorLike(at); i += 1) {
    const stack = typeof at.stack === "string" && at.stack !== "" ? at.stack : `${errorName(at)}: ${textOf(at.message)}`;
    const shown = stack
      .split("\n")
      .map(withOrigin)
      .filter((line) => !isInnerFrame(line));
    if (i > 0) shown[0] = `caused by ${shown[0] ?? ""}`;
    lines.push(...shown, ...partsOf(at, depth));
    at = at.cause;
  }
  if (at !== undefined && at !== null && at !== error && !isErrorLike(at)) lines.push(`caused by ${textOf(at)}`);
  return lines.slice(0, LINES_MAX);
}

/** The errors that `Promise.any` and its like put together; its own stack does not tell them. */
function partsOf(error: ErrorLike, depth: number): string[] {
  const { errors } = error as { readonly errors?: unknown };
  if (errorName(error) !== "AggregateError" || !Array.isArray(errors) || depth >= PARTS_DEPTH_MAX) return [];
  const lines = errors.slice(0, PARTS_MAX).flatMap((part, i) => {
    const [title = "", ...rest] = isErrorLike(part) ? tracebackOf(part, depth + 1) : [textOf(part)];
    return [`${i + 1} of ${errors.length}: ${title}`, ...rest];
  });
  return errors.length > PARTS_MAX ? [...lines, `and ${errors.length - PARTS_MAX} more`] : lines;
}

function isInnerFrame(line: string): boolean {
  return NODE_FRAME.test(line) || OWN_ROOMS.some((room) => line.includes(room));
}

/** Names the file in which a travelling function was written. */
function withOrigin(line: string): string {
  return line.replace(TASK_POSITION, (whole, script: string, row: string, column: string) => {
    return originOf(script, Number(row), Number(column)) ?? whole;
  });
}

/** What was thrown and is no error: an object by what it has, without calling anything of its own. */
function shownValue(value: unknown): string {
  if (typeof value !== "object" || value === null) return textOf(value);
  return inspect(value, { depth: 1, customInspect: false, getters: false, showProxy: true, maxArrayLength: 10, maxStringLength: 200, breakLength: Infinity });
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    // An object without a primitive form still has to be reported.
    return Object.prototype.toString.call(value);
  }
}
