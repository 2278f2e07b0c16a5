// Code of functions that was left out of a request because this engine was believed to have it, and that it has not: it
// was dropped from the cache here, or the message that brought it was never read. The controller is asked for it.

import { SerializationError } from "../base/index.ts";
import type { Frame } from "../wire/index.ts";

/** An unanswered question is asked again after this time: its way may have been cut. */
const ASK_AGAIN_MS = 2000;
/** A controller that is back from a restart does not know the request any more and says so; one that is away for longer is gone. */
const QUESTIONS_MAX = 300;

interface Question {
  readonly resolve: (frames: readonly Frame[]) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Asks for code, and hands it on when it comes. */
export class MissingCode {
  readonly #ask: (msgId: string) => void;
  /** One for each request that waits: the one that runs, and any that were given up meanwhile. */
  readonly #questions = new Map<string, Question>();

  /** @param ask sends the question; the answer comes by `arrived` */
  constructor(ask: (msgId: string) => void) {
    this.#ask = ask;
  }

  /**
   * All the code of a request.
   *
   * @throws SerializationError when the controller does not have it, or does not answer
   */
  fetch(msgId: string): Promise<readonly Frame[]> {
    return new Promise((resolve, reject) => {
      let questions = 1;
      const timer = setInterval(() => {
        questions += 1;
        if (questions > QUESTIONS_MAX) this.arrived(msgId, undefined);
        else this.#ask(msgId);
      }, ASK_AGAIN_MS);
      this.#questions.set(msgId, { resolve, reject, timer });
      this.#ask(msgId);
    });
  }

  /** The answer; `undefined`: there is none to be had. */
  arrived(msgId: string, frames: readonly Frame[] | undefined): void {
    const question = this.#questions.get(msgId);
    if (question === undefined) return;
    this.#questions.delete(msgId);
    clearInterval(question.timer);
    if (frames !== undefined) return question.resolve(frames);
    question.reject(
      new SerializationError("the code of the function is not known to this engine, and the controller that left it out is gone", {
        path: "function",
        remedy: "send the call again",
      }),
    );
  }

  /** Asks no more; whoever waits waits for ever, as the engine ends. */
  close(): void {
    for (const { timer } of this.#questions.values()) clearInterval(timer);
    this.#questions.clear();
  }
}
