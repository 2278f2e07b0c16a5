// A job that was submitted: asked for its state again and again while anything of it is left, cancelled, signalled.

import { setTimeout as sleep } from "node:timers/promises";
import { LaunchError } from "../../base/index.ts";
import type { Logger } from "../../log/index.ts";
import { WHOLE_JOB, type BatchJobOptions, type BatchShape, type BatchSystem, type JobListing, type TaskEnd, type TaskStatus } from "./batch-system.ts";
import { complaintOf, runCommand, startCommand } from "./run-command.ts";

/** Questions follow one another quickly after a change, then seldom: schedulers serve many users. */
const POLL_MS_MIN = 300;
const POLL_MS_MAX = 10_000;
const POLL_GROWTH = 1.3;
/** While a job is being stopped. */
const STOP_POLL_MS = 150;
/** How long a system may take to end a job that was cancelled, beyond the grace period. */
const CANCEL_MS = 60_000;
/** So many listings in a row without a task, and it is gone. A new job may take a moment to be listed. */
const MISSES_GONE = 3;
const MISSES_NEVER_SEEN = 20;

/** What a job is made of. */
export interface BatchJobFacts {
  readonly system: BatchSystem;
  readonly jobId: string;
  readonly shape: BatchShape;
  /** Tasks of an array, or of the one job. */
  readonly n: number;
  readonly options: BatchJobOptions;
  readonly logger: Logger;
  /** Reads the job's own output, for ends of single tasks in it. */
  readonly readOutput: () => string;
}

/** One job, or an array of them. */
export class BatchJob {
  readonly #facts: BatchJobFacts;
  readonly #status = new Map<number, TaskStatus>();
  readonly #misses = new Map<number, number>();
  readonly #hasRun = new Set<number>();
  readonly #waiters = new Set<() => void>();
  #isAsking: Promise<void> | undefined;
  #pollMs = POLL_MS_MIN;
  #stopping: Promise<void> | undefined;
  #told = "";

  constructor(facts: BatchJobFacts, known: JobListing = new Map()) {
    this.#facts = facts;
    for (const [task, status] of known) this.#status.set(task, status);
    void this.#watch();
  }

  get jobId(): string {
    return this.#facts.jobId;
  }

