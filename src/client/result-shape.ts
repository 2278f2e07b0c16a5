// How the values of requests become one result, and the result's items.

import { isComplete } from "../core/client/index.ts";
import type { RequestHandle } from "./request-handle.ts";
import { allOf, type Starter } from "./wait-for.ts";

/** Whether a result stands for one request or for a list of them. */
export type Arity = "one" | "many";
/** A thing for one request, a list of them for several. */
export type Per<A extends Arity, T> = A extends "one" ? T : readonly T[];
/** What `returnExceptions` gives: each item, or the error that took its place. */
export type OrErrors<A extends Arity, Item> = A extends "one" ? Item | Error : (Item | Error)[];

/** How parts become a result. */
export interface ResultShape<T, Item> {
  readonly arity: Arity;
  /** From the parts' values, in the order of submission. */
  join(values: readonly unknown[]): T;
  /** The items of one part's value. */
  items(value: unknown): readonly Item[];
}

/** One value of one request. */
export const ONE_VALUE: ResultShape<unknown, unknown> = { arity: "one", join: (values) => values[0], items: (value) => [value] };
/** A list, one value for each engine. */
export const VALUE_EACH: ResultShape<unknown[], unknown> = { arity: "many", join: (values) => [...values], items: (value) => [value] };

/** When waiting ends: with the last request, with the first, or with the first that fails (else with the last). */
export type ReturnWhen = "allCompleted" | "firstCompleted" | "firstException";

/** Whether requests are as far as asked. */
export function hasReached(parts: readonly RequestHandle[], returnWhen: ReturnWhen): boolean {
  if (isComplete(parts)) return true;
  if (returnWhen === "allCompleted") return false;
  return parts.some((part) => part.state === "failed" || (returnWhen === "firstCompleted" && part.state === "ok"));
}

/** Calls back when the requests are as far as asked. */
export function startUntil(parts: readonly RequestHandle[], returnWhen: ReturnWhen): Starter<void> {
  if (returnWhen === "allCompleted") return allOf(parts.map((part) => (done: () => void) => part.onSettled(done)));
  return (resolve) => {
    let missing = parts.length;
    if (missing === 0) resolve();
    const stops = parts.map((part) =>
      part.onSettled(() => {
        missing -= 1;
        if (missing === 0 || returnWhen === "firstCompleted" || part.state === "failed") resolve();
      }),
    );
    return () => {
      for (const stop of stops) stop();
    };
  };
}

/** In which order items come. */
export type ItemOrder = "submission" | "completion";

/** Parts as they settle, in one order or the other. Stops listening when its reader leaves. */
export async function* settledParts(parts: readonly RequestHandle[], order: ItemOrder): AsyncGenerator<RequestHandle, void, undefined> {
  if (order === "completion") return yield* inCompletion(parts);
  for (const part of parts) {
    if (part.state === "pending") await new Promise<void>((resolve) => void part.onSettled(resolve));
    yield part;
  }
}

async function* inCompletion(parts: readonly RequestHandle[]): AsyncGenerator<RequestHandle, void, undefined> {
  const settled: RequestHandle[] = [];
  let wake: (() => void) | undefined;
  const stops = parts.map((part) =>
    part.onSettled(() => {
      settled.push(part);
      wake?.();
    }),
  );
  try {
    for (let i = 0; i < parts.length; i += 1) {
      if (settled.length <= i) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      yield settled[i] as RequestHandle;
    }
  } finally {
    for (const stop of stops) stop();
  }
}

/** A settled part's items; those of a failed one are its error, or that is thrown. */
export function itemsOf<Item>(part: RequestHandle, shape: ResultShape<unknown, Item>, keepsErrors: boolean): readonly (Item | Error)[] {
  const error = part.lookAtError();
  if (error === undefined) return shape.items(part.value);
  if (!keepsErrors) throw error;
  return Array.from({ length: part.itemCount }, () => error);
}
