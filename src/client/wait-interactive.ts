// Progress for people while tasks run: a bar on a terminal, a line a second elsewhere.

import { InvalidArgumentError } from "../base/index.ts";
import type { OutputSink } from "./engine-output.ts";
import type { ReturnWhen } from "./result-shape.ts";
import { checkWait } from "./wait-for.ts";

/** How progress is shown. */
export interface InteractiveOptions {
  /** Milliseconds between lines, or between pictures of the bar; default 1000, on a terminal 200. */
  readonly intervalMs?: number;
  /** Where to, default `process.stdout`. A bar if its `isTTY` is true. */
  readonly stream?: OutputSink & { readonly isTTY?: boolean; readonly columns?: number };
  /** Shows nothing; waits only. Default false. */
  readonly silent?: boolean;
  /** Ends the display after so many milliseconds; the tasks go on. */
  readonly timeoutMs?: number;
  /** Ends the display, not the tasks. */
  readonly signal?: AbortSignal;
  /** Ends the display with the first request, or with the first that fails; default: with the last. */
  readonly returnWhen?: ReturnWhen;
}

/** What is watched. */
export interface Progressing {
  readonly length: number;
  readonly progress: number;
  readonly elapsed: number;
  ready(): boolean;
  hasReached(returnWhen: ReturnWhen): boolean;
  wait(options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly returnWhen: ReturnWhen }): Promise<boolean>;
}

const LINE_MS = 1000;
const BAR_MS = 200;
const BAR_CELLS_MAX = 40;
const COLUMNS = 80;

/** Shows `48/100 tasks finished after 15 s` until the end, then `done`. Ctrl-C ends the display. */
export async function showProgress(result: Progressing, options: InteractiveOptions = {}): Promise<void> {
  const stream = options.stream ?? process.stdout;
  const isTerminal = stream.isTTY === true;
  const intervalMs = options.intervalMs ?? (isTerminal ? BAR_MS : LINE_MS);
  if (!(intervalMs > 0)) throw new InvalidArgumentError(`intervalMs must be more than 0, and is ${intervalMs}`);
  checkWait(options);
  const { returnWhen = "allCompleted" } = options;
  const stopper = new AbortController();
  const stop = (): void => stopper.abort();
  const write = (text: string): void => void (options.silent === true || stream.write(text));
  // On a terminal one line is written again and again; elsewhere each is a line of its own.
  const show = (): void => write(isTerminal ? `\r\u001b[K${barLine(result, stream.columns ?? COLUMNS)}` : `${plainLine(result)}\n`);
  process.once("SIGINT", stop);
  options.signal?.addEventListener("abort", stop, { once: true });
  if (options.signal?.aborted === true) stop();
  const deadline = options.timeoutMs === undefined || options.timeoutMs === Infinity ? undefined : setTimeout(stop, options.timeoutMs);
  try {
    while (!result.hasReached(returnWhen) && !stopper.signal.aborted) {
      show();
      await result.wait({ timeoutMs: intervalMs, signal: stopper.signal, returnWhen });
    }
    if (result.ready()) show();
    if (isTerminal) write("\n");
    if (result.ready()) write("done\n");
  } finally {
    clearTimeout(deadline);
    process.removeListener("SIGINT", stop);
    options.signal?.removeEventListener("abort", stop);
  }
}

function plainLine({ progress, length, elapsed }: Progressing): string {
  return `${progress}/${length} tasks finished after ${Math.round(elapsed)} s`;
}

/** The line with a bar before it, and behind it the rate and the time to go, as far as there is room. */
function barLine(result: Progressing, columns: number): string {
  const { progress, length, elapsed } = result;
  const rate = elapsed > 0 ? progress / elapsed : 0;
  const pace = rate > 0 ? `, ${rate < 1 ? rate.toFixed(2) : rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s` : "";
  const toGo = rate > 0 && progress < length ? `, ${duration((length - progress) / rate)} to go` : "";
  const text = `${plainLine(result)}${pace}${toGo}`;
  const cells = Math.min(BAR_CELLS_MAX, columns - text.length - 4);
  if (cells < 5) return text.slice(0, Math.max(0, columns - 1));
  const filled = length === 0 ? cells : Math.floor((cells * progress) / length);
  return `[${"#".repeat(filled)}${".".repeat(cells - filled)}] ${text}`;
}

function duration(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`;
}
