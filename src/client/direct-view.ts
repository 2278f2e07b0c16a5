// DirectView: the same call on each of chosen engines, one message to each, through mux.

import { readFileSync } from "node:fs";
import { InvalidArgumentError, keepInProcess } from "../base/index.ts";
import { blockSpans, interleave, isOpenTargets, resolveTargets, roundRobin, type EngineFacts, type Targets } from "../core/client/index.ts";
import { pythonFunction, type PythonCallable } from "../serial/index.ts";
import type { Dict } from "../wire/index.ts";
import { activateView } from "./active-views.ts";
import { AsyncMapResult } from "./async-map-result.ts";
import { AsyncResult } from "./async-result.ts";
import { ONE_VALUE, VALUE_EACH, type Arity, type ResultShape } from "./result-shape.ts";
import type { ItemOf, RemoteArgs, RemoteCallable, Sequences } from "./call-types.ts";
import { checkLabel, checkNames, checkTargets, checkTimeLimit, timeLimitMetadata } from "./check-arguments.ts";
import { CallPacker, kindsOf, packForAny, type EngineCall, type Payload } from "./engine-call.ts";
import { orderEngines } from "./engine-control.ts";
import type { ExecuteReply } from "./execute-reply.ts";
import { parallelFunction, remoteFunction, type ParallelFunction, type RemoteFunction } from "./remote-function.ts";
import type { RequestHandle } from "./request-handle.ts";
import { concatenate, cut, cutOne, isTypedArray, readSequence, readSequences, shortestLength, type Sliceable } from "./sequences.ts";
import type { ViewContext } from "./view-context.ts";
import { SUBMIT_HERE, viewText } from "./view-text.ts";
import type { WaitOptions } from "./wait-for.ts";

/** A value for one engine, or a list of them, one for each engine. */
export type PerEngine<A extends Arity, R> = A extends "one" ? R : R[];
/** The result of a view's call. */
export type ViewResult<A extends Arity, R> = AsyncResult<PerEngine<A, R>, R, A>;

/** What a derived view changes. */
export interface DirectViewOptions {
  /** Other engines; a number makes a view of one. */
  readonly targets?: Targets;
  /** Stored with each request; any JSON value. */
  readonly label?: unknown;
  /** How long a request may run on its engine, in milliseconds, before it is stopped and fails with TimeLimitExceeded; default: for ever. */
  readonly timeLimitMs?: number | undefined;
}

/** Their names, to find misspelt ones. */
const OPTION_NAMES: Readonly<Record<keyof DirectViewOptions, true>> = { targets: true, label: true, timeLimitMs: true };

/** How `execute` runs code. */
export interface ExecuteOptions {
  /** Default true: no output of the cell itself, no history. */
  readonly silent?: boolean;
}

/** How a sequence is distributed. */
export interface ScatterOptions {
  /** `block` (default): contiguous parts. `roundRobin`: one item to each engine in turn. */
  readonly dist?: "block" | "roundRobin";
  /** Engines that get a single item get the item itself, not a list of one. Default false. */
  readonly flatten?: boolean;
}

/**
 * A view on engines, addressed one by one. `A` tells whether calls give one value or a list of one for each engine.
 *
 * Every call is sent at once and gives an AsyncResult. Values are serialised in the call, so that changing them
 * afterwards changes nothing, but for buffers of 1 KiB and more: see `AsyncResult.sent`.
 */
export class DirectView<A extends Arity = "many"> {
  readonly #context: ViewContext;
  readonly #targets: Targets;
  readonly #options: Omit<DirectViewOptions, "targets">;

  /** @internal Use `client.directView`. */
  constructor(context: ViewContext, targets: Targets, options: Omit<DirectViewOptions, "targets"> = {}) {
    this.#context = context;
    this.#targets = targets;
    this.#options = options;
    checkLabel(options.label);
    checkTimeLimit(options.timeLimitMs);
  }

  /** Ids of the engines; for a view of `"all"`, or of those with some properties, those of now. */
  get targets(): readonly number[] {
    return this.#engines(false).map((engine) => engine.id);
  }

  /** Engines of the view. */
  get length(): number {
    return this.targets.length;
  }

  /** `<DirectView: engines 0…3>`, and the options that were given. */
  toString(): string {
    return viewText("DirectView", this, this.#options);
  }

  /** The same view with something changed. */
  with<const O extends DirectViewOptions>(options: O): DirectView<O extends { targets: infer T } ? (T extends number ? "one" : "many") : A> {
    checkNames("a direct view", options, OPTION_NAMES);
    return new DirectView(this.#context, options.targets === undefined ? this.#targets : fixTargets(this.#context, options.targets), {
      label: options.label ?? this.#options.label,
      timeLimitMs: options.timeLimitMs ?? this.#options.timeLimitMs,
    });
  }

