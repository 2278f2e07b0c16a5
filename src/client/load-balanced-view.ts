// LoadBalancedView: calls that go to whichever engine is free, through the task scheduler.

import { InvalidArgumentError, type EngineUuid } from "../base/index.ts";
import { autoChunkSize, CHUNK_ITEMS_MAX, resolveTargets, type EngineFacts, type Targets } from "../core/index.ts";
import { named, packCall } from "../serial/index.ts";
import { framesBytes, type Dict, type Frame } from "../wire/index.ts";
import { AsyncMapResult } from "./async-map-result.ts";
import { AsyncResult, ONE_VALUE, type ResultShape } from "./async-result.ts";
import type { ItemOf, RemoteArgs, RemoteCallable, Sequences } from "./call-types.ts";
import { checkLabel, checkTargets } from "./check-arguments.ts";
import { encodeDependency, type DependencyLike } from "./dependency.ts";
import { ImapIterator, type AnyIterable, type ImapOptions } from "./imap.ts";
import { parallelFunction, remoteFunction, type ParallelFunction, type RemoteFunction } from "./remote-function.ts";
import type { RequestHandle } from "./request-handle.ts";
import { cut, readSequences, shortestLength, type Sliceable } from "./sequences.ts";
import type { ViewContext } from "./view-context.ts";

/** What a view asks of the scheduler for each task. */
export interface LoadBalancedOptions {
  /** Tasks that must have finished before: ids, results or a Dependency. */
  readonly after?: DependencyLike | undefined;
  /** Tasks beside which it must run: only on an engine where they ran. */
  readonly follow?: DependencyLike | undefined;
  /** How long a task may wait to be assigned, in milliseconds, before it fails with TaskTimeout; default 0: for ever. */
  readonly timeoutMs?: number | undefined;
  /** How often a failed execution is tried again on another engine; default 0. */
  readonly retries?: number | undefined;
  /** Engines that may run it; default: any. */
  readonly targets?: Targets | undefined;
  /** Stored with each request; any JSON value. */
  readonly label?: unknown;
  /** Items of a map that go in one task; default: by the number of items and engines. */
  readonly chunkSize?: number | undefined;
  /** Default true; false: `for await` over a map gives items as they complete. */
  readonly ordered?: boolean | undefined;
}

/** Bytes of one chunk that the automatic size does not exceed, if it has more than one item. */
const CHUNK_BYTES_MAX = 16 * 1024 ** 2;
const NO_CONTENT: Dict = {};

/**
 * A view on all engines, or on some, that leaves the choice to the scheduler.
 *
 * Every call is serialised and submitted at once. Few thousand tasks are under way at a time; further ones wait in this
 * client, in order.
 */
export class LoadBalancedView {
  readonly #context: ViewContext;
  readonly #options: LoadBalancedOptions;
  /** Engines that may run tasks, fixed when they were chosen; empty: any. */
  readonly #engineUuids: readonly EngineUuid[];
  readonly #metadata: Dict;

  /** @internal Use `client.loadBalancedView`. */
  constructor(context: ViewContext, options: LoadBalancedOptions, engineUuids: readonly EngineUuid[]) {
    this.#context = context;
    this.#options = options;
    this.#engineUuids = engineUuids;
    this.#metadata = taskMetadata(options, engineUuids);
  }

  /** Ids of the engines that may run tasks: those chosen, or all of now. */
  get targets(): readonly number[] {
    return this.#engines().map((engine) => engine.id);
  }

  /** Engines that may run tasks. */
  get length(): number {
    return this.targets.length;
  }

