// The outputs of the cells of one run, put together from what the kernel publishes, within bounds: too much text loses its
// middle, further displays are left out and counted, an error is always kept. Displays with an id can be changed later, by any cell.

import { isDict, type Dict } from "../../wire/index.ts";
import { linesOf, textOf, type Fields, type Lines } from "./notebook.ts";
import { StreamText } from "./stream-text.ts";
import { bundleInLines } from "./write-notebook.ts";

/** What an output costs besides its texts, in characters. */
const OUTPUT_CHARS = 200;
const ERROR_CHARS_MAX = 256 * 1024;
const ERROR_LINES_MAX = 1000;

type Item = { readonly type: "stream"; readonly name: string; readonly text: StreamText } | { readonly type: "ready"; output: Fields; chars: number };

/** Displays by their id, over all cells of a run. */
export class Displays {
  readonly #items = new Map<string, { readonly cell: CellOutputs; readonly replace: (content: Dict) => void }[]>();

  add(id: string, cell: CellOutputs, replace: (content: Dict) => void): void {
    this.#items.set(id, [...(this.#items.get(id) ?? []), { cell, replace }]);
  }

  /** Changes every display of this id; gives the cells that have one. */
  update(id: string, content: Dict): CellOutputs[] {
    const found = this.#items.get(id) ?? [];
    for (const { replace } of found) replace(content);
    return found.map(({ cell }) => cell);
  }

  /** Forgets a cell's displays. */
  forget(cell: CellOutputs): void {
    for (const [id, items] of this.#items) {
      const kept = items.filter((item) => item.cell !== cell);
      if (kept.length === 0) this.#items.delete(id);
      else this.#items.set(id, kept);
    }
  }
}

/** The outputs of one cell. */
export class CellOutputs {
  readonly #charsMax: number;
  readonly #displays: Displays;
  #items: Item[] = [];
  /** Characters taken by all items but a stream that stands last and may grow. */
  #chars = 0;
  #leftOut = 0;
  #clearsNext = false;

  /** @param charsMax what the outputs may have together, in characters */
  constructor(charsMax: number, displays: Displays) {
    this.#charsMax = charsMax;
    this.#displays = displays;
  }

  /**
   * Takes a message that the kernel published for this cell.
   *
   * @returns the cells whose outputs it has changed
   */
  take(msgType: string, content: Dict): readonly CellOutputs[] {
    switch (msgType) {
      case "stream":
        return this.#stream(content);
      case "display_data":
      case "execute_result":
        return this.#display(msgType, content);
      case "update_display_data":
        return this.#displays.update(displayIdOf(content) ?? "", content);
      case "error":
        this.addError(content);
        return [this];
      case "clear_output":
        if (content["wait"] === true) this.#clearsNext = true;
        else this.#clear();
        return [this];
      default:
        return [];
    }
  }

  /** Characters of the outputs by now. */
  get chars(): number {
    return this.#charsMax - this.#room();
  }

  /** Whether an error is among the outputs. */
  get hasError(): boolean {
    return this.#items.some((item) => item.type === "ready" && item.output["output_type"] === "error");
  }

  /** Adds an error, whatever there is already. */
  addError({ ename, evalue, traceback }: Dict): void {
    this.#clearIfDue();
    const lines = (Array.isArray(traceback) ? traceback : []).filter((line): line is string => typeof line === "string").slice(0, ERROR_LINES_MAX);
    let left = ERROR_CHARS_MAX;
    const kept = lines.map((line) => {
      const part = line.slice(0, Math.max(0, left));
      left -= line.length;
      return part;
    });
    const output = { ename: shortText(ename), evalue: shortText(evalue), output_type: "error", traceback: kept };
    this.#add({ type: "ready", output, chars: OUTPUT_CHARS });
  }

  /** Counts an output that cannot be kept. */
  leaveOut(): void {
    this.#leftOut += 1;
  }

