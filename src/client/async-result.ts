// AsyncResult: what every view's call gives at once. It is a promise of the value, and more: progress, times, output,
// metadata, abort. A result nobody looks at costs nothing and, failed, disturbs nobody: its promise is made only when
// somebody asks for it.

import { CompositeError, InvalidArgumentError, InvalidStateError, keepInProcess, parseIsoDate } from "../base/index.ts";
import { finishedItems, isAllOk, isComplete, serialSeconds, totalItems, wallSeconds, type DisplayOutput } from "../core/client/index.ts";
import type { CancelOutcomes } from "./cancel.ts";
import { metadataOf, timesOf, type RequestMetadata } from "./metadata.ts";
import { showOutputs, type DisplayOptions } from "./display-outputs.ts";
import type { OutputSink } from "./engine-output.ts";
import { watchOutput, type EngineOutput } from "./engine-output.ts";
import type { RequestHandle } from "./request-handle.ts";
import {
  hasReached,
  itemsOf,
  settledParts,
  startUntil,
  type Arity,
  type ItemOrder,
  type OrErrors,
  type Per,
  type ResultShape,
  type ReturnWhen,
} from "./result-shape.ts";
import { allOf, checkWait, waitFor, type WaitOptions } from "./wait-for.ts";
import { showProgress, type InteractiveOptions } from "./wait-interactive.ts";

/** What a result needs of its client. */
export interface ResultOwner {
  /** Aborts requests by id; `engineIds` of those that have a fixed engine are asked, else all. */
  abort(msgIds: readonly string[]): Promise<void>;
  /** Cancels requests of this client. */
  cancel(handles: readonly RequestHandle[], options: WaitOptions): Promise<CancelOutcomes>;
}

/** How a value is waited for. */
export interface GetOptions extends WaitOptions {
  /** `firstException`: throws as soon as one request has failed. Default: when all have ended. */
  readonly returnWhen?: Exclude<ReturnWhen, "firstCompleted"> | undefined;
  /** Default false; true gives a list in which errors stand in the places of the items that failed. */
  readonly returnExceptions?: boolean | undefined;
}

/** How items are read. */
export interface ItemOptions {
  /** Default: `submission`; for unordered maps `completion`. */
  readonly order?: ItemOrder | undefined;
  /** Default false; true gives the error in place of each item that failed. */
  readonly returnExceptions?: boolean | undefined;
}

/** How long output may follow a reply; after that a lost `idle` no longer holds up who waits for output. */
const OUTPUT_WAIT_MS = 5000;

/**
 * The result of a request, or of one request for each of several engines.
 *
 * `await` it for the value. `for await` gives its items as their parts arrive, in the order of submission.
 */
export class AsyncResult<T, Item = T, A extends Arity = "one"> implements PromiseLike<T>, AsyncIterable<Item> {
  readonly #parts: readonly RequestHandle[];
  readonly #shape: ResultShape<T, Item>;
  readonly #owner: ResultOwner;
  #promise: Promise<T> | undefined;
  #failure: Error | undefined;

  /** @internal Made by views. */
  constructor(parts: readonly RequestHandle[], shape: ResultShape<T, Item>, owner: ResultOwner) {
    this.#parts = parts;
    this.#shape = shape;
    this.#owner = owner;
  }

  /** The requests behind it. @internal */
  protected get parts(): readonly RequestHandle[] {
    return this.#parts;
  }

  /** Waits like the promise of the value. `execute` also waits for the output. */
  // oxlint-disable-next-line unicorn/no-thenable -- being awaitable is the point of an AsyncResult
  then<Value = T, Reason = never>(
    onValue?: ((value: T) => Value | PromiseLike<Value>) | null,
    onError?: ((reason: unknown) => Reason | PromiseLike<Reason>) | null,
  ): Promise<Value | Reason> {
    return this.#asPromise().then(onValue, onError);
  }

  /** Like `promise.catch`. */
  catch<Reason = never>(onError: (reason: unknown) => Reason | PromiseLike<Reason>): Promise<T | Reason> {
    return this.then(undefined, onError);
  }