  /**
   * Makes `%px`, `%autopx` and their like mean this view, in the REPL and in notebooks; with a suffix, `%px1` and so on for `"1"`.
   *
   * @throws InvalidArgumentError when the suffix has other signs than letters, digits and underscores
   */
  activate(suffix: string = ""): void {
    activateView(this, suffix);
  }

  /** Sends a signal to the engines' processes, by number or name; also while they are busy. */
  async sendSignal(signal: number | NodeJS.Signals, options: WaitOptions = {}): Promise<void> {
    await orderEngines(this.#context.link, this.#engines(), "signal_request", { sig: signal }, options);
  }

  /**
   * Calls `f(...args)` on each engine.
   *
   * @throws SerializationError when the function or an argument cannot travel; NoEnginesRegistered
   */
  apply<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>, ...args: RemoteArgs<Args>): ViewResult<A, Awaited<R>> {
    return this.#toEach({ type: "apply", fn: f, args });
  }

  /**
   * Calls a Python function by its name on each engine, all of which must be Python's: `view.call("math.sqrt", 2)`,
   * `view.call("sorted", [2, 1], keywords({ reverse: true }))`. A Reference names a function of the engines' namespaces.
   *
   * @throws InvalidArgumentError when an engine of the view runs TypeScript; SerializationError when an argument cannot travel
   */
  call<R = unknown>(f: PythonCallable, ...args: readonly unknown[]): ViewResult<A, R> {
    return this.#toEach({ type: "apply", fn: typeof f === "string" ? pythonFunction(f) : f, args });
  }

