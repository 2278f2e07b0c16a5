// Peak memory of a job, read now and then from /proc: the kernel keeps each process's own peak (`VmHWM`), so a few looks
// suffice. Short jobs are never looked at; where /proc has no list of children there is no figure.

import { readFile } from "node:fs/promises";

const FIRST_AFTER_MS = 100;
const INTERVAL_GROWTH = 1.6;
const INTERVAL_MAX_MS = 5_000;
const PROCESSES_MAX = 256;

/** Looks at the processes below one process at growing intervals. */
export class RssSampler {
  #peakKb: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  readonly #findLeader: () => number | undefined;

  constructor(findLeader: () => number | undefined) {
    this.#findLeader = findLeader;
    if (process.platform === "linux") this.#schedule(FIRST_AFTER_MS);
  }

  /** Ends the looking and tells the largest peak seen, in kilobytes. */
  stop(): number | null {
    this.#stopped = true;
    clearTimeout(this.#timer);
    return this.#peakKb;
  }

  #schedule(afterMs: number): void {
    this.#timer = setTimeout(() => {
      void this.#sample().then(() => {
        if (!this.#stopped) this.#schedule(Math.min(afterMs * INTERVAL_GROWTH, INTERVAL_MAX_MS));
      });
    }, afterMs);
    this.#timer.unref();
  }

  // Processes come and go while this walks the tree; each unreadable file means one that went.
  async #sample(): Promise<void> {
    const leader = this.#findLeader();
    if (leader === undefined) return;
    const pids = [leader];
    for (let index = 0; index < pids.length && pids.length < PROCESSES_MAX; index += 1) {
      const pid = pids[index];
      const status = await readFile(`/proc/${pid}/status`, "latin1").catch(() => "");
      const peak = /^VmHWM:\s*(\d+) kB/m.exec(status)?.[1];
      if (peak !== undefined) this.#peakKb = Math.max(this.#peakKb ?? 0, Number(peak));
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, "latin1").catch(() => "");
      for (const child of children.trim().split(" ")) if (child !== "") pids.push(Number(child));
    }
  }
}