  /** The outputs as they stand in a file. */
  outputs(): Fields[] {
    const outputs = this.#items.map((item) =>
      item.type === "ready" ? item.output : { name: item.name, output_type: "stream", text: linesOf(item.text.text) },
    );
    if (this.#leftOut === 0) return outputs;
    const many = this.#leftOut === 1 ? "1 further output was" : `${this.#leftOut.toLocaleString("en-US")} further outputs were`;
    const note = `${many} left out: a cell's outputs may have ${this.#charsMax.toLocaleString("en-US")} characters\n`;
    return [...outputs, { name: "stderr", output_type: "stream", text: [note] }];
  }

  #stream({ name, text }: Dict): readonly CellOutputs[] {
    const written = isText(text) ? textOf(text) : "";
    if (written === "") return [];
    this.#clearIfDue();
    const stream = name === "stderr" ? "stderr" : "stdout";
    const last = this.#items.at(-1);
    if (last?.type === "stream" && last.name === stream) last.text.append(written);
    else {
      // Half of what is left: what comes after a flood should have room too.
      const charsMax = Math.floor(this.#room() / 2);
      if (charsMax < OUTPUT_CHARS) return this.#leaveOut();
      const item: Item = { type: "stream", name: stream, text: new StreamText(charsMax) };
      item.text.append(written);
      this.#add(item);
    }
    return [this];
  }

  #display(msgType: "display_data" | "execute_result", content: Dict): readonly CellOutputs[] {
    this.#clearIfDue();
    const output = displayOutput(msgType, content);
    const chars = OUTPUT_CHARS + charsOf(output);
    const id = displayIdOf(content);
    const others = id === undefined ? [] : this.#displays.update(id, content);
    if (chars > this.#room()) return [...others, ...this.#leaveOut()];
    const item: Item = { type: "ready", output, chars };
    this.#add(item);
    if (id !== undefined) this.#displays.add(id, this, (changed) => this.#replace(item, msgType, changed));
    return [...others, this];
  }

  #replace(item: Item & { readonly type: "ready" }, msgType: "display_data" | "execute_result", content: Dict): void {
    const output = displayOutput(msgType, { execution_count: item.output["execution_count"], ...content });
    const chars = OUTPUT_CHARS + charsOf(output);
    if (chars - item.chars > this.#room()) return void this.#leaveOut();
    this.#chars += chars - item.chars;
    item.output = output;
    item.chars = chars;
  }

  #leaveOut(): readonly CellOutputs[] {
    this.leaveOut();
    return [this];
  }

  #room(): number {
    const last = this.#items.at(-1);
    return this.#charsMax - this.#chars - (last?.type === "stream" ? last.text.chars : 0);
  }

  #add(item: Item): void {
    const last = this.#items.at(-1);
    if (last?.type === "stream") this.#chars += last.text.chars;
    this.#chars += item.type === "ready" ? item.chars : OUTPUT_CHARS;
    this.#items.push(item);
  }

  #clearIfDue(): void {
    if (this.#clearsNext) this.#clear();
  }

  #clear(): void {
    this.#items = [];
    this.#chars = 0;
    this.#leftOut = 0;
    this.#clearsNext = false;
    this.#displays.forget(this);
  }
}

const isText = (value: unknown): value is Lines => typeof value === "string" || (Array.isArray(value) && value.every((line) => typeof line === "string"));

function shortText(value: unknown): string {
  return (typeof value === "string" ? value : "").slice(0, ERROR_CHARS_MAX);
}

function displayIdOf({ transient }: Dict): string | undefined {
  const id = isDict(transient) ? transient["display_id"] : undefined;
  return typeof id === "string" && id !== "" ? id : undefined;
}

function displayOutput(msgType: "display_data" | "execute_result", { data, metadata, execution_count: count }: Dict): Fields {
  const bundle = bundleInLines(isDict(data) ? data : {});
  const facts = isDict(metadata) ? metadata : {};
  if (msgType === "display_data") return { data: bundle, metadata: facts, output_type: msgType };
  return { data: bundle, execution_count: typeof count === "number" ? count : null, metadata: facts, output_type: msgType };
}

/** Length of a value's texts. */
function charsOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 8;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + charsOf(item) + 4, 0);
  return Object.entries(value).reduce((sum, [key, item]) => sum + key.length + charsOf(item) + 8, 0);
}