  /** The same view with something changed; this one stays as it is. */
  with(options: LoadBalancedOptions): LoadBalancedView {
    const chosen = options.targets === undefined ? this.#engineUuids : chooseEngines(this.#context, options.targets);
    return new LoadBalancedView(this.#context, { ...this.#options, ...options }, chosen);
  }

  /**
   * Calls `f(...args)` on one engine.
   *
   * @throws SerializationError when the function or an argument cannot travel
   */
  apply<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>, ...args: RemoteArgs<Args>): AsyncResult<Awaited<R>> {
    const handle = this.#submit(packCall(f, args));
    return new AsyncResult([handle], ONE_VALUE as ResultShape<Awaited<R>, Awaited<R>>, this.#context);
  }

  /** Maps `f` over the sequences (to the end of the shortest), in chunks. The sequences are read and serialised now. */
  map<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>, ...sequences: Sequences<Args>): AsyncMapResult<Awaited<R>>;
  /** A function without parameters is called once for each element. */
  map<R>(f: () => R, ...sequences: readonly Iterable<unknown>[]): AsyncMapResult<Awaited<R>>;
  map<R>(f: RemoteCallable<never, R>, ...sequences: readonly Iterable<unknown>[]): AsyncMapResult<Awaited<R>> {
    const handles = this.#submitChunks(readSequences(sequences), (parts) => packCall(named("map"), [f, ...parts]));
    return new AsyncMapResult<Awaited<R>>(handles, this.#context, this.#options.ordered ?? true);
  }

  /**
   * Maps `f` over an iterable, possibly endless or asynchronous, lazily: at most `maxOutstanding` tasks are submitted and
   * not yet taken by the reader.
   */
  imap<T, R>(f: RemoteCallable<readonly [T], R>, items: AnyIterable<T>, options: ImapOptions = {}): ImapIterator<T, Awaited<R>> {
    const submit = (chunk: readonly T[]): RequestHandle => this.#submit(packCall(named("map"), [f, chunk]), chunk.length);
    const ordered = options.ordered ?? this.#options.ordered ?? true;
    const maxOutstanding = options.maxOutstanding ?? 10 * Math.max(1, this.#countEngines());
    // A function that cannot travel is refused here, not at the first item.
    packCall(named("map"), [f, []]);
    return new ImapIterator<T, Awaited<R>>({
      items,
      submit,
      owner: this.#context,
      ...options,
      ordered,
      maxOutstanding,
      chunkSize: options.chunkSize ?? this.#options.chunkSize ?? 1,
    });
  }

  /** A function that calls `f` on a free engine. */
  remote<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>): RemoteFunction<Args, AsyncResult<Awaited<R>>> {
    return remoteFunction(f, (...args: RemoteArgs<Args>) => this.apply(f, ...args));
  }

  /** A function over sequences: called, engines get chunks of them in calls of `f`; `.map` maps element by element. */
  parallel<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>): ParallelFunction<Args, R> {
    return parallelFunction(
      f,
      (...sequences) => {
        const handles = this.#submitChunks(readSequences(sequences), (parts) => packCall(f, parts));
        return new AsyncMapResult<ItemOf<Awaited<R>>>(handles, this.#context, this.#options.ordered ?? true);
      },
      (...sequences) => this.map(f, ...sequences),
    );
  }

  #submitChunks(all: readonly Sliceable[], pack: (parts: readonly ArrayLike<unknown>[]) => readonly Frame[]): RequestHandle[] {
    const total = shortestLength(all);
    const wanted = this.#options.chunkSize;
    let size = wanted ?? autoChunkSize(total, this.#countEngines());
    // With nothing to map, packing nothing still refuses what cannot travel.
    if (total === 0) pack(cut(all, { start: 0, end: 0 }));
    const handles: RequestHandle[] = [];
    for (let start = 0; start < total;) {
      const end = Math.min(total, start + size);
      const buffers = pack(cut(all, { start, end }));
      const bytes = framesBytes(buffers);
      if (wanted === undefined && bytes > CHUNK_BYTES_MAX && end - start > 1) {
        size = Math.max(1, Math.floor(((end - start) * CHUNK_BYTES_MAX) / bytes));
        continue;
      }
      handles.push(this.#submit(buffers, end - start));
      start = end;
    }
    return handles;
  }

  #submit(buffers: readonly Frame[], itemCount = 1): RequestHandle {
    const { link } = this.#context;
    return link.submit({
      channel: "task",
      kind: "apply",
      targets: [],
      metadata: this.#metadata,
      content: NO_CONTENT,
      buffers,
      label: this.#options.label,
      itemCount,
    });
  }

  #countEngines(): number {
    return this.#engines().length;
  }

  #engines(): readonly EngineFacts[] {
    const { directory } = this.#context.link;
    if (this.#engineUuids.length === 0) return [...directory.engines.values()];
    return this.#engineUuids.flatMap((uuid) => directory.findByUuid(uuid) ?? []);
  }
}

/** The uuids of targets, of the engines of now; none for all, those to come included. */
export function chooseEngines(context: ViewContext, targets: Targets): readonly EngineUuid[] {
  checkTargets(targets);
  return targets === "all" ? [] : resolveTargets(context.link.directory.engines, targets).map((engine) => engine.uuid);
}

function taskMetadata(options: LoadBalancedOptions, targets: readonly string[]): Dict {
  const { timeoutMs = 0, retries = 0, chunkSize } = options;
  if (!(timeoutMs >= 0)) throw new InvalidArgumentError(`timeoutMs must be at least 0, and is ${timeoutMs}`);
  if (!Number.isInteger(retries) || retries < 0) throw new InvalidArgumentError(`retries must be a whole number of at least 0, and is ${retries}`);
  if (chunkSize !== undefined && !(Number.isInteger(chunkSize) && chunkSize >= 1 && chunkSize <= CHUNK_ITEMS_MAX * 1000)) {
    throw new InvalidArgumentError(`chunkSize must be a whole number of at least 1, and is ${chunkSize}`);
  }
  checkLabel(options.label);
  return {
    after: encodeDependency(options.after),
    follow: encodeDependency(options.follow),
    timeout: timeoutMs === Infinity ? 0 : timeoutMs / 1000,
    targets,
    retries,
    label: options.label ?? null,
  };
}
