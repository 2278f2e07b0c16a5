// Bakapara for programs: run a list of shell jobs on a cluster; each job gets its result written into it.

import { InvalidStateError, isParallelError } from "../base/index.ts";
import { Client, type ConnectOptions, type ShutdownOptions, type WaitOptions } from "../client/index.ts";
import { formatElapsed, readJob, unrunResult, type Job } from "./job.ts";
import { JobRun, linesOf, type RunOptions } from "./job-run.ts";

/** Where `status` writes. */
export interface StatusOptions {
  /** Milliseconds between lines; default 1000. */
  readonly intervalMs?: number;
  /** Gives up showing, not running. */
  readonly timeoutMs?: number;
  /** Likewise. */
  readonly signal?: AbortSignal;
  /** Default: standard output. */
  readonly stream?: { write(text: string): unknown; readonly isTTY?: boolean };
}

/** Engines for a run: an id, several, or all. */
export type RunTargets = number | readonly number[] | "all" | null;

interface CurrentRun {
  readonly run: JobRun;
  readonly jobs: readonly Job[];
  readonly ended: Promise<void>;
  readonly startedAt: number;
  elapsedMs: number | undefined;
}

const NOT_RUN = "the job was not run: the run was stopped before";

/**
 * Runs shell jobs on a cluster.
 *
 * @example
 * await using bp = await Bakapara.connect({ profile: "mezcal" });
 * const jobs: Job[] = files.map((file) => ({ cmd: `gzip ${file}` }));
 * bp.run(jobs);
 * await bp.status();
 * console.log(jobs[0]?.result?.code);
 */
export class Bakapara implements AsyncDisposable {
  readonly #client: Client;
  readonly #ownsClient: boolean;
  #current: CurrentRun | undefined;

  /** Uses a client that is connected already, and leaves it open at the end. */
  constructor(client: Client, options: { readonly ownsClient?: boolean } = {}) {
    this.#client = client;
    this.#ownsClient = options.ownsClient ?? false;
  }

  /** Connects to a cluster; takes and throws what `Client.connect` does. */
  static async connect(options: ConnectOptions = {}): Promise<Bakapara> {
    return new Bakapara(await Client.connect(options), { ownsClient: true });
  }

  /** Number of engines. */
  get length(): number {
    return this.#client.length;
  }

  /** Hosts by engine id, as far as engines tell. */
  get hosts(): ReadonlyMap<number, string> {
    return new Map(
      [...this.#client.engines.values()].flatMap(({ id, properties }) => (typeof properties["host"] === "string" ? [[id, properties["host"]] as const] : [])),
    );
  }

  /**
   * Starts to run jobs, in the background. Results appear in the jobs as they end; await `wait()` for the last.
   *
   * @param targets engines that may be used; default all
   * @returns false, and does nothing, while another run is going
   */
  run(jobs: readonly Job[], targets: RunTargets = "all", options: RunOptions = {}): boolean {
    if (this.#current !== undefined && !this.ready()) return false;
    const ids = targets === "all" || targets === null ? undefined : [targets].flat();
    const run = new JobRun(this.#client, { ...options, targets: ids ?? options.targets });
    for (const job of jobs) delete job.result;
    const current: CurrentRun = { run, jobs, ended: this.#carryOut(run, jobs), startedAt: performance.now(), elapsedMs: undefined };
    this.#current = current;
    return true;
  }

  async #carryOut(run: JobRun, jobs: readonly Job[]): Promise<void> {
    // The caller has its `true` before the first job is looked at.
    await Promise.resolve();
    let why = NOT_RUN;
    try {
      for await (const { seq, result } of run.results(linesOf(jobs, readJob))) {
        const job = jobs[seq];
        if (job !== undefined) job.result = result;
      }
    } catch (error) {
      if (!isParallelError(error) || error.code !== "ERR_CONTROLLER_LOST") throw error;
      why = `the cluster is gone before the job had ended: ${error.message}`;
    }
    for (const job of jobs) job.result ??= unrunResult(why);
    const current = this.#current;
    if (current !== undefined) current.elapsedMs = performance.now() - current.startedAt;
  }

  /** Waits until all jobs have ended; true when they have. */
  async wait(options: WaitOptions = {}): Promise<boolean> {
    const current = this.#current;
    if (current === undefined || this.ready()) return true;
    options.signal?.throwIfAborted();
    let timer: NodeJS.Timeout | undefined;
    let onAbort = (): void => undefined;
    const given = new Promise<void>((resolve) => {
      onAbort = resolve;
      if (options.timeoutMs !== undefined && options.timeoutMs !== Infinity) timer = setTimeout(resolve, options.timeoutMs);
      options.signal?.addEventListener("abort", onAbort, { once: true });
    });
    await Promise.race([current.ended, given]);
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
    return this.ready();
  }

  /** Whether all jobs of the last run have ended; false before the first. */
  ready(): boolean {
    return this.#current?.elapsedMs !== undefined;
  }

  /**
   * Whether all jobs could be run, whatever their codes.
   *
   * @throws InvalidStateError before the end
   */
  successful(): boolean {
    const current = this.#current;
    if (current === undefined || !this.ready()) throw new InvalidStateError("successful() asked before the end of a run; await wait() first");
    return current.jobs.every((job) => job.result?.status === "ok");
  }

  /**
   * Shows `48/100 tasks finished after 0:00:15.004000` once a second, at the end `100 tasks completed in 0:00:30.137117`, or how many of
   * them when some could not be run.
   */
  async status(options: StatusOptions = {}): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    const stream = options.stream ?? process.stdout;
    const deadline = performance.now() + (options.timeoutMs ?? Infinity);
    const elapsed = (): string => formatElapsed(current.elapsedMs ?? performance.now() - current.startedAt);
    while (!this.ready() && performance.now() < deadline && options.signal?.aborted !== true) {
      const remainingMs = Math.min(options.intervalMs ?? 1000, deadline - performance.now());
      if (await this.wait({ timeoutMs: Math.max(1, remainingMs), ...(options.signal === undefined ? {} : { signal: options.signal }) })) break;
      const text = `${current.run.ended}/${current.jobs.length} tasks finished after ${elapsed()}`;
      stream.write(stream.isTTY === true ? `\r\u001b[K${text}` : `${text}\n`);
    }
    if (stream.isTTY === true) stream.write("\r\u001b[K");
    if (!this.ready()) return;
    const completed = current.jobs.filter(({ result }) => result?.status === "ok").length;
    const [count, rest] =
      completed === current.jobs.length ? [`${completed}`, ""] : [`${completed} of ${current.jobs.length}`, "; the results of the others say why"];
    stream.write(`${count} tasks completed in ${elapsed()}${rest}\n`);
  }

  /** Starts no more jobs of the run; those that run go on. The others' results say that they were not run. */
  async abort(): Promise<void> {
    if (!this.ready()) await this.#current?.run.abort();
  }

  /** Like `abort`, and kills the running jobs with all their children. */
  async interrupt(): Promise<void> {
    if (!this.ready()) await this.#current?.run.kill();
  }

  /** Ends engines and, with `hub`, the controller; as `Client.shutdown`. */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    await this.#client.shutdown(options);
  }

  /** Aborts a run that is going, and closes the connection if it was made by `connect`. Engines go on. */
  async close(): Promise<void> {
    // A connection that is lost already cannot abort; what matters is that it is closed.
    await this.abort().catch(() => undefined);
    if (this.#ownsClient) await this.#client.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
