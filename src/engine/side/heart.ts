// The engine's heart (protocol §6): echoes each ping unchanged, and notices when the controller has fallen silent.

import type { MessageSocket } from "../../net/index.ts";

/** Slack added to the controller's period before a silence counts as a miss (§6.4). */
const SLACK_MS = 500;

/** How the heart beats. */
export interface HeartOptions {
  readonly periodMs: number;
  /** Periods without a ping before the controller counts as gone; 0: it never does. */
  readonly missesMax: number;
  /** Called once when the controller counts as gone. */
  readonly onSilence: (silentMs: number) => void;
}

/** Answers pings until it is stopped. */
export class Heart {
  readonly #timer: NodeJS.Timeout | undefined;
  #hasHeard = false;
  #misses = 0;

  constructor(pings: MessageSocket, pongs: MessageSocket, options: HeartOptions) {
    pings.receive((frames) => {
      this.#hasHeard = true;
      pongs.send(frames);
    });
    if (options.missesMax === 0) return;
    const checkMs = options.periodMs + SLACK_MS;
    this.#timer = setInterval(() => {
      this.#misses = this.#hasHeard ? 0 : this.#misses + 1;
      this.#hasHeard = false;
      if (this.#misses < options.missesMax) return;
      this.stop();
      options.onSilence(this.#misses * checkMs);
    }, checkMs);
  }

  /** Ends the watch over the controller. */
  stop(): void {
    clearInterval(this.#timer);
  }
}