  /** Numbers of the tasks as the system counts them. */
  get #tasks(): number[] {
    const { shape, n, system } = this.#facts;
    return shape === "array" ? Array.from({ length: n }, (_, index) => system.firstTask + index) : [WHOLE_JOB];
  }

  /** State of the engine of this index, from 0; `undefined` when nobody has told yet. */
  statusOf(index: number): TaskStatus | undefined {
    // Ends of tasks inside the one job are kept beside the job's own state.
    return (this.#facts.shape === "tasks" ? this.#status.get(index) : undefined) ?? this.#status.get(this.#keyOf(index));
  }

  /** The system's number for what runs the engine of an index. */
  #keyOf(index: number): number {
    return this.#facts.shape === "array" ? this.#facts.system.firstTask + index : WHOLE_JOB;
  }

  /** Whether the engine of this index had begun to run, and the system took it back and will not start it again. */
  isSetAside(index: number): boolean {
    const status = this.statusOf(index);
    return status?.phase === "pending" && status.isHopeless === true && this.#hasRun.has(this.#keyOf(index));
  }

  get isRunning(): boolean {
    return this.#tasks.some((task) => this.#status.get(task)?.phase !== "ended");
  }

  /** Resolves when a condition on the states holds; it is looked at after each change. Never rejects. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.add(resolve));
  }

  /** Asks the scheduler once. A question without an answer changes nothing. */
  async refresh(): Promise<void> {
    this.#isAsking ??= this.#ask().finally(() => {
      this.#isAsking = undefined;
    });
    await this.#isAsking;
  }

  /** @throws LaunchError when the system has no such command, or refuses */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const { system, jobId, shape } = this.#facts;
    const command = system.signal?.(jobId, signal, shape);
    if (command === undefined) throw new LaunchError(`${system.title} has no command that sends a signal to a job`);
    const output = await runCommand(command);
    if (output.exitCode !== 0) throw new LaunchError(`${system.title} did not send ${signal} to job ${jobId}: ${complaintOf(output)}`);
  }

  /**
   * Cancels the job and resolves when nothing of it is left. Idempotent.
   *
   * @throws LaunchError when it is still there a minute after the grace period
   */
  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  /** Cancels without waiting. */
  cancelNow(): void {
    const { system, jobId, options } = this.#facts;
    if (this.isRunning) startCommand(system.cancel(jobId, options));
  }

  async #stop(graceMs: number): Promise<void> {
    const { system, jobId, options } = this.#facts;
    if (!this.isRunning) return;
    const deadline = performance.now() + graceMs + CANCEL_MS;
    const output = await runCommand(system.cancel(jobId, options));
    // A job that has just ended cannot be cancelled, and every system says so in its own words: what counts is whether it is there.
    await this.refresh();
    while (this.isRunning) {
      if (performance.now() >= deadline) {
        const complaint = output.exitCode === 0 ? "" : ` (${complaintOf(output)})`;
        throw new LaunchError(
          `${system.title} job ${jobId} is still there ${(graceMs + CANCEL_MS) / 1000} s after it was cancelled${complaint}; see to it by hand`,
        );
      }
      await sleep(STOP_POLL_MS);
      await this.refresh();
    }
  }

  async #watch(): Promise<void> {
    while (this.isRunning) {
      // The watch alone must not keep this process alive; whoever waits holds a timer of its own.
      await sleep(this.#pollMs, undefined, { ref: false });
      this.#pollMs = Math.min(this.#pollMs * POLL_GROWTH, POLL_MS_MAX);
      if (this.isRunning) await this.refresh();
    }
  }

  async #ask(): Promise<void> {
    const { system, jobId, options, logger } = this.#facts;
    try {
      const listing = system.status.read(await runCommand(system.status.command(jobId, options)), jobId);
      if (listing === undefined) return;
      const before = this.#picture();
      await this.#take(listing);
      for (const end of system.readTaskEnds?.(this.#facts.readOutput()) ?? []) this.#takeEnd(end);
      if (this.#picture() !== before) this.#changed();
    } catch (cause) {
      // The scheduler may be down for a while, and its jobs run on.
      if (!(cause instanceof LaunchError)) throw cause;
      logger.debug("the batch system does not answer", { system: system.title, job: jobId, cause });
    }
  }

  async #take(listing: JobListing): Promise<void> {
    const missing = this.#tasks.filter((task) => !listing.has(task) && this.#status.get(task)?.phase !== "ended");
    const reason = await this.#reason(listing);
    for (const [task, status] of listing) {
      this.#misses.delete(task);
      if (status.phase === "running") this.#hasRun.add(task);
      this.#status.set(task, status.phase === "pending" && reason !== "" ? { ...status, reason } : status);
    }
    if (missing.length === 0) return;
    // How a job that is being stopped has ended is nobody's question.
    const past = this.#stopping === undefined ? await this.#history() : new Map<number, TaskStatus>();
    for (const task of missing) this.#takeMissing(task, past.get(task));
  }

  /** Why the job is pending, when the listing does not say. */
  async #reason(listing: JobListing): Promise<string> {
    const { system, jobId } = this.#facts;
    if (system.reason === undefined || ![...listing.values()].some((status) => status.phase === "pending")) return "";
    return system.reason.read(await runCommand(system.reason.command(jobId)));
  }

  async #history(): Promise<JobListing> {
    const { system, jobId, options } = this.#facts;
    if (system.history === undefined) return new Map();
    return system.history.read(await runCommand(system.history.command(jobId, options)), jobId) ?? new Map<number, TaskStatus>();
  }

  #takeMissing(task: number, past: TaskStatus | undefined): void {
    if (past?.phase === "ended") {
      this.#status.set(task, past);
      return;
    }
    const misses = (this.#misses.get(task) ?? 0) + 1;
    this.#misses.set(task, misses);
    const wasSeen = this.#status.has(task);
    const isStopping = this.#stopping !== undefined;
    if (misses < (wasSeen ? (isStopping ? 1 : MISSES_GONE) : isStopping ? MISSES_GONE : MISSES_NEVER_SEEN)) return;
    this.#status.set(task, { phase: "ended", exitCode: null, signal: null, host: "", reason: "" });
  }

  #takeEnd({ task, host, exitCode, signal }: TaskEnd): void {
    this.#status.set(task, { phase: "ended", exitCode, signal, host, reason: "" });
  }

  /** Something to compare by. */
  #picture(): string {
    return JSON.stringify([...this.#status]);
  }

  #changed(): void {
    this.#pollMs = POLL_MS_MIN;
    this.#tell();
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const resolve of waiters) resolve();
  }

  /** A line for each new state of the job as a whole. */
  #tell(): void {
    const { system, jobId, logger } = this.#facts;
    const state = describe(
      this.#tasks.map((task) => this.#status.get(task)),
      system.title,
    );
    if (state === this.#told) return;
    this.#told = state;
    if (this.#stopping === undefined) logger.info(`${system.title} job ${jobId}: ${state}`);
  }
}

/** States of a job's tasks in words: `pending (Resources)`, `3 running, 1 pending (Priority)`. */
export function describe(statuses: readonly (TaskStatus | undefined)[], title: string): string {
  const counts = new Map<string, number>();
  for (const status of statuses) {
    const words = wordsOf(status, title);
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  if (statuses.length === 1) return [...counts.keys()].join("");
  return [...counts].map(([words, count]) => `${count} ${words}`).join(", ");
}

function wordsOf(status: TaskStatus | undefined, title: string): string {
  switch (status?.phase) {
    case undefined:
      return "submitted";
    case "pending":
      return `pending (${status.reason})`;
    case "running":
      return status.host === "" ? "running" : `running on ${status.host}`;
    case "ended":
      return endWords(status, title);
  }
}

/** How a task ended, following its name. */
export function endWords(status: Extract<TaskStatus, { phase: "ended" }>, title: string): string {
  const where = status.host === "" ? "" : ` on ${status.host}`;
  if (status.reason !== "") return `was ended by ${title}${where}: ${status.reason}`;
  if (status.signal !== null) return `was ended by ${status.signal}${where}`;
  return status.exitCode === null ? `ended${where}` : `ended with exit status ${status.exitCode}${where}`;
}
