// What a cell writes to one stream, bounded: of too much, the beginning and the end are kept and what lay between is counted.
// A carriage return takes back the line before it, so that a progress bar is stored as it looks at last.

/** A line longer than this is taken as written: no carriage return takes it back any more. */
const LINE_CHARS_MAX = 64 * 1024;
/** Pieces of the end are put together up to this length. */
const PIECE_CHARS = 16 * 1024;

/** Collects one stream's text. */
export class StreamText {
  readonly #headMax: number;
  readonly #tailMax: number;
  readonly #lineMax: number;
  #head = "";
  /** The end, in pieces; all but the first are needed whole. */
  readonly #tail: string[] = [];
  #tailChars = 0;
  #cutChars = 0;
  /** The line that is being written. */
  #line = "";
  /** A carriage return came last: what follows replaces the line, unless it is a line feed. */
  #returned = false;

  /** @param charsMax what is kept at most, in characters */
  constructor(charsMax: number) {
    this.#headMax = Math.ceil(charsMax / 2);
    this.#tailMax = Math.max(0, charsMax - this.#headMax);
    this.#lineMax = Math.min(LINE_CHARS_MAX, this.#headMax);
  }

  /** Characters kept by now. */
  get chars(): number {
    return this.#head.length + Math.min(this.#tailChars, this.#tailMax) + this.#line.length;
  }

  /** The text, with a line that says how much was left out. */
  get text(): string {
    const all = `${this.#tail.join("")}${this.#line}`;
    const end = this.#head.length < this.#headMax ? all : all.slice(Math.max(0, all.length - this.#tailMax));
    const cut = this.#cutChars + all.length - end.length;
    if (cut === 0) return `${this.#head}${end}`;
    return `${this.#head}${this.#head.endsWith("\n") ? "" : "\n"}… ${cut.toLocaleString("en-US")} characters were left out here …\n${end}`;
  }

  append(text: string): void {
    if (!this.#returned && !text.includes("\r")) return this.#appendPlain(text);
    let rest = text;
    while (rest !== "") {
      if (this.#returned) {
        if (rest[0] !== "\n" && rest[0] !== "\r") this.#line = "";
        if (rest[0] !== "\r") this.#returned = false;
      }
      const at = rest.indexOf("\r");
      this.#appendPlain(at < 0 ? rest : rest.slice(0, at));
      if (at >= 0) this.#returned = true;
      rest = at < 0 ? "" : rest.slice(at + 1);
    }
  }

  #appendPlain(text: string): void {
    const end = text.lastIndexOf("\n") + 1;
    if (end > 0) {
      this.#keep(this.#line + text.slice(0, end));
      this.#line = text.slice(end);
    } else this.#line += text;
    if (this.#line.length <= this.#lineMax) return;
    this.#keep(this.#line);
    this.#line = "";
  }

  #keep(text: string): void {
    const room = this.#headMax - this.#head.length;
    if (room > 0) this.#head += text.slice(0, room);
    const rest = room > 0 ? text.slice(room) : text;
    if (rest === "") return;
    const last = this.#tail.length - 1;
    if ((this.#tail[last]?.length ?? PIECE_CHARS) + rest.length <= PIECE_CHARS) this.#tail[last] += rest;
    else this.#tail.push(rest);
    this.#tailChars += rest.length;
    for (let first = this.#tail[0] ?? ""; this.#tail.length > 0 && this.#tailChars - first.length >= this.#tailMax; first = this.#tail[0] ?? "") {
      this.#tail.shift();
      this.#tailChars -= first.length;
      this.#cutChars += first.length;
    }
    // One message may be far larger than all that is kept.
    const [only = ""] = this.#tail;
    if (this.#tail.length !== 1 || only.length <= 2 * this.#tailMax) return;
    this.#tail[0] = only.slice(only.length - this.#tailMax);
    this.#cutChars += only.length - this.#tailMax;
    this.#tailChars = this.#tailMax;
  }
}