  /** Maps `f` over the sequences: each engine gets one contiguous part. */
  map<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>, ...sequences: Sequences<Args>): AsyncMapResult<Awaited<R>>;
  /** A function without parameters is called once for each element. */
  map<R>(f: () => R, ...sequences: readonly Iterable<unknown>[]): AsyncMapResult<Awaited<R>>;
  map<R>(f: RemoteCallable<never, R>, ...sequences: readonly Iterable<unknown>[]): AsyncMapResult<Awaited<R>> {
    const all = readSequences(sequences);
    const engines = this.#engines();
    const handles: RequestHandle[] = [];
    for (const [i, span] of blockSpans(shortestLength(all), engines.length).entries()) {
      if (span.end === span.start) continue;
      const engine = engines[i] as EngineFacts;
      const payload = packForAny({ type: "map", fn: f, sequences: cut(all, span) }, kindsOf([engine]));
      handles.push(this.#submit(engine, payload, span.end - span.start));
    }
    return new AsyncMapResult<Awaited<R>>(handles, this.#context);
  }

  /** Runs TypeScript or JavaScript code in each engine's namespace. Awaiting it waits for the output, too. */
  execute(code: string, options: ExecuteOptions = {}): ViewResult<A, ExecuteReply> {
    if (typeof code !== "string") throw new InvalidArgumentError(`execute takes code as a text, and got ${typeof code}`);
    const content: Dict = { code, silent: options.silent ?? true, user_expressions: {} };
    const handles = this.#engines().map((engine) =>
      this.#context.link.submit({
        channel: "mux",
        kind: "execute",
        targets: [engine.uuid],
        metadata: this.#metadata(),
        content,
        buffers: [],
        label: this.#options.label ?? null,
      }),
    );
    return this.#result(handles);
  }

  /**
   * Reads a local file, now, and runs its code in each engine's namespace.
   *
   * @throws InvalidArgumentError when the file cannot be read
   */
  run(path: string, options: ExecuteOptions = {}): ViewResult<A, ExecuteReply> {
    return this.execute(readCode(path), options);
  }

  /** Sets globals of each engine; names may be dotted. */
  push(values: Readonly<Record<string, unknown>>): ViewResult<A, undefined> {
    return this.#toEach({ type: "push", values });
  }

  /** Evaluates names (or expressions) in each engine's namespace; a list of names gives a list of values. */
  pull<T = unknown>(names: string): ViewResult<A, T>;
  pull<T extends readonly unknown[] = unknown[]>(names: readonly string[]): ViewResult<A, T>;
  pull(names: string | readonly string[]): ViewResult<A, unknown> {
    return this.#toEach({ type: "pull", names });
  }

  /** `pull`, by the name under which ipyparallel's views are indexed. */
  get<T = unknown>(name: string): ViewResult<A, T> {
    return this.pull<T>(name);
  }

  /** Sets one global: `push({ [name]: value })`. */
  set(name: string, value: unknown): ViewResult<A, undefined> {
    return this.push({ [name]: value });
  }

  /** Same as `push`. */
  update(values: Readonly<Record<string, unknown>>): ViewResult<A, undefined> {
    return this.push(values);
  }

  /** Distributes a sequence: each engine gets its part as the global `name`. Typed arrays are cut without copying. */
  scatter(name: string, sequence: Iterable<unknown>, options: ScatterOptions = {}): AsyncResult<undefined[], undefined, "many"> {
    const items = readSequence(sequence, "what is scattered");
    const engines = this.#engines();
    const spans = blockSpans(items.length, engines.length);
    const handles = engines.map((engine, i) => {
      const { start, end } = spans[i] as { start: number; end: number };
      const part = options.dist === "roundRobin" ? roundRobinPart(items, engines.length, i) : cutOne(items, start, end);
      const value = options.flatten === true && part.length === 1 ? part[0] : part;
      return this.#submit(engine, packForAny({ type: "push", values: { [name]: value } }, kindsOf([engine])));
    });
    return new AsyncResult(handles, VALUE_EACH as ResultShape<undefined[], undefined>, this.#context);
  }

  /** Pulls a scattered sequence and puts it together; typed arrays into one typed array. */
  gather<T = unknown[]>(name: string, options: Pick<ScatterOptions, "dist"> = {}): AsyncResult<T, unknown, "many"> {
    const join = (parts: readonly unknown[]): T =>
      (options.dist === "roundRobin" ? interleave(parts as readonly ArrayLike<unknown>[]) : concatenate(parts)) as T;
    const packer = new CallPacker({ type: "pull", names: name });
    const handles = this.#engines().map((engine) => this.#submit(engine, packer.packFor(engine)));
    return new AsyncResult<T, unknown, "many">(handles, { arity: "many", join, items: (value) => [concatenate([value])].flat() }, this.#context);
  }

  /** A function that calls `f` on each engine. */
  remote<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>): RemoteFunction<Args, ViewResult<A, Awaited<R>>> {
    return remoteFunction(f, (...args: RemoteArgs<Args>) => this.apply(f, ...args));
  }

  /** A function over sequences: called, each engine gets its part of them in one call of `f`; `.map` maps element by element. */
  parallel<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>): ParallelFunction<Args, R> {
    return parallelFunction(
      f,
      (...sequences) => this.#onParts<R>(f, sequences),
      (...sequences) => this.map(f, ...sequences),
    );
  }

  #onParts<R>(f: unknown, sequences: readonly unknown[]): AsyncMapResult<ItemOf<Awaited<R>>> {
    const all = readSequences(sequences);
    const engines = this.#engines();
    const handles: RequestHandle[] = [];
    for (const [i, span] of blockSpans(shortestLength(all), engines.length).entries()) {
      if (span.end === span.start) continue;
      const engine = engines[i] as EngineFacts;
      handles.push(this.#submit(engine, packForAny({ type: "apply", fn: f, args: cut(all, span) }, kindsOf([engine])), span.end - span.start));
    }
    return new AsyncMapResult<ItemOf<Awaited<R>>>(handles, this.#context);
  }

  /** Those of now; before anything is sent, those that would not do what the view asks are refused. */
  #engines(areAsked = true): readonly EngineFacts[] {
    this.#context.link.assertOpen();
    const engines = resolveTargets(this.#context.link.directory.engines, this.#targets);
    if (areAsked && this.#options.timeLimitMs !== undefined) timeLimitMetadata(this.#options.timeLimitMs, kindsOf(engines));
    return engines;
  }

  #metadata(): Dict {
    return { label: this.#options.label ?? null, ...timeLimitMetadata(this.#options.timeLimitMs, { pythons: [] }) };
  }

  /** All are packed before one is sent: what one engine cannot run is refused for all. */
  #toEach<R>(call: EngineCall): ViewResult<A, R> {
    const packer = new CallPacker(call);
    const parts = this.#engines().map((engine) => [engine, packer.packFor(engine)] as const);
    return this.#result(parts.map(([engine, payload]) => this.#submit(engine, payload)));
  }

  #submit(engine: EngineFacts, { buffers, reading }: Payload, itemCount = 1): RequestHandle {
    const { link } = this.#context;
    return link.submit({
      channel: "mux",
      kind: "apply",
      targets: [engine.uuid],
      metadata: this.#metadata(),
      content: {},
      buffers,
      reading,
      label: this.#options.label ?? null,
      itemCount,
    });
  }

  #result<R>(handles: readonly RequestHandle[]): ViewResult<A, R> {
    const shape = typeof this.#targets === "number" ? ONE_VALUE : VALUE_EACH;
    return new AsyncResult(handles, shape as ResultShape<PerEngine<A, R>, R>, this.#context);
  }
}

keepInProcess(DirectView, SUBMIT_HERE);

/** Targets as they stay: ids of the engines of now; all, or a choice by properties, is made anew at each call. */
export function fixTargets(context: ViewContext, targets: Targets): Targets {
  checkTargets(targets);
  if (isOpenTargets(targets)) return targets;
  const ids = resolveTargets(context.link.directory.engines, targets).map((engine) => engine.id as number);
  return typeof targets === "number" ? (ids[0] as number) : ids;
}

function readCode(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new InvalidArgumentError(`cannot read ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function roundRobinPart(items: Sliceable, parts: number, part: number): ArrayLike<unknown> {
  const mine = roundRobin(items, parts, part);
  return isTypedArray(items) ? (items.constructor as unknown as { from(list: unknown[]): ArrayLike<unknown> }).from(mine) : mine;
}
