// JSON whose numbers stay as they were written. `1.0` and integers of twenty digits mean something to whoever wrote them, and
// JavaScript has one kind of number only: those that it would write otherwise are kept with their text.

/** A number that JavaScript would write otherwise. */
export class WrittenNumber {
  /** As it stands in JSON. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  valueOf(): number {
    return Number(this.text);
  }

  toJSON(): number {
    return Number(this.text);
  }
}

/** Begins texts that stand for such numbers while JSON is read; genuine ones that begin so get another one. */
const MARK = "\u0001";
/** The same, as JSON must write it. */
const WRITTEN_MARK = String.raw`\u0001`;

/**
 * Reads JSON; numbers that JavaScript would write otherwise are `WrittenNumber`s.
 *
 * @throws SyntaxError as `JSON.parse` does
 */
export function parseWritten(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const marked = markNumbers(text);
  if (marked === undefined) return value;
  return JSON.parse(marked, (_key, item: unknown) => {
    if (typeof item !== "string" || !item.startsWith(MARK)) return item;
    return item.startsWith(MARK, 1) ? item.slice(1) : new WrittenNumber(item.slice(1));
  });
}

/** Valid JSON with such numbers as marked texts; `undefined` when there are none. */
function markNumbers(text: string): string | undefined {
  const token = /"|-?\d[\d.eE+-]*/g;
  const parts: string[] = [];
  let isMarked = false;
  let done = 0;
  const put = (at: number, instead: string, end: number): void => {
    parts.push(text.slice(done, at), instead);
    done = end;
  };
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const [word] = found;
    const { index } = found;
    if (word === '"') {
      const end = endOfText(text, index);
      token.lastIndex = end;
      if (text.startsWith(WRITTEN_MARK, index + 1) && !isKey(text, end)) put(index, `"${WRITTEN_MARK}`, index + 1);
    } else if (String(Number(word)) !== word) {
      put(index, `"${WRITTEN_MARK}${word}"`, index + word.length);
      isMarked = true;
    }
  }
  return isMarked ? [...parts, text.slice(done)].join("") : undefined;
}

/** Whether a text that ends here is a key. */
function isKey(json: string, end: number): boolean {
  const colon = /\s*:/y;
  colon.lastIndex = end;
  return colon.test(json);
}

/** Index behind the text that begins at a quotation mark. */
function endOfText(json: string, start: number): number {
  for (let at = json.indexOf('"', start + 1); ; at = json.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (json[at - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return at + 1;
  }
}

/** JSON of values as JSON has them, indented by one space, from the second line on by `depth` more. */
export function writeWritten(value: unknown, depth = 0): string {
  if (value instanceof WrittenNumber) return value.text;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const isList = Array.isArray(value);
  const items = isList
    ? value.map((item) => writeWritten(item, depth + 1))
    : Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [`${JSON.stringify(key)}: ${writeWritten(item, depth + 1)}`]));
  const [open, close] = isList ? "[]" : "{}";
  if (items.length === 0) return `${open}${close}`;
  const line = `\n${" ".repeat(depth + 1)}`;
  return `${open}${line}${items.join(`,${line}`)}\n${" ".repeat(depth)}${close}`;
}
