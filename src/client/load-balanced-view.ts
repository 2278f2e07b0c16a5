// LoadBalancedView: calls that go to whichever engine is free, through the task scheduler.

import { InvalidArgumentError, keepInProcess, type EngineUuid } from "../base/index.ts";
import { autoChunkSize, CHUNK_ITEMS_MAX, isOpenTargets, resolveTargets, type EngineFacts, type EngineSelector, type Targets } from "../core/client/index.ts";
import { pythonFunction, type PythonCallable } from "../serial/index.ts";
import { framesBytes, isPriority, PRIORITY_MAX, type Dict } from "../wire/index.ts";
import { AsyncMapResult } from "./async-map-result.ts";
import { AsyncResult } from "./async-result.ts";
import { ONE_VALUE, type ResultShape } from "./result-shape.ts";
import type { ItemOf, RemoteArgs, RemoteCallable, Sequences } from "./call-types.ts";
import { checkLabel, checkNames, checkTargets, checkTimeLimit, timeLimitMetadata } from "./check-arguments.ts";
import { encodeDependency, type DependencyLike } from "./dependency.ts";
import { kindsOf, packForAny, type EngineCall, type EngineKinds, type Payload } from "./engine-call.ts";
import { ViewExecutor, type ExecutorOptions } from "./executor.ts";
import { ImapIterator, type AnyIterable, type ImapOptions } from "./imap.ts";
import { parallelFunction, remoteFunction, type ParallelFunction, type RemoteFunction } from "./remote-function.ts";
import type { RequestHandle } from "./request-handle.ts";
import { cut, readSequences, shortestLength, type Sliceable } from "./sequences.ts";
import type { ViewContext } from "./view-context.ts";
import { SUBMIT_HERE, viewText } from "./view-text.ts";

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
  /**
   * Among the tasks that wait in the scheduler for an engine, those of a higher priority are served first; a whole number from
   * -1,000 to 1,000, default 0. Tasks that an engine has, or that wait in a client for room in its window, are not overtaken.
   */
  readonly priority?: number | undefined;
  /** How long a request may run on its engine, in milliseconds, before it is stopped and fails with TimeLimitExceeded; default: for ever. What cannot be stopped ends with its engine, 10 s later. */
  readonly timeLimitMs?: number | undefined;
  /** Engines that may run it; default: any. */
  readonly targets?: Targets | undefined;
  /** Stored with each request; any JSON value. */
  readonly label?: unknown;
  /** Items of a map that go in one task; default: by the number of items and engines, fewer towards the end. */
  readonly chunkSize?: number | undefined;
  /** Default true; false: `for await` over a map gives items as they complete. */
  readonly ordered?: boolean | undefined;
}

/** Their names, to find misspelt ones. */
const OPTION_NAMES: Readonly<Record<keyof LoadBalancedOptions, true>> = {
  after: true,
  follow: true,
  timeoutMs: true,
  retries: true,
  priority: true,
  timeLimitMs: true,
  targets: true,
  label: true,
  chunkSize: true,
  ordered: true,
};
const IMAP_OPTION_NAMES: Readonly<Record<keyof ImapOptions, true>> = { maxOutstanding: true, ordered: true, chunkSize: true, signal: true };

const EXECUTOR_OPTION_NAMES: Readonly<Record<keyof ExecutorOptions, true>> = { signal: true };

