// BroadcastView: one message to the broadcast scheduler, which copies it to every engine. The request leaves this
// client once, however many engines there are.

import { keepInProcess } from "../base/index.ts";
import { resolveTargets, type EngineFacts, type Targets } from "../core/client/index.ts";
import { pythonFunction, type PythonCallable } from "../serial/index.ts";
import type { Dict } from "../wire/index.ts";
import { AsyncResult } from "./async-result.ts";
import { VALUE_EACH, type ResultShape } from "./result-shape.ts";
import { checkLabel, checkNames, checkTimeLimit, timeLimitMetadata } from "./check-arguments.ts";
import type { RemoteArgs, RemoteCallable } from "./call-types.ts";
import { kindsOf, packForAny, type EngineCall } from "./engine-call.ts";
import type { ExecuteOptions, ViewResult } from "./direct-view.ts";
import type { ExecuteReply } from "./execute-reply.ts";
import { remoteFunction, type RemoteFunction } from "./remote-function.ts";
import type { Submission } from "./submission.ts";
import type { ViewContext } from "./view-context.ts";
import { SUBMIT_HERE, viewText } from "./view-text.ts";

/** What a broadcast view may be told. */
export interface BroadcastOptions {
  /** Default: all engines, asked anew at each call. */
  readonly targets?: Targets;
  /** Stored with each request; any JSON value. */
  readonly label?: unknown;
  /** How long a request may run on its engine, in milliseconds, before it is stopped and fails with TimeLimitExceeded; default: for ever. */
  readonly timeLimitMs?: number | undefined;
  /**
   * True: the scheduler gathers the replies of `apply` and sends one message. Cheapest for many engines; but when an
   * engine fails, which one is not told. Default false.
   */
  readonly coalescing?: boolean;
}

/** Their names, to find misspelt ones. */
const OPTION_NAMES: Readonly<Record<keyof BroadcastOptions, true>> = { targets: true, label: true, timeLimitMs: true, coalescing: true };

/** A coalesced reply: one request whose value is a list. */
const ONE_LIST: ResultShape<unknown[], unknown> = {
  arity: "many",
  join: (values) => [...(values[0] as readonly unknown[])],
  items: (value) => value as readonly unknown[],
};

/** A view that sends each call once. */
export class BroadcastView {
  readonly #context: ViewContext;
  readonly #options: BroadcastOptions;

  /** @internal Use `client.broadcastView`. */
  constructor(context: ViewContext, options: BroadcastOptions = {}) {
    checkNames("a broadcast view", options, OPTION_NAMES);
    this.#context = context;
    this.#options = options;
    checkLabel(options.label);
    checkTimeLimit(options.timeLimitMs);
  }

  /** Ids of the engines. */
  get targets(): readonly number[] {
    return this.#engines().map((engine) => engine.id);
  }

  /** Engines of the view. */
  get length(): number {
    return this.targets.length;
  }

  /** `<BroadcastView: engines 0…3>`, and the options that were given. */
  toString(): string {
    return viewText("BroadcastView", this, this.#options);
  }

  /** The same view with something changed. */
  with(options: BroadcastOptions): BroadcastView {
    return new BroadcastView(this.#context, { ...this.#options, ...options });
  }

  /** Calls `f(...args)` on each engine; values in the order of the engines, or of the reply when coalesced. */
  apply<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>, ...args: RemoteArgs<Args>): ViewResult<"many", Awaited<R>> {
    return this.#apply({ type: "apply", fn: f, args });
  }

  /** Calls a Python function by its name on each engine, all of which must be Python's; see `DirectView.call`. */
  call<R = unknown>(f: PythonCallable, ...args: readonly unknown[]): ViewResult<"many", R> {
    return this.#apply({ type: "apply", fn: typeof f === "string" ? pythonFunction(f) : f, args });
  }

  /** Runs code in each engine's namespace; never coalesced, because each engine's output counts. */
  execute(code: string, options: ExecuteOptions = {}): ViewResult<"many", ExecuteReply> {
    const content: Dict = { code, silent: options.silent ?? true, user_expressions: {} };
    return this.#plain({ kind: "execute", content, buffers: [] });
  }

  /** Sets globals of each engine. */
  push(values: Readonly<Record<string, unknown>>): ViewResult<"many", undefined> {
    return this.#apply({ type: "push", values });
  }

  /** Evaluates names in each engine's namespace. */
  pull<T = unknown>(names: string | readonly string[]): ViewResult<"many", T> {
    return this.#apply({ type: "pull", names });
  }

  /** A function that calls `f` on each engine. */
  remote<Args extends readonly unknown[], R>(f: RemoteCallable<Args, R>): RemoteFunction<Args, ViewResult<"many", Awaited<R>>> {
    return remoteFunction(f, (...args: RemoteArgs<Args>) => this.apply(f, ...args));
  }

  #apply<R>(call: EngineCall): ViewResult<"many", R> {
    const engines = this.#engines();
    const request = { kind: "apply", content: {}, ...packForAny(call, kindsOf(engines)) } as const;
    if (this.#options.coalescing !== true || engines.length < 2) return this.#plain(request);
    const submission = this.#submission(true);
    const handle = this.#context.link.submit({ ...submission, ...request, itemCount: submission.targets.length });
    return new AsyncResult([handle], ONE_LIST as ResultShape<R[], R>, this.#context);
  }

  #plain<R>(request: Pick<Submission, "kind" | "content" | "buffers" | "reading">): ViewResult<"many", R> {
    const handles = this.#context.link.submitPlainBroadcast({ ...this.#submission(false), ...request });
    return new AsyncResult(handles, VALUE_EACH as ResultShape<R[], R>, this.#context);
  }

  #submission(isCoalescing: boolean): Pick<Submission, "channel" | "targets" | "metadata" | "label"> {
    const engines = this.#engines();
    const label = this.#options.label ?? null;
    const metadata: Dict = {
      targets: engines.map((engine) => [engine.uuid, engine.id]),
      is_broadcast: true,
      is_coalescing: isCoalescing,
      label,
      ...timeLimitMetadata(this.#options.timeLimitMs, kindsOf(engines)),
    };
    return { channel: "broadcast", targets: engines.map((engine) => engine.uuid), metadata, label };
  }

  #engines(): readonly EngineFacts[] {
    this.#context.link.assertOpen();
    return resolveTargets(this.#context.link.directory.engines, this.#options.targets ?? "all");
  }
}

keepInProcess(BroadcastView, SUBMIT_HERE);
