// Functions that run elsewhere when called.

import type { AsyncMapResult } from "./async-map-result.ts";
import type { ItemOf, RemoteArgs, RemoteCallable, Sequences } from "./call-types.ts";

/** Calls its function on a view's engines. */
export interface RemoteFunction<Args extends readonly unknown[], Result> {
  (...args: RemoteArgs<Args>): Result;
  /** The function itself. */
  readonly local: RemoteCallable<Args, unknown>;
}

/** Runs its function on parts of sequences. */
export interface ParallelFunction<Args extends readonly unknown[], R> {
  /** `f` is called with parts of the sequences; the lists it gives are put together. */
  (...sequences: Args): AsyncMapResult<ItemOf<Awaited<R>>>;
  /** `f` is called with one element of each sequence at a time. */
  map(...sequences: Sequences<Args>): AsyncMapResult<Awaited<R>>;
  /** The function itself. */
  readonly local: RemoteCallable<Args, R>;
}

/** Makes a RemoteFunction. */
export function remoteFunction<Args extends readonly unknown[], R, Result>(
  f: RemoteCallable<Args, R>,
  call: (...args: RemoteArgs<Args>) => Result,
): RemoteFunction<Args, Result> {
  return Object.assign((...args: RemoteArgs<Args>) => call(...args), { local: f });
}

/** Makes a ParallelFunction. */
export function parallelFunction<Args extends readonly unknown[], R>(
  f: RemoteCallable<Args, R>,
  call: (...sequences: Args) => AsyncMapResult<ItemOf<Awaited<R>>>,
  map: (...sequences: Sequences<Args>) => AsyncMapResult<Awaited<R>>,
): ParallelFunction<Args, R> {
  return Object.assign((...sequences: Args) => call(...sequences), { local: f, map });
}
