// What bakapara writes while it runs: result lines, log lines as in the original, GNU parallel's job log, progress.

import { constants } from "node:os";
import { MultiBar, Presets, type SingleBar } from "cli-progress";
import { formatElapsed, type EndedJob, type Job } from "../bakapara/index.ts";
import { localStamp } from "../log/index.ts";
import type { LineSink } from "./line-sink.ts";

/** The line that goes out for a job: what came in, with its result. */
export function resultLine({ line, result }: EndedJob): string {
  if (line.type === "bad") return JSON.stringify({ ...line.echo, result });
  const { result: _old, ...job } = line.job;
  return JSON.stringify({ ...job, result });
}

/** `returned 0 in 0:00:10.007444 sec on HOST: sleep 10`, or why the job could not be run. */
export function describeEnd({ line, result }: EndedJob): string {
  if (line.type === "bad") return `could not be read: ${result.error ?? ""}`;
  const cmd = line.job.cmd;
  if (result.code === null) return `could not run: ${result.error ?? ""}: ${cmd}`;
  const remark = result.timed_out ? " (timed out)" : "";
  return `returned ${result.code} in ${result.elapsed} sec on ${result.host ?? "an unknown host"}${remark}: ${cmd}`;
}

/** First line of a job log. */
export const JOBLOG_HEADER = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand";

/** A job's line in GNU parallel's job log. A job that could not be run has exit value -1. */
export function joblogLine({ seq, line, result }: EndedJob): string {
  const started = result.started === null ? 0 : Date.parse(result.started) / 1000;
  const seconds = result.elapsed === null ? 0 : secondsOf(result.elapsed);
  const signal = result.signal === null ? 0 : constants.signals[result.signal as NodeJS.Signals];
  const cmd = line.type === "job" ? line.job.cmd.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\t", "\\t") : "";
  return [seq + 1, result.host ?? "", started.toFixed(3), seconds.toFixed(3).padStart(10), 0, 0, result.code ?? -1, signal, cmd].join("\t");
}

function secondsOf(elapsed: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = elapsed.split(":").map(Number);
  return hours * 3600 + minutes * 60 + seconds;
}

/** How far a run is. */
export interface Standing {
  readonly ended: number;
  readonly failed: number;
  /** `undefined` while the input is not read to its end. */
  readonly total: number | undefined;
  readonly atLeast: number;
}

/** A total as log lines show it: `100`, or `57+` while more may come. */
export function totalText({ total, atLeast }: Pick<Standing, "total" | "atLeast">): string {
  return total === undefined ? `${atLeast}+` : String(total);
}

const PROGRESS_MS = 1000;

/** Writes log lines and shows progress, so that they do not disturb one another. */
export class Reporter {
  readonly #log: LineSink;
  readonly #bars: MultiBar | undefined;
  readonly #standing: () => Standing;
  /** Takes the bar off its line before a log line is written there. */
  #clearing = "";
  readonly #startedAt = performance.now();
  #bar: SingleBar | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param isTerminal whether log lines go to the terminal that a bar would be drawn on */
  constructor(log: LineSink, options: { readonly hasProgress: boolean; readonly isTerminal: boolean; readonly standing: () => Standing }) {
    this.#log = log;
    this.#standing = options.standing;
    if (!options.hasProgress) return;
    if (process.stderr.isTTY) {
      this.#bars = new MultiBar(
        { stream: process.stderr, format: "{bar} {value}/{totalText} jobs, {failed} failed, {rest}", clearOnComplete: true, hideCursor: true },
        Presets.legacy,
      );
      this.#bar = this.#bars.create(1, 0, this.#payload());
      if (options.isTerminal) this.#clearing = "\r\u001b[K";
    }
    this.#timer = setInterval(() => this.#showProgress(), PROGRESS_MS);
    this.#timer.unref();
  }

  /** Writes `2014-12-21 10:39:49,231 text`. */
  log(text: string): void {
    this.#log.line(`${this.#clearing}${localStamp(new Date())} ${text}`);
  }

  /** Takes the bar away, and leaves a line with how it ended. */
  async close(): Promise<void> {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#bars?.stop();
    await this.#log.flushed();
    const { totalText: total, failed } = this.#payload();
    const elapsed = formatElapsed(performance.now() - this.#startedAt).split(".", 1)[0] ?? "";
    process.stderr.write(`${this.#clearing}${this.#standing().ended}/${total} jobs, ${failed} failed, in ${elapsed}\n`);
  }

  #showProgress(): void {
    const standing = this.#standing();
    if (this.#bar === undefined) {
      const { totalText: total, failed, rest } = this.#payload();
      process.stderr.write(`${standing.ended}/${total} jobs, ${failed} failed, ${rest}\n`);
      return;
    }
    this.#bar.setTotal(standing.total ?? standing.atLeast);
    this.#bar.update(standing.ended, this.#payload());
  }

  #payload(): { totalText: string; failed: number; rest: string } {
    const standing = this.#standing();
    const elapsedMs = performance.now() - this.#startedAt;
    const perSecond = (standing.ended / Math.max(1, elapsedMs)) * 1000;
    const left =
      standing.total === undefined || standing.ended === 0
        ? ""
        : `, about ${formatElapsed(((standing.total - standing.ended) / perSecond) * 1000).split(".", 1)[0] ?? ""} left`;
    return { totalText: totalText(standing), failed: standing.failed, rest: `${perSecond.toFixed(perSecond < 10 ? 1 : 0)}/s${left}` };
  }
}

/** What a dry run says of a job. */
export function describeDryRun(job: Job): string {
  const hosts = job.host === undefined ? "" : ` on ${[job.host].flat().join(" or ")}`;
  return `would run${hosts}${job.cd === undefined ? "" : ` in ${job.cd}`}: ${job.cmd}`;
}
