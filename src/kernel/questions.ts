// Questions to the user, one at a time, by the stdin channel of the front end that runs the cell.

import { InvalidStateError, NotSupportedError } from "../base/index.ts";
import { allowsStdin, type Message } from "../wire/index.ts";

/** Sends a question and gives its message id; nothing when there are no sockets. */
export type SendQuestion = (message: Message, prompt: string, isPassword: boolean) => string | undefined;

/** The question that waits for its answer. */
export class Questions {
  readonly #send: SendQuestion;
  #open: { readonly id: string; readonly answer: (text: string) => void } | undefined;

  constructor(send: SendQuestion) {
    this.#send = send;
  }

  /**
   * Asks. The promise stays open when the cell ends first.
   *
   * @param message the request of the cell that asks
   */
  ask(message: Message, prompt: string, isPassword: boolean): Promise<string> {
    if (!allowsStdin(message.content))
      return Promise.reject(new NotSupportedError("nobody can be asked: this notebook runs without a person; give the value in a cell instead of input()"));
    if (this.#open !== undefined) return Promise.reject(new InvalidStateError("another question waits for its answer; await one input() before the next"));
    const id = this.#send(message, prompt, isPassword);
    if (id === undefined) return Promise.reject(new InvalidStateError("the kernel is not connected"));
    return new Promise((answer) => {
      this.#open = { id, answer };
    });
  }

  /** An answer came; one to another question means nothing. Some front ends do not say which question they answer. */
  answered(questionId: unknown, text: string): void {
    if (this.#open === undefined || (questionId !== undefined && questionId !== this.#open.id)) return;
    const { answer } = this.#open;
    this.#open = undefined;
    answer(text);
  }

  /** The cell ended. */
  drop(): void {
    this.#open = undefined;
  }
}
