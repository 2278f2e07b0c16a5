// Calls as ipyparallel sends them (protocol §9.1): the callable, the numbers of frames, the arguments one after another,
// then keyword values in the order of their names.

import { InvalidArgumentError } from "../../base/index.ts";
import type { Frame } from "../../wire/index.ts";
import { Reference } from "../records.ts";
import { unreadable } from "./cursor.ts";
import { writePickle } from "./pickler.ts";
import { PythonObject, pythonFunction } from "./python-object.ts";
import { compareTexts } from "./python-text.ts";
import { packPython, unpackPython, type Evaluate } from "./python-values.ts";
import { readPickle } from "./unpickler.ts";

/** Keyword arguments of a call to Python; made by `keywords`. */
export class Keywords {
  /** By name. */
  readonly values: Readonly<Record<string, unknown>>;

  /** @internal Use `keywords`. */
  constructor(values: Readonly<Record<string, unknown>>) {
    this.values = values;
  }
}

/** Keyword arguments for a call of a Python function, given as its last argument: `view.call("sorted", [2, 1], keywords({ reverse: true }))`. */
export function keywords(values: Readonly<Record<string, unknown>>): Keywords {
  return new Keywords(values);
}

/** What Python can be asked to call: a function by its qualified name, a stand-in for one, or an expression in the engine's namespace. */
export type PythonCallable = string | PythonObject | Reference;

/**
 * Packs a call of a Python function for a Python engine. The last argument may be `keywords`.
 *
 * @throws SerializationError when an argument cannot travel; InvalidArgumentError when the name is none
 */
export function packPythonCall(callable: PythonCallable, args: readonly unknown[]): Frame[] {
  const fn = typeof callable === "string" ? pythonFunction(callable) : callable;
  if (!(fn instanceof Reference) && !(fn instanceof PythonObject))
    throw new InvalidArgumentError(`a call to Python needs the name of a function, like "math.sqrt", or a Reference, not ${typeof callable}`);
  const last = args.at(-1);
  const named = last instanceof Keywords ? last.values : {};
  const positional = last instanceof Keywords ? args.slice(0, -1) : args;
  const argFrames = positional.flatMap((arg, i) => packPython(arg, `args[${i}]`));
  const keys = Object.keys(named).sort(compareTexts);
  const keywordFrames = keys.flatMap((key) => packPython(named[key], key));
  const info = { nargs: positional.length, narg_bufs: argFrames.length, kw_keys: keys };
  return [...packPython(fn, "callable"), writePickle(info), ...argFrames, ...keywordFrames];
}

/** A call that was unpacked. `fn` is a stand-in, or what a Reference named. */
export interface UnpackedPythonCall {
  readonly fn: unknown;
  readonly args: readonly unknown[];
  readonly keywords: Readonly<Record<string, unknown>>;
}

/** Unpacks a call that a Python client sent. */
export function unpackPythonCall(frames: readonly Frame[], evaluate: Evaluate): UnpackedPythonCall {
  const fn = unpackPython(frames, 0, evaluate);
  const infoFrame = frames[fn.next];
  if (infoFrame === undefined) throw unreadable("a call has no list of arguments");
  const { count, names } = readInfo(readPickle(infoFrame));
  let at = fn.next + 1;
  const take = (): unknown => {
    if (at >= frames.length) throw unreadable("an argument of the call is missing");
    const part = unpackPython(frames, at, evaluate);
    at = part.next;
    return part.value;
  };
  const args: unknown[] = [];
  for (let i = 0; i < count; i += 1) args.push(take());
  const named = Object.fromEntries(names.map((name) => [name, take()]));
  if (at < frames.length) throw unreadable("frames are left over behind the call");
  return { fn: fn.value, args, keywords: named };
}

function readInfo(info: unknown): { readonly count: number; readonly names: readonly string[] } {
  const { nargs, kw_keys: names } = (typeof info === "object" && info !== null ? info : {}) as Readonly<Record<string, unknown>>;
  if (!Number.isSafeInteger(nargs) || (nargs as number) < 0) throw unreadable("a call does not say how many arguments it has");
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) throw unreadable("a call's keywords are no names");
  return { count: nargs as number, names };
}
