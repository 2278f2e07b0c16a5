// A run: jobs in, ended jobs out, as they end. The board decides what starts and when it is over; this loop reads the input
// no faster than the board has room, starts what the board gives, and hands results over no faster than they are taken.

import { RingQueue } from "../base/index.ts";
import type { Client } from "../client/index.ts";
import { shouldHalt, type HaltRule } from "./halt.ts";
import { isSuccess, unrunResult, type Job, type JobResult } from "./job.ts";
import { JobBoard, type Entry } from "./job-board.ts";
import type { JobLine } from "./job-lines.ts";
import { JobWindow } from "./job-window.ts";
import { JobSender, type AttemptEnd, type SendOptions } from "./job-sender.ts";

/** How a run goes. */
export interface RunOptions extends Partial<SendOptions> {
  /** How often a job that failed is run again, for jobs that do not say; default 0. */
  readonly retries?: number | undefined;
  /** When to stop early; default never. */
  readonly halt?: HaltRule | undefined;
  /** Results come in the order of the input; default: as jobs end. */
  readonly keepOrder?: boolean | undefined;
  /** Jobs read ahead of those that run; default 10,000. */
  readonly readAhead?: number | undefined;
}

/** A job that has ended, or a line that was none. */
export interface EndedJob {
  /** Position in the input, from 0. */
  readonly seq: number;
  /** The line as it was read. */
  readonly line: JobLine;
  /** What came of it. */
  readonly result: JobResult;
  /** Whether its exit code counts as success. */
  readonly isSuccess: boolean;
}

const READ_AHEAD = 10_000;
const READ_AHEAD_BYTES = 32 * 1024 * 1024;
const ORDER_SPAN = 50_000;

/** One run of jobs on a cluster. */
export class JobRun {
  readonly #sender: JobSender;
  readonly #board: JobBoard<JobLine>;
  readonly #options: RunOptions;
  readonly #done = new RingQueue<EndedJob>();
  readonly #heldBack = new Map<number, EndedJob>();
  readonly #window = new JobWindow();
  #nextInOrder = 0;
  #failed = 0;
  #inputFailure: { readonly cause: unknown } | undefined;
  #abandoned: { readonly cause: Error } | undefined;
  #wake: () => void = () => undefined;
  #roomMade: () => void = () => undefined;