/** Bytes of one chunk that the automatic size does not exceed, if it has more than one item. */
const CHUNK_BYTES_MAX = 16 * 1024 ** 2;
/** How long chunks of a map are packed before those that are ready leave. */
const PACKING_MS = 5;
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
  readonly #chosen: ChosenEngines;
  #lastScope: Scope | undefined;

  /** @internal Use `client.loadBalancedView`. */
  constructor(context: ViewContext, options: LoadBalancedOptions, chosen: ChosenEngines) {
    this.#context = context;
    this.#options = options;
    this.#chosen = chosen;
    taskMetadata(options, []); // Refuses options that cannot be.
  }

  /** Ids of the engines that may run tasks: those chosen, or all of now. */
  get targets(): readonly number[] {
    return this.#engines().map((engine) => engine.id);
  }

  /** Engines that may run tasks. */
  get length(): number {
    return this.targets.length;
  }

  /** `<LoadBalancedView: engines 0…3>`, and the options that were given. */
  toString(): string {
    return viewText("LoadBalancedView", this, this.#options);
  }

  /** The same view with something changed; this one stays as it is. */
  with(options: LoadBalancedOptions): LoadBalancedView {
    checkNames("a load-balanced view", options, OPTION_NAMES);
    const chosen = options.targets === undefined ? this.#chosen : chooseEngines(this.#context, options.targets);
    return new LoadBalancedView(this.#context, { ...this.#options, ...options }, chosen);
  }

  /**
   * Calls `f(...args)` on one engine.
   *
   * @throws SerializationError when the function or an argument cannot travel
   */
  apply<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>, ...args: RemoteArgs<Args>): AsyncResult<Awaited<R>> {
    return this.#one({ type: "apply", fn: f, args });
  }

  /**
   * Calls a Python function by its name on one engine; all engines of the view must be Python's. See `DirectView.call`.
   *
   * @throws InvalidArgumentError when an engine of the view runs TypeScript; SerializationError when an argument cannot travel
   */
  call<R = unknown>(f: PythonCallable, ...args: readonly unknown[]): AsyncResult<R> {
    return this.#one<R>({ type: "apply", fn: typeof f === "string" ? pythonFunction(f) : f, args });
  }

  /** Maps `f` over the sequences (to the end of the shortest), in chunks. The sequences are read and serialised now. */
  map<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>, ...sequences: Sequences<Args>): AsyncMapResult<Awaited<R>>;
  /** A function without parameters is called once for each element. */
  map<R>(f: () => R, ...sequences: readonly Iterable<unknown>[]): AsyncMapResult<Awaited<R>>;
  map<R>(f: RemoteCallable<never, R>, ...sequences: readonly Iterable<unknown>[]): AsyncMapResult<Awaited<R>> {
    const handles = this.#submitChunks(readSequences(sequences), (parts) => ({ type: "map", fn: f, sequences: parts }));
    return new AsyncMapResult<Awaited<R>>(handles, this.#context, this.#options.ordered ?? true);
  }

  /**
   * Maps `f` over an iterable, possibly endless or asynchronous, lazily: at most `maxOutstanding` tasks are submitted and
   * not yet taken by the reader.
   */
  imap<T, R>(f: RemoteCallable<readonly [T], R>, items: AnyIterable<T>, options: ImapOptions = {}): ImapIterator<T, Awaited<R>> {
    checkNames("imap", options, IMAP_OPTION_NAMES);
    const submit = (chunk: readonly T[]): RequestHandle => this.#submit(this.#pack({ type: "map", fn: f, sequences: [chunk] }), chunk.length);
    const ordered = options.ordered ?? this.#options.ordered ?? true;
    const maxOutstanding = options.maxOutstanding ?? 10 * Math.max(1, this.#countEngines());
    // A function that cannot travel is refused here, not at the first item.
    this.#pack({ type: "map", fn: f, sequences: [[]] });
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
        const handles = this.#submitChunks(readSequences(sequences), (parts) => ({ type: "apply", fn: f, args: parts }));
        return new AsyncMapResult<ItemOf<Awaited<R>>>(handles, this.#context, this.#options.ordered ?? true);
      },
      (...sequences) => this.map(f, ...sequences),
    );
  }

  /** This view in the form of an executor. */
  executor(options: ExecutorOptions = {}): ViewExecutor {
    checkNames("an executor", options, EXECUTOR_OPTION_NAMES);
    return new ViewExecutor(this, options);
  }

  #submitChunks(all: readonly Sliceable[], callOf: (parts: readonly ArrayLike<unknown>[]) => EngineCall): RequestHandle[] {
    const total = shortestLength(all);
    const wanted = this.#options.chunkSize;
    const engines = this.#countEngines();
    // With nothing to map, packing nothing still refuses what cannot travel.
    if (total === 0) this.#pack(callOf(cut(all, { start: 0, end: 0 })));
    const handles: RequestHandle[] = [];
    let sizeMax = Infinity;
    let sentAt = 0;
    for (let start = 0; start < total;) {
      const size = wanted ?? Math.min(sizeMax, autoChunkSize(total - start, total, engines));
      const end = Math.min(total, start + size);
      const payload = this.#pack(callOf(cut(all, { start, end })));
      const bytes = framesBytes(payload.buffers);
      if (wanted === undefined && bytes > CHUNK_BYTES_MAX && end - start > 1) {
        sizeMax = Math.max(1, Math.floor(((end - start) * CHUNK_BYTES_MAX) / bytes));
        continue;
      }
      handles.push(this.#submit(payload, end - start));
      start = end;
      // Engines are not to wait until all is packed: the first chunks leave as soon as each can have one, others meanwhile.
      if (handles.length === engines || (handles.length > engines && performance.now() - sentAt > PACKING_MS)) {
        this.#context.link.flush("task");
        sentAt = performance.now();
      }
    }
    return handles;
  }

  #one<R>(call: EngineCall): AsyncResult<R> {
    return new AsyncResult([this.#submit(this.#pack(call))], ONE_VALUE as ResultShape<R, R>, this.#context);
  }

  /** For every engine that the scheduler may choose. */
  #pack(call: EngineCall): Payload {
    const { kinds } = this.#scope();
    timeLimitMetadata(this.#options.timeLimitMs, kinds); // Refuses engines that would not keep it.
    return packForAny(call, kinds);
  }

  #submit({ buffers, reading }: Payload, itemCount = 1): RequestHandle {
    const { link } = this.#context;
    return link.submit({
      channel: "task",
      kind: "apply",
      targets: [],
      metadata: this.#scope().metadata,
      content: NO_CONTENT,
      buffers,
      reading,
      label: this.#options.label,
      itemCount,
    });
  }

  #countEngines(): number {
    return this.#engines().length;
  }

  #engines(): readonly EngineFacts[] {
    return this.#scope().engines;
  }

  /** What the engines of now make of the view's choice; looked up anew only when engines have come or gone. */
  #scope(): Scope {
    const { directory } = this.#context.link;
    if (this.#lastScope?.version === directory.version) return this.#lastScope;
    const uuids = Array.isArray(this.#chosen) ? this.#chosen : resolveTargets(directory.engines, this.#chosen as EngineSelector).map(({ uuid }) => uuid);
    const engines = uuids.length === 0 ? [...directory.engines.values()] : uuids.flatMap((uuid) => directory.findByUuid(uuid) ?? []);
    this.#lastScope = { version: directory.version, engines, kinds: kindsOf(engines), metadata: taskMetadata(this.#options, uuids) };
    return this.#lastScope;
  }
}

