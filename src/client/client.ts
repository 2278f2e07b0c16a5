// Client: the user's one connection to a cluster. It gives views, knows engines, asks the Hub.

import { describeIds, InvalidArgumentError, keepInProcess, type EngineId } from "../base/index.ts";
import { DEFAULT_WINDOW, pickSlice, resolveTargets, type EngineFacts, type EngineSelector, type Targets } from "../core/client/index.ts";
import { hubResult, resubmittedResult, type AsyncHubResult } from "./async-hub-result.ts";
import { AsyncResult } from "./async-result.ts";
import { cancelParts, cancelRequests, type CancelOutcomes } from "./cancel.ts";
import { BroadcastView, type BroadcastOptions } from "./broadcast-view.ts";
import type { ClientLink } from "./client-link.ts";
import { openLink, type ConnectOptions } from "./connect.ts";
import { checkNames, checkTargets } from "./check-arguments.ts";
import { DirectView, fixTargets } from "./direct-view.ts";
import { explainRequests } from "./explain.ts";
import type { Explanation } from "./explanation.ts";
import { engineEvents, type EngineEvent } from "./engine-events.ts";
import { orderEngines } from "./engine-control.ts";
import { EngineLanguages } from "./engine-languages.ts";
import * as hub from "./hub-queries.ts";
import type { Jobs } from "./jobs.ts";
import { chooseEngines, LoadBalancedView } from "./load-balanced-view.ts";
import type { RequestMetadata } from "./metadata.ts";
import type { ControllerReturn } from "./link-life.ts";
import { relistAfterConnecting } from "./relisting.ts";
import { RequestHistory } from "./request-history.ts";
import type { ViewContext } from "./view-context.ts";
import { VALUE_EACH } from "./result-shape.ts";
import { noteFailure } from "./unseen-failures.ts";
import { SUBMIT_HERE } from "./view-text.ts";
import { waitForEngines } from "./wait-for-engines.ts";
import { allOf, checkWait, waitFor, type WaitOptions } from "./wait-for.ts";
import type { InteractiveOptions } from "./wait-interactive.ts";

/** What a client tells. */
export interface ClientEvents {
  readonly engineJoined: EngineFacts;
  readonly engineLeft: EngineFacts;
  /** The controller went away, or cannot be reached any more; a sentence. Told once for each loss. */
  readonly controllerLost: string;
  /** A controller is there again; outstanding results were resumed, or have failed with ControllerLostError. */
  readonly controllerBack: ControllerReturn;
  /** The connection is over; the reason. */
  readonly closed: string;
}

/** What `shutdown` ends. */
export interface ShutdownOptions extends WaitOptions {
  /** Engines; default all. */
  readonly targets?: Targets;
  /** Also the controller, after all engines; default false. */
  readonly hub?: boolean;
}

const SHUTDOWN_OPTION_NAMES: Readonly<Record<keyof ShutdownOptions, true>> = { targets: true, hub: true, timeoutMs: true, signal: true };

/** How long engines of a controller that does not tell what they run may take to answer, before work goes on without knowing. */
const LANGUAGES_MS = 1000;

/** A connection to a cluster. Close it, or declare it with `await using`. */
export class Client {
  readonly #link: ClientLink;
  readonly #history: RequestHistory;
  readonly #context: ViewContext;
  readonly #languages: EngineLanguages;
  readonly #closed: Promise<string>;

  private constructor(link: ClientLink, tellsUnseen: boolean) {
    this.#link = link;
    this.#languages = new EngineLanguages(link);
    this.#context = {
      link,
      abort: (msgIds) => this.abort(msgIds),
      cancel: (handles, options) => cancelParts(link, handles, options, (ids) => this.#history.ownOf(ids)),
    };
    this.#closed = new Promise((resolve) => void link.events.on("closed", resolve));
    this.#history = new RequestHistory(link);
    if (tellsUnseen) link.events.on("settled", noteFailure);
    relistAfterConnecting(link);
  }

  /**
   * Connects to a running cluster.
   *
   * @throws ConfigError without a usable connection file; ControllerUnreachableError when nobody listens at its address;
   * TimeoutError when the controller does not answer, as with a wrong key
   */
  static async connect(options: ConnectOptions = {}): Promise<Client> {
    const client = new Client(await openLink(options, { ...DEFAULT_WINDOW, ...options.window }), options.tellUnseen ?? true);
    await client.#languages.settled(LANGUAGES_MS);
    return client;
  }