  /** Makes a run of jobs on the engines of a client; nothing starts before a job is given. */
  constructor(client: Client, options: RunOptions = {}) {
    this.#options = options;
    this.#sender = new JobSender(client, { cwd: options.cwd ?? process.cwd(), timeout: options.timeout, targets: options.targets });
    this.#board = new JobBoard({
      waitingMax: options.readAhead ?? READ_AHEAD,
      waitingBytesMax: READ_AHEAD_BYTES,
      orderSpanMax: options.keepOrder === true ? ORDER_SPAN : undefined,
    });
  }

  /** Engines that jobs can go to, now. */
  get engineCount(): number {
    return this.#sender.engineCount;
  }

  /** Jobs read so far. */
  get added(): number {
    return this.#board.added;
  }

  /** Whether the whole input was read. */
  get isInputOver(): boolean {
    return this.#board.isInputOver;
  }

  /** Jobs that have ended. */
  get ended(): number {
    return this.#board.ended;
  }

  /** Jobs that ended without success. */
  get failed(): number {
    return this.#failed;
  }

  /** Whether it was told to start no more: by a halt, or from outside. */
  get isStopping(): boolean {
    return this.#board.isStopping;
  }

  /** Starts no more jobs, and takes back what engines have not begun; those that run go on. */
  stop(): void {
    // Of a connection that is lost nothing can be taken back.
    this.abort().catch(() => undefined);
  }

  /** As `stop`; resolves when all that could be taken back is. */
  async abort(): Promise<void> {
    this.#stopStarting();
    await this.#sender.abort();
  }

  /** Starts no more and kills what runs, with all its children. */
  async kill(): Promise<void> {
    this.#stopStarting();
    await this.#sender.kill();
  }

  /** Ends `results` with an error, without waiting for what runs: the cluster is gone. */
  abandon(cause: Error): void {
    this.#abandoned ??= { cause };
    this.stop();
  }

  /** Runs the jobs. Leaving the loop early starts no more and lets the running end. */
  async *results(input: AsyncIterable<JobLine> | Iterable<JobLine>): AsyncGenerator<EndedJob, void, undefined> {
    const reading = this.#read(input);
    try {
      for (;;) {
        this.#startMore();
        const next = this.#done.shift();
        if (next !== undefined) {
          yield next;
          continue;
        }
        if (this.#abandoned !== undefined) throw this.#abandoned.cause;
        if (this.#inputFailure !== undefined && this.#board.running.size === 0) throw this.#inputFailure.cause;
        if (this.#board.isOver) break;
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      yield* this.#leftovers();
    } finally {
      this.stop();
      this.#sender.close();
      // An input that is read by hand may never end: it is told to, and not waited for.
      void reading;
    }
  }

  async #read(input: AsyncIterable<JobLine> | Iterable<JobLine>): Promise<void> {
    try {
      for await (const line of input) {
        while (!this.#board.wantsMore && !this.#board.isStopping) await new Promise<void>((resolve) => (this.#roomMade = resolve));
        if (this.#board.isStopping) return;
        const { priority, retries } = line.type === "job" ? line.job : {};
        this.#board.add(line, { priority, retries: retries ?? this.#options.retries, sizeBytes: line.sizeBytes });
        this.#wake();
      }
      this.#board.endInput();
    } catch (cause) {
      this.#inputFailure = { cause };
      this.#board.stop();
    }
    this.#wake();
  }

  #startMore(): void {
    // Results that nobody takes hold up the start of more.
    const free = this.#window.free(this.#board.running.size + this.#done.length, this.#sender.engineCount);
    for (let started = 0; started < free; started += 1) {
      const entry = this.#board.take();
      if (entry === undefined) break;
      void this.#attempt(entry);
    }
    if (this.#board.wantsMore) this.#roomMade();
  }

  async #attempt(entry: Entry<JobLine>): Promise<void> {
    const { payload: line, attempt } = entry;
    const end: AttemptEnd = line.type === "job" ? await this.#sender.send(line.job, attempt) : { type: "result", result: unrunResult(line.error) };
    if (end.type !== "result") {
      this.#board.drop(entry);
      if (end.type === "clusterGone") this.abandon(end.cause);
      return this.#wake();
    }
    const { result, elapsedMs } = end;
    if (elapsedMs !== undefined) this.#window.ended(elapsedMs);
    const succeeded = line.type === "job" && isSuccess(line.job, result);
    // What cannot get better is not tried again: a bad line, a host without engines.
    const isFinal = succeeded || line.type === "bad" || result.submitted === null;
    if (this.#board.finish(entry, isFinal)) this.#end({ seq: entry.seq, line, result, isSuccess: succeeded });
    return this.#wake();
  }

  #end(ended: EndedJob): void {
    if (!ended.isSuccess) this.#failed += 1;
    const { halt } = this.#options;
    if (halt !== undefined && !this.#board.isStopping && shouldHalt(halt, this.#board.ended, this.#failed)) {
      this.stop();
      // An engine that cannot be reached ends its job's result by itself, as dead.
      if (halt.when === "now") this.kill().catch(() => undefined);
    }
    if (this.#options.keepOrder !== true) return this.#done.push(ended);
    this.#heldBack.set(ended.seq, ended);
    for (let next = this.#heldBack.get(this.#nextInOrder); next !== undefined; next = this.#heldBack.get(this.#nextInOrder)) {
      this.#heldBack.delete(this.#nextInOrder);
      this.#nextInOrder += 1;
      this.#done.push(next);
    }
    return undefined;
  }

  // A run that was stopped has gaps in its order; what ended after them is given all the same.
  *#leftovers(): Generator<EndedJob, void, undefined> {
    const left = [...this.#heldBack.values()].sort((a, b) => a.seq - b.seq);
    this.#heldBack.clear();
    yield* left;
  }

  #stopStarting(): void {
    this.#board.stop();
    this.#wake();
    this.#roomMade();
  }
}

/** Runs jobs given as objects: the input of a run. */
export function* linesOf(jobs: Iterable<Job>, check: (job: unknown) => Job | string): Generator<JobLine, void, undefined> {
  let lineNumber = 0;
  for (const given of jobs) {
    lineNumber += 1;
    const job = check(given);
    // Objects are in memory already; holding them costs nothing more.
    yield typeof job === "string" ? { type: "bad", lineNumber, error: job, echo: {}, sizeBytes: 0 } : { type: "job", lineNumber, job, sizeBytes: 0 };
  }
}