keepInProcess(LoadBalancedView, SUBMIT_HERE);

/** Engines of now that may run a view's tasks, and what tells the scheduler so. */
interface Scope {
  /** Of the directory. */
  readonly version: number;
  readonly engines: readonly EngineFacts[];
  readonly kinds: EngineKinds;
  readonly metadata: Dict;
}

/** Engines that may run tasks: by uuid, none for any; or by properties, those to come included. */
export type ChosenEngines = readonly EngineUuid[] | EngineSelector;

/** The choice that targets make: engines of now, or any, or those with some properties. */
export function chooseEngines(context: ViewContext, targets: Targets): ChosenEngines {
  checkTargets(targets);
  if (targets === "all") return [];
  return isOpenTargets(targets) ? targets : resolveTargets(context.link.directory.engines, targets).map((engine) => engine.uuid);
}

function taskMetadata(options: LoadBalancedOptions, targets: readonly string[]): Dict {
  const { timeoutMs = 0, retries = 0, priority = 0, chunkSize } = options;
  if (!(typeof timeoutMs === "number" && timeoutMs >= 0)) throw new InvalidArgumentError(`timeoutMs must be at least 0, and is ${timeoutMs}`);
  if (!Number.isInteger(retries) || retries < 0) throw new InvalidArgumentError(`retries must be a whole number of at least 0, and is ${retries}`);
  if (!isPriority(priority))
    throw new InvalidArgumentError(`priority must be a whole number from ${-PRIORITY_MAX} to ${PRIORITY_MAX}, and is ${String(priority)}`);
  if (chunkSize !== undefined && !(Number.isInteger(chunkSize) && chunkSize >= 1 && chunkSize <= CHUNK_ITEMS_MAX * 1000)) {
    throw new InvalidArgumentError(`chunkSize must be a whole number of at least 1, and is ${chunkSize}`);
  }
  checkLabel(options.label);
  checkTimeLimit(options.timeLimitMs);
  return {
    after: encodeDependency(options.after),
    follow: encodeDependency(options.follow),
    timeout: timeoutMs === Infinity ? 0 : timeoutMs / 1000,
    targets,
    retries,
    ...(priority === 0 ? {} : { priority }),
    label: options.label ?? null,
    ...timeLimitMetadata(options.timeLimitMs, { pythons: [] }),
  };
}