  /** Like `promise.finally`. */
  finally(onEnd: () => void): Promise<T> {
    return this.#asPromise().finally(onEnd);
  }

  #asPromise(): Promise<T> {
    this.#promise ??= this.#settle({});
    return this.#promise;
  }

  /**
   * The value, waiting no longer than asked.
   *
   * @throws TimeoutError when it is not there in time (the request goes on), or what the request failed with
   */
  get(options: GetOptions & { readonly returnExceptions: true }): Promise<OrErrors<A, Item>>;
  get(options?: GetOptions): Promise<T>;
  get(options: GetOptions = {}): Promise<T | OrErrors<A, Item>> {
    checkWait(options);
    return options.returnExceptions === true ? this.#settleEach(options) : this.#settle(options);
  }

  /** Waits for the end, well or not; never throws for a failure or a timeout. True when all has ended. */
  async wait(options: (WaitOptions & { readonly returnWhen?: ReturnWhen | undefined }) | number = {}): Promise<boolean> {
    const wanted = typeof options === "number" ? { timeoutMs: options } : options;
    checkWait(wanted);
    if (this.ready()) return true;
    try {
      await this.#ended(wanted);
    } catch {
      // A deadline or signal ended the waiting: the answer below says so.
    }
    return this.ready();
  }

  async #settle(options: GetOptions): Promise<T> {
    if (!this.ready()) await this.#ended(options);
    // Not the end, and yet no longer waited for: one has failed.
    const failed = this.ready() ? undefined : this.#parts.find((part) => part.state === "failed")?.lookAtError();
    if (failed !== undefined) throw failed;
    if (this.#parts.some((part) => part.record.kind === "execute")) await this.waitForOutput();
    return this.result;
  }

  async #settleEach(options: GetOptions): Promise<OrErrors<A, Item>> {
    await this.#settle(options).catch((error: unknown) => {
      // The items' own errors stand in the list; only what kept the waiting from its end is thrown.
      if (!this.ready()) throw error;
    });
    const items = this.#parts.flatMap((part) => [...itemsOf(part, this.#shape, true)]);
    return (this.#shape.arity === "one" ? items[0] : items) as OrErrors<A, Item>;
  }

  #ended(options: WaitOptions & { readonly returnWhen?: ReturnWhen | undefined }): Promise<void> {
    const start = startUntil(this.#parts, options.returnWhen ?? "allCompleted");
    return waitFor(start, options, () => `the result is not there after ${options.timeoutMs} ms: ${this.progress} of ${this.length} tasks finished`);
  }

  /** Whether the requests are as far as `returnWhen` names. */
  hasReached(returnWhen: ReturnWhen): boolean {
    return hasReached(this.#parts, returnWhen);
  }

  /** Whether all has ended, well or not. */
  ready(): boolean {
    return isComplete(this.#parts);
  }

  /**
   * Whether all ended well.
   *
   * @throws InvalidStateError before the end
   */
  successful(): boolean {
    this.#assertReady("successful()");
    for (const part of this.#parts) part.lookAtError();
    return isAllOk(this.#parts);
  }

  /**
   * The value of an ended result.
   *
   * @throws InvalidStateError before the end; else what it failed with: the one error, or a CompositeError of several
   */
  get result(): T {
    this.#assertReady("result");
    const failure = this.#failureOnce();
    if (failure !== undefined) throw failure;
    return this.#shape.join(this.#parts.map((part) => part.value));
  }

  /** Short for `result`. */
  get r(): T {
    return this.result;
  }

  #failureOnce(): Error | undefined {
    if (this.#failure !== undefined) return this.#failure;
    const errors = this.#parts.flatMap((part) => part.lookAtError() ?? []);
    this.#failure = errors.length > 1 ? new CompositeError(errors) : errors[0];
    return this.#failure;
  }

  #assertReady(what: string): void {
    if (!this.ready()) throw new InvalidStateError(`${what} asked before the end: ${this.progress} of ${this.length} tasks finished; await the result first`);
  }

  /**
   * The items by id of the engine that made them.
   *
   * @throws InvalidStateError before the end, or when an engine made several; what it failed with
   */
  getDict(): Record<number, Item> {
    this.#assertReady("getDict()");
    const failure = this.#failureOnce();
    if (failure !== undefined) throw failure;
    const dict: Record<number, Item> = {};
    for (const part of this.#parts) {
      const isCoalesced = Array.isArray(part.record.engineId);
      const ids = [part.record.engineId].flat();
      const values = isCoalesced ? (part.value as readonly unknown[]) : [part.value];
      for (const [i, id] of ids.entries()) {
        if (typeof id !== "number") throw new InvalidStateError(`the engine of ${part.record.msgId} is not known`);
        if (id in dict) throw new InvalidStateError(`cannot build a dict: engine ${id} made several of the results`);
        dict[id] = values[i] as Item;
      }
    }
    return dict;
  }

  /** Items of the result. */
  get length(): number {
    return totalItems(this.#parts);
  }

  /** Items finished, well or not. */
  get progress(): number {
    return finishedItems(this.#parts);
  }

  /** Message ids of the requests. */
  get msgIds(): readonly string[] {
    return this.#parts.map((part) => part.record.msgId);
  }

  /** What is known of the requests; one for a single request, else a list. */
  get metadata(): Per<A, RequestMetadata> {
    return this.#per((part) => metadataOf(part.record));
  }

  /** What user code printed so far. */
  get stdout(): Per<A, string> {
    return this.#per((part) => part.record.output?.stdout ?? "");
  }

  /** What user code wrote to standard error so far. */
  get stderr(): Per<A, string> {
    return this.#per((part) => part.record.output?.stderr ?? "");
  }

  /** What user code displayed so far. */
  get outputs(): Per<A, readonly DisplayOutput[]> {
    return this.#per((part) => part.record.output?.outputs ?? []);
  }

  /** What user code published so far. */
  get data(): Per<A, unknown> {
    return this.#per((part) => part.record.output?.data ?? {});
  }

  #per<V>(read: (part: RequestHandle) => V): Per<A, V> {
    return (this.#shape.arity === "one" ? read(this.#parts[0] as RequestHandle) : this.#parts.map(read)) as Per<A, V>;
  }

  /** Seconds from submission to now, or to the receipt of the last reply. */
  get elapsed(): number {
    if (this.ready()) return this.wallTime;
    const first = Math.min(...this.#parts.map((part) => parseIsoDate(part.record.submitted) ?? Infinity));
    return first === Infinity ? 0 : Math.max(0, (Date.now() - first) / 1000);
  }

  /** Sum of the seconds engines computed. */
  get serialTime(): number {
    return serialSeconds(this.#parts.map((part) => timesOf(part.record)));
  }

  /** Seconds from the first submission to the last receipt. */
  get wallTime(): number {
    return wallSeconds(this.#parts.map((part) => timesOf(part.record)));
  }

  /** `serialTime / wallTime`: how many engines were kept busy. */
  get speedup(): number {
    return this.wallTime === 0 ? 0 : this.serialTime / this.wallTime;
  }

  /** Aborts what has not begun: those requests fail with TaskAborted. Running ones go on. */
  async abort(): Promise<void> {
    if (this.ready()) throw new InvalidStateError("the result is there already; nothing can be aborted");
    await this.#owner.abort(this.#parts.filter((part) => part.state === "pending").map((part) => part.record.msgId));
  }

  /**
   * Cancels: what has not begun never will, and what runs is stopped; `currentTask().signal` is aborted first. Both fail with
   * TaskAborted. Gives what became of each request; one that has ended stays as it is.
   *
   * @throws InvalidArgumentError for requests of other clients; NotSupportedError for what a Python engine may be running
   */
  cancel(options: WaitOptions = {}): Promise<CancelOutcomes> {
    return this.#owner.cancel(this.#parts, options);
  }

  /**
   * Whether large buffers that were passed (typed arrays of 1 KiB and more) may be changed again: they are not copied,
   * and may be read until an engine has them.
   */
  get sent(): boolean {
    return this.#parts.every((part) => !part.isInFlight);
  }

  /** Waits until `sent`. @throws TimeoutError */
  waitOnSend(options: WaitOptions | number = {}): Promise<void> {
    const wanted = typeof options === "number" ? { timeoutMs: options } : options;
    const starters = this.#parts.map((part) => (done: () => void) => part.onDelivered(done));
    return waitFor(allOf(starters), wanted, () => `the buffers were not delivered within ${wanted.timeoutMs} ms`);
  }

  /** Calls back for each piece of output that comes from now on, as it comes; gives how to stop that. */
  onOutput(listener: (output: EngineOutput) => void): () => void {
    return watchOutput(this.#parts, listener);
  }

  /** Waits until no more output will come; false when that is not known in time (default 5 s after the replies). */
  async waitForOutput(options: WaitOptions = {}): Promise<boolean> {
    if (!this.ready()) await this.#ended(options);
    const starters = this.#parts.map((part) => (done: () => void) => part.onOutputComplete(done));
    try {
      await waitFor(allOf(starters), { ...options, timeoutMs: options.timeoutMs ?? OUTPUT_WAIT_MS }, () => "output is not complete");
      return true;
    } catch {
      // The engine's `idle` was lost or is late; what came is shown.
      return false;
    }
  }

  /** Shows what was printed and displayed, and what failed, grouped by engine or else as told, when all has come. */
  async displayOutputs(options: DisplayOptions | OutputSink = {}): Promise<void> {
    const { groupBy = "engine", errors = true, sink = process.stdout }: DisplayOptions = "write" in options ? { sink: options } : options;
    await this.wait();
    await this.waitForOutput();
    showOutputs(this.#parts, { arity: this.#shape.arity, groupBy, errors }, sink);
  }

  /** Shows progress until the end: on a terminal a bar with items, rate and time to go, else a line a second. Ctrl-C stops the display, not the tasks. */
  waitInteractive(options: InteractiveOptions = {}): Promise<void> {
    return showProgress(this, options);
  }

  /** The item at an index, from the end when negative. @throws InvalidStateError before the end */
  at(index: number): Item | undefined {
    if (!Number.isInteger(index)) throw new InvalidArgumentError(`an index must be a whole number, and is ${index}`);
    return this.#items().at(index);
  }

  /** Items from `start` up to, not including, `end`. @throws InvalidStateError before the end */
  slice(start?: number, end?: number): Item[] {
    return this.#items().slice(start, end);
  }

  #items(): Item[] {
    this.#assertReady("an item");
    const failure = this.#failureOnce();
    if (failure !== undefined) throw failure;
    return this.#parts.flatMap((part) => [...this.#shape.items(part.value)]);
  }

  /** Items as their parts arrive, in the order of submission or of completion. Throws a part's error when its turn comes. */
  items(options: ItemOptions & { readonly returnExceptions: true }): AsyncGenerator<Item | Error, void, undefined>;
  items(options?: ItemOptions): AsyncGenerator<Item, void, undefined>;
  async *items({ order, returnExceptions = false }: ItemOptions = {}): AsyncGenerator<Item | Error, void, undefined> {
    for await (const part of settledParts(this.#parts, order ?? this.defaultOrder)) yield* itemsOf(part, this.#shape, returnExceptions);
  }

  /** The order in which `for await` gives the items. @internal */
  protected get defaultOrder(): ItemOrder {
    return "submission";
  }

  [Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    return this.items();
  }

  get [Symbol.toStringTag](): string {
    return "AsyncResult";
  }

  /** `<AsyncResult: pending 3/8>`. */
  toString(): string {
    const state = this.ready() ? (isAllOk(this.#parts) ? "finished" : "failed") : "pending";
    return `<${this[Symbol.toStringTag]}: ${state} ${this.progress}/${this.length}>`;
  }
}

keepInProcess(AsyncResult, "await it and send the value");
