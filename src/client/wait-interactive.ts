// Progress for people: a line a second while tasks run.

import type { OutputSink } from "./display-outputs.ts";

/** How progress is shown. */
export interface InteractiveOptions {
  /** Milliseconds between lines, default 1000. */
  readonly intervalMs?: number;
  /** Where to, default `process.stdout`. */
  readonly stream?: OutputSink & { readonly isTTY?: boolean };
  /** Ends the display, not the tasks. */
  readonly signal?: AbortSignal;
}

/** What is watched. */
export interface Progressing {
  readonly length: number;
  readonly progress: number;
  readonly elapsed: number;
  ready(): boolean;
  wait(options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<boolean>;
}

/** Shows `48/100 tasks finished after 15 s` until the end, then `done`. Ctrl-C ends the display. */
export async function showProgress(result: Progressing, options: InteractiveOptions): Promise<void> {
  const stream = options.stream ?? process.stdout;
  const isTerminal = options.stream === undefined ? process.stdout.isTTY : stream.isTTY === true;
  const stopper = new AbortController();
  const stop = (): void => stopper.abort();
  const show = (): void => {
    const text = `${result.progress}/${result.length} tasks finished after ${Math.round(result.elapsed)} s`;
    // On a terminal one line is written again and again; elsewhere each is a line of its own.
    stream.write(isTerminal ? `\r\u001b[K${text}` : `${text}\n`);
  };
  process.once("SIGINT", stop);
  options.signal?.addEventListener("abort", stop, { once: true });
  if (options.signal?.aborted === true) stop();
  try {
    while (!result.ready() && !stopper.signal.aborted) {
      show();
      await result.wait({ timeoutMs: options.intervalMs ?? 1000, signal: stopper.signal });
    }
    if (result.ready()) show();
    if (isTerminal) stream.write("\n");
    if (result.ready()) stream.write("done\n");
  } finally {
    process.removeListener("SIGINT", stop);
    options.signal?.removeEventListener("abort", stop);
  }
}
