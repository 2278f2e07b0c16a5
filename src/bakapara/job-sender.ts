// One attempt of one job on the cluster: choose engines, submit, wait, read the reply. Knows the client; decides nothing
// about the run.

import { isParallelError } from "../base/index.ts";
import type { AsyncResult, Client, LoadBalancedView } from "../client/index.ts";
import type { runJob, JobOutcome, JobSpec } from "../jobs/index.ts";
import { importable } from "../serial/index.ts";
import { chooseEngines, type EngineOfHost } from "./hosts.ts";
import { unrunResult, type Job, type JobResult } from "./job.ts";
import { failedResult, reportedResult, type AttemptFacts } from "./result.ts";

/** What holds for all jobs of a run. */
export interface SendOptions {
  /** Absolute; where jobs without `cd` run. */
  readonly cwd: string;
  /** Seconds, for jobs that do not say. */
  readonly timeout?: number | undefined;
  /** Engines that may be used. Default: all. */
  readonly targets?: readonly number[] | undefined;
}

/** How an attempt ended: with a result; taken back before it began; or nobody will ever know, because the cluster is gone. */
export type AttemptEnd =
  | { readonly type: "result"; readonly result: JobResult; /** Of the job itself. */ readonly elapsedMs?: number }
  | { readonly type: "aborted" }
  | { readonly type: "clusterGone"; readonly cause: Error };

const ABORTED: AttemptEnd = { type: "aborted" };

const RUN_JOB = importable("tsparallel/jobs", "runJob") as unknown as typeof runJob;

/** Sends jobs to engines. */
export class JobSender {
  readonly #client: Client;
  readonly #options: SendOptions;
  readonly #stops: readonly (() => void)[];
  readonly #outstanding = new Set<AsyncResult<JobOutcome>>();
  /** By the engines chosen; emptied when engines come or go. */
  readonly #views = new Map<string, LoadBalancedView>();
  #engines: readonly EngineOfHost[] | undefined;
  #count: number | undefined;
  /** All that were seen, by uuid: a result may tell of an engine that is gone. */
  readonly #seen = new Map<string, EngineOfHost>();
  #isKilling = false;

  constructor(client: Client, options: SendOptions) {
    this.#client = client;
    this.#options = options;
    const forget = (): void => {
      this.#engines = undefined;
      this.#count = undefined;
      this.#views.clear();
    };
    this.#stops = [client.on("engineJoined", forget), client.on("engineLeft", forget)];
  }

