// Calls from Python clients. Python functions cannot run here, but what clients do to the namespace they do by calls of
// ipyparallel's own functions, known by their names (protocol §8.9); References name functions that live here.

import { isDict } from "../wire/index.ts";
import { InvalidArgumentError } from "../base/index.ts";
import { PythonObject, unpackPythonCall, type UnpackedPythonCall } from "../serial/index.ts";
import type { Frame } from "../wire/index.ts";
import { mapSequences } from "./named-functions.ts";
import type { Namespace } from "../execution/index.ts";

/** A function that lives here, to be called. */
export interface PythonCall {
  readonly type: "call";
  readonly fn: (...args: unknown[]) => unknown;
  readonly args: readonly unknown[];
}

/** What a Python client wants: a function to call, or a cell to run. */
export type PythonWork = PythonCall | { readonly type: "execute"; readonly code: string };

type Helper = (call: UnpackedPythonCall, namespace: Namespace) => PythonWork;

const HELPERS: ReadonlyMap<string, Helper> = new Map<string, Helper>([
  ["ipyparallel.util._push", ({ keywords }, namespace) => calling(() => namespace.push(keywords))],
  ["ipyparallel.util._pull", ({ args: [names] }, namespace) => calling(() => namespace.pull(readNames(names)))],
  ["ipyparallel.util._execute", ({ args: [code] }) => ({ type: "execute", code: String(code) })],
  ["ipyparallel.client.remotefunction._map", ({ args: [fn, ...sequences] }) => calling(() => mapSequences(asFunction(fn), ...sequences))],
  ["ipyparallel.client.view._broadcast_map", ({ args: [fn, ...names] }, namespace) => calling(() => mapSequences(asFunction(fn), ...take(namespace, names)))],
  // They choose how Python engines write their results; ours are always written in one way.
  ...["use_pickle", "use_dill", "use_cloudpickle"].map((name): [string, Helper] => [`ipyparallel.serialize.canning.${name}`, () => calling(() => null)]),
]);

/** Reads a call that a Python client sent; throws what the client is to be told when it cannot run here. */
export function readPythonWork(buffers: readonly Frame[], namespace: Namespace): PythonWork {
  const call = unpackPythonCall(buffers, (expression) => namespace.evaluate(expression));
  const helper = HELPERS.get(qualifiedName(call.fn));
  if (helper !== undefined) return helper(call, namespace);
  const fn = asFunction(call.fn);
  if (Object.keys(call.keywords).length === 0) return { type: "call", fn, args: call.args };
  throw new TypeError("functions of TypeScript have no keyword arguments; give them by position");
}

const calling = (fn: () => unknown): PythonWork => ({ type: "call", fn, args: [] });

function asFunction(fn: unknown): PythonCall["fn"] {
  if (typeof fn === "function") return fn as PythonCall["fn"];
  const name = qualifiedName(fn);
  if (name === "") throw new TypeError(`what was to be called is no function, but ${typeof fn}`);
  throw new TypeError(
    `this engine runs TypeScript and JavaScript and cannot run the Python function ${name};` +
      " send it to a Python engine, or use execute, push, pull and References to functions that live here",
  );
}

/** `module.name` of a Python function, sent by name or by value; empty for anything else. */
function qualifiedName(fn: unknown): string {
  if (!(fn instanceof PythonObject)) return "";
  if (fn.origin === "global") return fn.qualifiedName;
  const { state } = fn;
  if (isDict(state) && typeof state["__name__"] === "string") return `${String(state["module"])}.${state["__name__"]}`;
  return fn.qualifiedName;
}

function readNames(names: unknown): string | readonly string[] {
  const list = names instanceof Set ? [...names] : names;
  if (typeof list === "string" || (Array.isArray(list) && list.every((name) => typeof name === "string"))) return list as string | string[];
  throw new InvalidArgumentError("pull takes a name or a list of names");
}

/** Takes named sequences out of the namespace. */
function take(namespace: Namespace, names: readonly unknown[]): unknown[] {
  return names.map((name) => {
    const value = namespace.evaluate(String(name));
    Reflect.deleteProperty(globalThis, String(name));
    return value;
  });
}