  /** Ids of the engines of now, in order. */
  get ids(): readonly number[] {
    return [...this.#link.directory.engines.keys()];
  }

  /** Number of engines. */
  get length(): number {
    return this.#link.directory.engines.size;
  }

  /** Engines by id, with what they told of themselves. */
  get engines(): ReadonlyMap<EngineId, EngineFacts> {
    return new Map(this.#link.directory.engines);
  }

  /** Whether the connection is over. */
  get isClosed(): boolean {
    return this.#link.isClosed;
  }

  /** Text that names this client in message headers. */
  get session(): string {
    return this.#link.session.sessionId;
  }

  /** Calls back when an engine joins or leaves, the controller goes or comes back, or the client is closed. Returns how to stop. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#link.events.on(name, listener);
  }

  /** Engines joining and leaving from now on, until the client is closed. */
  engineEvents(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<EngineEvent, void, undefined> {
    return engineEvents(this.#link, options.signal);
  }

  /**
   * Waits until at least `n` engines are there.
   *
   * @throws TimeoutError; EngineError when an engine leaves meanwhile, because then something is wrong with them
   */
  async waitForEngines(n = 1, options: WaitOptions = {}): Promise<void> {
    this.#link.assertOpen();
    await waitForEngines(this.#link, n, options);
    await this.#languages.settled(LANGUAGES_MS);
  }

  /** A view on one engine: calls give one value. */
  directView(target: number): DirectView<"one">;
  /**
   * A view on several: calls give a list. Without argument, the engines of now; `"all"`: those of the moment of each call;
   * `{ language: "python" }`: those that told of these properties, at the moment of each call.
   */
  directView(targets?: readonly number[] | "all" | EngineSelector): DirectView;
  directView(targets?: Targets): DirectView<"one"> | DirectView {
    this.#link.assertOpen();
    const now = targets ?? resolveTargets(this.#link.directory.engines, "all").map((engine) => engine.id);
    const fixed = fixTargets(this.#context, now);
    return typeof fixed === "number" ? new DirectView<"one">(this.#context, fixed) : new DirectView(this.#context, fixed);
  }

  /** A view on the engine at an index among the ids of now, from the end when negative. */
  at(index: number): DirectView<"one"> {
    const id = Number.isInteger(index) ? this.ids.at(index) : undefined;
    if (id === undefined) throw new InvalidArgumentError(`there is no engine at index ${index}; the engines are ${describeIds(this.ids)}`);
    return this.directView(id);
  }

  /** A view on a slice of the ids of now: `slice(0, undefined, 2)` is every second. It keeps its engines when others join. */
  slice(start?: number, stop?: number, step?: number): DirectView {
    return this.directView(pickSlice(this.ids, start, stop, step));
  }

  /** A view that leaves the choice of the engine to the scheduler; on all engines, those to come included, or on some. */
  loadBalancedView(targets?: Targets): LoadBalancedView {
    this.#link.assertOpen();
    return new LoadBalancedView(this.#context, {}, chooseEngines(this.#context, targets ?? "all"));
  }

  /** A view that sends each call once, to be copied to the engines by the scheduler. */
  broadcastView(options: BroadcastOptions = {}): BroadcastView {
    this.#link.assertOpen();
    if (options.targets !== undefined) fixTargets(this.#context, options.targets);
    return new BroadcastView(this.#context, options);
  }

  /** Ids of the requests that have no reply yet, oldest first. */
  get outstanding(): ReadonlySet<string> {
    return new Set(this.#link.outstanding.keys());
  }

  /** Ids of the last 1,000 finished requests, oldest first. */
  get history(): readonly string[] {
    return this.#history.finished;
  }

  /** Values of the last finished requests (1,000, and 64 MiB of request and result), by id; failed ones have none. */
  get results(): ReadonlyMap<string, unknown> {
    return this.#history.results;
  }

  /** Facts of the outstanding and of the last finished requests, by id. */
  get metadata(): ReadonlyMap<string, RequestMetadata> {
    return this.#history.metadata;
  }

  /** Messages dropped so far, by reason: wrong signature, replies to nothing, and so on. */
  get dropped(): Readonly<Record<string, number>> {
    return this.#link.dropped;
  }

  /** Nothing to do here: messages are handled as they come. Kept because ipyparallel has it. */
  spin(): void {
    this.#link.assertOpen();
  }

  /** Waits for requests, default all outstanding; never throws for their failures. False when the time was over before. */
  async wait(jobs?: Jobs, options: WaitOptions = {}): Promise<boolean> {
    checkWait(options);
    const handles = this.#history.outstandingOf(jobs);
    const starters = handles.map((handle) => (done: () => void) => handle.onSettled(done));
    try {
      await waitFor(allOf(starters), options, () => "");
    } catch {
      // The deadline or the signal: the answer says so.
    }
    return handles.every((handle) => handle.state !== "pending");
  }

  /** Shows how many requests, default all outstanding ones, have ended, until all have; see `AsyncResult.waitInteractive`. */
  async waitInteractive(jobs?: Jobs, options: InteractiveOptions = {}): Promise<void> {
    const handles = this.#history.outstandingOf(jobs);
    if (handles.length > 0) await new AsyncResult(handles, VALUE_EACH, this.#context).waitInteractive(options);
  }

  /** Queue lengths of engines: completed, queue, tasks; and of tasks not assigned. */
  queueStatus(targets?: Targets, options?: WaitOptions & { readonly verbose?: false }): Promise<hub.QueueStatus>;
  queueStatus(targets: Targets | undefined, options: WaitOptions & { readonly verbose: true }): Promise<hub.VerboseQueueStatus>;
  queueStatus(targets: Targets = "all", options: WaitOptions & { readonly verbose?: boolean } = {}): Promise<hub.QueueStatus | hub.VerboseQueueStatus> {
    return hub.queueStatus(this.#link, this.#hubTargets(targets), options.verbose ?? false, options);
  }

  /** Requests and tasks that each engine has and has not finished, by its id. */
  loadStatus(targets: Targets = "all", options: WaitOptions = {}): Promise<Readonly<Record<number, number>>> {
    return hub.loadStatus(this.#link, this.#hubTargets(targets), options);
  }

  /** Which requests are pending and which completed, as the Hub knows them. */
  async resultStatus(jobs: Jobs, options: WaitOptions = {}): Promise<{ readonly pending: readonly string[]; readonly completed: readonly string[] }> {
    const ids = this.#history.idsOf(jobs);
    // What still waits in this client is pending, and unknown to the Hub.
    const waiting = ids.filter((id) => this.#link.outstanding.get(id)?.state === "waiting");
    const others = ids.filter((id) => !waiting.includes(id));
    if (others.length === 0) return { pending: waiting, completed: [] };
    const { pending, completed } = await hub.requestResults(this.#link, others, true, options);
    return { pending: [...waiting, ...pending], completed };
  }

  /**
   * Results by id: of this client where it has them, else from the Hub, also those of other clients. Always a list, in the
   * order of the ids; by default that of the last request of this client.
   */
  getResult<T = unknown>(jobs: Jobs = -1): AsyncHubResult<T> {
    this.#link.assertOpen();
    return hubResult<T>(this.#link, this.#context, this.#history.idsOf(jobs), (id) => this.#history.find(id));
  }

  /** Ids of all requests in the task store, oldest first. */
  hubHistory(options: WaitOptions = {}): Promise<readonly string[]> {
    return hub.hubHistory(this.#link, options);
  }

  /** Records of the task store that match; all fields but buffers, or the given ones. */
  dbQuery(query: hub.DbQuery, keys?: readonly string[] | string, options: WaitOptions = {}): Promise<hub.StoredRecord[]> {
    return hub.dbQuery(this.#link, query, keys, options);
  }

  /** Forgets finished requests here and in the Hub: these, or `"all"`; and all of some engines. */
  async purgeResults(jobs: Jobs = [], targets?: Targets, options: WaitOptions = {}): Promise<void> {
    this.purgeLocalResults(jobs, targets);
    await this.purgeHubResults(jobs, targets, options);
  }

  /** Forgets finished requests in this client. */
  purgeLocalResults(jobs: Jobs = [], targets?: Targets): void {
    this.#history.forget(jobs, targets === undefined ? [] : this.#engineIds(targets));
  }

  /** Forgets finished requests in the Hub. */
  async purgeHubResults(jobs: Jobs = [], targets?: Targets, options: WaitOptions = {}): Promise<void> {
    const ids = jobs === "all" ? "all" : this.#history.idsOf(jobs);
    const engines = targets === undefined ? [] : this.#engineIds(targets);
    if (ids.length === 0 && engines.length === 0) throw new InvalidArgumentError('name what to purge: message ids, results, engines, or "all"');
    await hub.purgeHubResults(this.#link, ids, engines, options);
  }

  /** Forgets every finished request, here and in the Hub. */
  async purgeEverything(options: WaitOptions = {}): Promise<void> {
    await this.purgeResults("all", undefined, options);
  }

  /** Submits finished or running requests once more, through the task scheduler. `msgIds` are the new ones once the Hub told them. */
  resubmit<T = unknown>(jobs: Jobs, options: WaitOptions = {}): AsyncHubResult<T> {
    this.#link.assertOpen();
    const ids = this.#history.idsOf(jobs);
    if (ids.length === 0) throw new InvalidArgumentError("there is nothing to resubmit: the list of message ids is empty");
    const twice = ids.find((id, i) => ids.indexOf(id) < i);
    if (twice !== undefined) throw new InvalidArgumentError(`the request ${twice} is named twice; resubmit it once, and once more when that has ended`);
    return resubmittedResult<T>(this.#link, this.#context, ids, options, (handle) => this.#history.resubmitted(handle));
  }

  /** Keeps requests that have not begun from running: they fail with TaskAborted. Default: all outstanding of this client. */
  async abort(jobs?: Jobs, targets: Targets = "all", options: WaitOptions = {}): Promise<void> {
    this.#link.assertOpen();
    const ids = jobs === undefined ? [...this.#link.outstanding.keys()] : this.#history.idsOf(jobs);
    this.#link.abortWaiting(ids);
    const others = ids.filter((id) => !this.#history.hasEnded(id));
    if (others.length === 0 || this.length === 0) return;
    await orderEngines(this.#link, this.#engines(targets), "abort_request", { msg_ids: others }, options);
  }

  /**
   * Cancels requests, default all outstanding of this client: what has not begun never will, and what runs is stopped, and
   * only that. Both fail with TaskAborted. Gives what became of each; one that has ended stays as it is.
   *
   * @throws InvalidArgumentError for requests that are not of this client; NotSupportedError for what a Python engine may be running
   */
  async cancel(jobs?: Jobs, options: WaitOptions = {}): Promise<CancelOutcomes> {
    this.#link.assertOpen();
    checkWait(options);
    const ids = jobs === undefined ? [...this.#link.outstanding.keys()] : this.#history.idsOf(jobs);
    return cancelRequests(this.#link, this.#history.ownOf(ids), options);
  }

  /** Why a request is not running, or what has become of it; also of other clients' requests, by id. `String(…)` makes it a sentence. */
  explain(job: string | number, options?: WaitOptions): Promise<Explanation>;
  explain(jobs: Jobs, options?: WaitOptions): Promise<Explanation[]>;
  async explain(jobs: Jobs, options: WaitOptions = {}): Promise<Explanation | Explanation[]> {
    this.#link.assertOpen();
    const explanations = await explainRequests(this.#link, (id) => this.#history.find(id), this.#history.idsOf(jobs), options);
    return typeof jobs === "object" ? explanations : (explanations[0] as Explanation);
  }

  /** Empties engines' namespaces. */
  async clear(targets: Targets = "all", options: WaitOptions = {}): Promise<void> {
    await orderEngines(this.#link, this.#engines(targets), "clear_request", {}, options);
  }

  /** Sends a signal to engine processes, by number or name; also while they are busy. */
  async sendSignal(signal: number | NodeJS.Signals, targets: Targets = "all", options: WaitOptions = {}): Promise<void> {
    await orderEngines(this.#link, this.#engines(targets), "signal_request", { sig: signal }, options);
  }

  /** Ends engines and, with `hub`, the controller after them; this client is closed then. */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    this.#link.assertOpen();
    checkNames("shutdown", options, SHUTDOWN_OPTION_NAMES); // A misspelt `targets` would end all engines.
    if (this.length > 0) await orderEngines(this.#link, this.#engines(options.targets ?? "all"), "shutdown_request", { restart: false }, options);
    if (options.hub !== true) return;
    this.#link.holdsShutdown = true;
    await hub.askHub(this.#link, "shutdown_request", {}, options);
    await this.#link.close("the controller was shut down by this client");
  }

  /** Why the connection ended, once it has: closed here, the controller shut down, or gone for longer than `reconnectMs`. */
  get closed(): Promise<string> {
    return this.#closed;
  }

  /** Closes the connection; outstanding results fail with ClosedError. Engines go on. Idempotent. */
  close(): Promise<void> {
    return this.#link.close();
  }

  /** Closes the connection because the controller is known to be gone: outstanding results fail with ControllerLostError. Idempotent. */
  giveUp(reason: string): Promise<void> {
    return this.#link.close(reason, "controllerLost");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** `<Client: 4 engines>`. */
  toString(): string {
    return this.#link.isClosed ? "<Client: closed>" : `<Client: ${this.length} ${this.length === 1 ? "engine" : "engines"}>`;
  }

  #engines(targets: Targets): readonly EngineFacts[] {
    this.#link.assertOpen();
    checkTargets(targets);
    return resolveTargets(this.#link.directory.engines, targets);
  }

  #engineIds(targets: Targets): number[] {
    return this.#engines(targets).map((engine) => engine.id);
  }

  #hubTargets(targets: Targets): readonly number[] | null {
    return targets === "all" ? null : this.#engineIds(targets);
  }
}

keepInProcess(Client, SUBMIT_HERE);