  /** Engines of now. */
  get engines(): readonly EngineOfHost[] {
    if (this.#engines !== undefined) return this.#engines;
    this.#engines = [...this.#client.engines.values()].map(({ id, uuid, properties }) => {
      const engine = { id, host: textOf(properties["host"]), canRunJobs: properties["language"] === "typescript" };
      this.#seen.set(uuid, engine);
      return engine;
    });
    return this.#engines;
  }

  /** Engines of now that jobs can go to. */
  get engineCount(): number {
    const { targets } = this.#options;
    return (this.#count ??= this.engines.filter((engine) => engine.canRunJobs && (targets === undefined || targets.includes(engine.id))).length);
  }

  /** Runs one attempt; never rejects. */
  async send(job: Job, attempt: number): Promise<AttemptEnd> {
    const hosts = typeof job.host === "string" ? [job.host] : job.host;
    const choice = chooseEngines(this.engines, { hosts, ids: this.#options.targets });
    if (choice.type === "none") return { type: "result", result: unrunResult(choice.error, attempt) };
    let submitted: AsyncResult<JobOutcome>;
    try {
      submitted = this.#view(choice.type === "any" ? undefined : choice.ids).apply(RUN_JOB, this.#spec(job));
    } catch (error) {
      // The connection is gone, or an engine left between the choice and the call.
      return this.#isClusterGone(error) ? { type: "clusterGone", cause: error } : { type: "result", result: unrunResult((error as Error).message, attempt) };
    }
    this.#outstanding.add(submitted);
    try {
      const outcome = await submitted;
      return { type: "result", result: reportedResult(outcome, this.#facts(submitted, attempt)), elapsedMs: outcome.elapsedMs };
    } catch (error) {
      if (isAbort(error)) return ABORTED;
      if (this.#isClusterGone(error)) return { type: "clusterGone", cause: error };
      return { type: "result", result: failedResult(error, this.#facts(submitted, attempt), this.#isKilling) };
    } finally {
      this.#outstanding.delete(submitted);
    }
  }

  /** Keeps what has not begun from beginning. */
  async abort(): Promise<void> {
    if (this.#outstanding.size > 0) await this.#client.abort([...this.#outstanding]);
  }

  /** Aborts what has not begun and kills what runs, with all its children. */
  async kill(): Promise<void> {
    this.#isKilling = true;
    const ids = new Set([...this.#outstanding].flatMap((result) => result.msgIds));
    if (ids.size === 0) return;
    // Side by side: an unreachable engine must not keep the others' jobs running.
    const [aborted, interrupted] = await Promise.allSettled([this.abort(), this.#interruptEngines(ids)]);
    for (const outcome of [aborted, interrupted]) if (outcome.status === "rejected") throw outcome.reason;
  }

  /** Listens to the client no more. */
  close(): void {
    for (const stop of this.#stops) stop();
  }

  // A controller that was restarted has lost single attempts; without any the client is closed.
  #isClusterGone(error: unknown): error is Error {
    return this.#client.isClosed && isParallelError(error) && error.code === "ERR_CONTROLLER_LOST";
  }

  // Only engines that hold our jobs: others may be at work for somebody else.
  async #interruptEngines(ids: ReadonlySet<string>): Promise<void> {
    const queues = await this.#client.queueStatus("all", { verbose: true });
    const holders = this.#client.ids.filter((id) => {
      const queue = queues[id];
      return queue !== undefined && [...queue.tasks, ...queue.queue].some((msgId) => ids.has(msgId));
    });
    if (holders.length > 0) await this.#client.sendSignal("SIGINT", holders);
  }

  #view(ids: readonly number[] | undefined): LoadBalancedView {
    const key = ids?.join(",") ?? "any";
    let view = this.#views.get(key);
    if (view === undefined) {
      view = this.#client.loadBalancedView(ids);
      this.#views.set(key, view);
    }
    return view;
  }

  #spec(job: Job): JobSpec {
    const { cwd, timeout } = this.#options;
    const seconds = job.timeout ?? timeout;
    return {
      cmd: job.cmd,
      cwd,
      ...(job.cd === undefined ? {} : { cd: job.cd }),
      ...(job.out === undefined ? {} : { out: job.out }),
      ...(job.err === undefined ? {} : { err: job.err }),
      ...(job.stdin === undefined ? {} : { stdin: job.stdin }),
      ...(job.env === undefined ? {} : { env: job.env }),
      ...(job.shell === undefined ? {} : { shell: shellWords(job.shell) }),
      ...(seconds === undefined ? {} : { timeoutMs: seconds * 1000 }),
    };
  }

  #facts(submitted: AsyncResult<JobOutcome>, attempt: number): AttemptFacts {
    const { metadata } = submitted;
    const engine = typeof metadata.engineUuid === "string" ? this.#seen.get(metadata.engineUuid) : undefined;
    const engineId = engine?.id ?? (typeof metadata.engineId === "number" ? metadata.engineId : null);
    return { metadata, attempt, engineId, host: engine?.host ?? null };
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isAbort(error: unknown): boolean {
  return isParallelError(error) && error.code === "ERR_TASK_ABORTED";
}

function shellWords(shell: string | readonly string[]): readonly string[] {
  if (typeof shell !== "string") return shell;
  return /(?:^|\/)bash$/.test(shell) ? [shell, "-o", "pipefail", "-c"] : [shell, "-c"];
}
