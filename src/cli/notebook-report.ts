// What `tsparallel notebook run` tells on standard error: a line for each cell, at a terminal a living one, and the cell that failed.

import { stripVTControlCharacters } from "node:util";
import { textOf, type Cell, type CellFailure, type CellStatus, type NotebookEffect } from "../core/notebook/index.ts";

const LIVE_MS = 1000;
const SOURCE_LINES_MAX = 30;
const TRACEBACK_LINES_MAX = 100;

/** Reports one run. */
export class NotebookReport implements Disposable {
  readonly #count: number;
  readonly #streams: boolean;
  readonly #isLive: boolean;
  #running: { readonly number: number; readonly began: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param count code cells there are
   * @param streams shows what cells write, too
   */
  constructor(count: number, streams: boolean) {
    this.#count = count;
    this.#streams = streams;
    this.#isLive = process.stderr.isTTY && !streams;
  }

  /** Tells what the run orders, as far as a person cares. */
  take(effect: NotebookEffect): void {
    if (effect.type === "execute") this.#begin(effect.number);
    else if (effect.type === "cellEnded") this.#end(effect.number, effect.status);
    else if (effect.type === "wrote" && this.#streams) (effect.name === "stdout" ? process.stdout : process.stderr).write(effect.text);
  }

  line(text: string): void {
    if (this.#isLive) process.stderr.write("\r\u001B[K");
    process.stderr.write(`${text}\n`);
  }

  /** Shows a cell and its error. */
  failure(cell: Cell, { number, ename, evalue, traceback }: CellFailure): void {
    const source = shortened(textOf(cell.source).split("\n"), SOURCE_LINES_MAX);
    const words = traceback.length === 0 ? [`${ename}: ${evalue}`] : traceback.join("\n").split("\n");
    const shown = shortened(words, TRACEBACK_LINES_MAX).join("\n");
    // Stacks name cells by the kernel's count, and a kernel that began later, or left out cells, counts otherwise.
    const count = cell["execution_count"];
    const inStacks = typeof count === "number" && count !== number ? `, cell [${count}] in stacks` : "";
    this.line(`cell ${number} of ${this.#count}${inStacks}:\n${source.map((line) => `  | ${line}`).join("\n")}`);
    this.line(process.stderr.isTTY ? `${shown}\u001B[0m` : stripVTControlCharacters(shown));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (this.#isLive) process.stderr.write("\r\u001B[K");
  }

  #begin(number: number): void {
    this.#running = { number, began: performance.now() };
    if (!this.#isLive) return;
    const show = (): void => void process.stderr.write(`\r\u001B[K[${number}/${this.#count}] running for ${Math.round(this.#ms() / 1000)} s`);
    show();
    clearInterval(this.#timer);
    this.#timer = setInterval(show, LIVE_MS).unref();
  }

  #end(number: number, status: CellStatus): void {
    clearInterval(this.#timer);
    this.line(`[${number}/${this.#count}] ${status} after ${(this.#ms() / 1000).toFixed(1)} s`);
    this.#running = undefined;
  }

  /** How long the cell has run. */
  #ms(): number {
    return this.#running === undefined ? 0 : performance.now() - this.#running.began;
  }
}

function shortened(lines: readonly string[], max: number): readonly string[] {
  if (lines.length <= max) return lines;
  const half = Math.floor(max / 2);
  return [...lines.slice(0, half), `… ${lines.length - 2 * half} lines …`, ...lines.slice(-half)];
}
