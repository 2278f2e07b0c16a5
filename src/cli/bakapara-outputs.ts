// The three things bakapara writes: results, log, job log; and what is said when one of them cannot be written any more.

import type { EndedJob, Job } from "../bakapara/index.ts";
import { fileFailure } from "../config/index.ts";
import { isEmptyFile, openSink } from "./bakapara-files.ts";
import type { BakaparaRequest } from "./bakapara-options.ts";
import { JOBLOG_HEADER, joblogLine, resultLine } from "./bakapara-report.ts";
import type { LineSink } from "./line-sink.ts";

const STDOUT = 1;
const STDERR = 2;

type Request = Pick<BakaparaRequest, "output" | "logging" | "joblog" | "resume" | "dryRun">;

/** Opened files, or standard streams in their place. */
export class Outputs {
  /** Lines for people. */
  readonly log: LineSink;
  /** `undefined`: a dry run that looks at what is left to do leaves the results of the run alone. */
  readonly #results: LineSink | undefined;
  readonly #joblog: LineSink | undefined;
  readonly #request: Request;

  /**
   * @param onFailure told when results or job log cannot be written, with a sentence that says so
   * @throws ConfigError when a file cannot be opened
   */
  constructor(request: Request, onFailure: (error: NodeJS.ErrnoException, sentence: string) => void) {
    const isAppending = request.resume;
    this.#request = request;
    const failed = (error: NodeJS.ErrnoException): void => onFailure(error, this.failureText);
    if (!(request.dryRun && isAppending)) this.#results = openSink(request.output, STDOUT, { isAppending, what: "results", onFailure: failed });
    this.log = openSink(request.logging, STDERR, { isAppending, what: "the log" });
    if (request.joblog === undefined || request.dryRun) return;
    const isNew = !isAppending || isEmptyFile(request.joblog);
    this.#joblog = openSink(request.joblog, STDOUT, { isAppending, what: "the job log", onFailure: failed });
    if (isNew) this.#joblog.line(JOBLOG_HEADER);
  }

  /** Results or job log could not be written, for whatever reason. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** … and not because the reader had enough. */
  get isUnwritable(): boolean {
    return this.#failure !== undefined && this.#failure.code !== "EPIPE";
  }

  /** What cannot be written, why, and how to go on. */
  get failureText(): string {
    const { output, joblog } = this.#request;
    const [what, path] = this.#results?.failure === undefined ? ["the job log", joblog] : ["results", output];
    const place = path === undefined ? "" : ` to ${path}`;
    return `${what} cannot be written${place}: ${fileFailure(this.#failure)}${output === undefined ? "" : "; when that is mended, go on with --resume"}`;
  }

  get #failure(): NodeJS.ErrnoException | undefined {
    return this.#results?.failure ?? this.#joblog?.failure;
  }

  /** A job's end. */
  write(ended: EndedJob): void {
    this.#results?.line(resultLine(ended));
    this.#joblog?.line(joblogLine(ended));
  }

  /** A job that would run. */
  checked(job: Job): void {
    this.#results?.line(JSON.stringify(job));
  }

  /** Waits until there is room for more. */
  async drained(): Promise<void> {
    await this.#results?.drained();
    await this.log.drained();
    await this.#joblog?.drained();
  }

  /** Writes what is left. A log that a user named and that could not be written is told on standard error. */
  async close(): Promise<void> {
    await Promise.all([this.#results?.close(), this.log.close(), this.#joblog?.close()]);
    if (this.#request.logging === undefined || this.log.failure === undefined) return;
    process.stderr.write(`bakapara: the log could not be written to ${this.#request.logging}: ${fileFailure(this.log.failure)}\n`);
  }
}
