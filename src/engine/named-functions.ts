// Functions that clients call by name: what views do to the namespace without shipping code.

import { InvalidArgumentError } from "../base/index.ts";
import { isDict } from "../wire/index.ts";
import type { Namespace } from "../execution/index.ts";

type AnyFunction = (...args: never[]) => unknown;

/** `push(values)`, `pull(names)` and `map(f, ...sequences)`. */
export function namedFunctions(namespace: Namespace): ReadonlyMap<string, AnyFunction> {
  return new Map<string, AnyFunction>([
    [
      "push",
      (values: unknown): void => {
        if (!isDict(values)) throw new InvalidArgumentError("push takes an object of names and values");
        namespace.push(values);
      },
    ],
    [
      "pull",
      (names: unknown): unknown => {
        const isNames = typeof names === "string" || (Array.isArray(names) && names.every((name) => typeof name === "string"));
        if (!isNames) throw new InvalidArgumentError("pull takes a name or a list of names");
        return namespace.pull(names as string | string[]);
      },
    ],
    ["map", mapSequences as AnyFunction],
  ]);
}

/**
 * Applies `f` to the first items of all sequences, then to the second ones, until the shortest ends. One call at a time:
 * a promise is awaited before the next call.
 */
export function mapSequences(f: (...items: unknown[]) => unknown, ...sequences: readonly unknown[]): unknown[] | Promise<unknown[]> {
  if (typeof f !== "function") throw new InvalidArgumentError("map takes a function, then sequences");
  const lists = sequences.map((sequence, i) => listOf(sequence, i));
  const length = lists.length === 0 ? 0 : Math.min(...lists.map((list) => list.length));
  const single = lists.length === 1 ? lists[0] : undefined;
  const call = single === undefined ? (i: number): unknown => f(...lists.map((list) => list[i])) : (i: number): unknown => f(single[i]);
  const results: unknown[] = [];
  for (let i = 0; i < length; i += 1) {
    const result = call(i);
    if (isPromiseLike(result)) return mapRest(call, results, result, length);
    results.push(result);
  }
  return results;
}

async function mapRest(call: (i: number) => unknown, results: unknown[], pending: PromiseLike<unknown>, length: number): Promise<unknown[]> {
  results.push(await pending);
  while (results.length < length) results.push(await call(results.length));
  return results;
}

function listOf(sequence: unknown, index: number): ArrayLike<unknown> {
  if (Array.isArray(sequence) || (ArrayBuffer.isView(sequence) && "length" in sequence) || typeof sequence === "string") return sequence as ArrayLike<unknown>;
  if (typeof sequence === "object" && sequence !== null && Symbol.iterator in sequence) return [...(sequence as Iterable<unknown>)];
  throw new InvalidArgumentError(`map's sequence ${index + 1} is not iterable`);
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
