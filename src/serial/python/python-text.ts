// Python's texts. A `str` may hold half surrogate pairs, as a JavaScript string may, and pickle writes them as three bytes
// each ("surrogatepass"), which plain UTF-8 coders replace. Protocol 0 writes texts in lines with escapes.

const isWellFormed = (text: string): boolean => (text as unknown as { isWellFormed(): boolean }).isWellFormed();

/** Encodes a text as pickle does; lone surrogates take three bytes. */
export function encodeText(text: string): Buffer {
  if (isWellFormed(text)) return Buffer.from(text);
  const parts: Buffer[] = [];
  for (const char of text) {
    const code = char.codePointAt(0) as number;
    const isLone = code >= 0xd800 && code <= 0xdfff;
    parts.push(isLone ? Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]) : Buffer.from(char));
  }
  return Buffer.concat(parts);
}

/** Decodes what `encodeText` or Python wrote. */
export function decodeText(bytes: Buffer): string {
  const text = bytes.toString();
  return text.includes("\uFFFD") ? decodeSurrogates(bytes) : text;
}

/** Surrogates are ED A0…BF xx; whatever lies between them is UTF-8. */
function decodeSurrogates(bytes: Buffer): string {
  let text = "";
  let from = 0;
  for (let at = bytes.indexOf(0xed); at >= 0 && at + 2 < bytes.length; at = bytes.indexOf(0xed, at + 1)) {
    const [second, third] = [bytes[at + 1] as number, bytes[at + 2] as number];
    if (second < 0xa0 || (third & 0xc0) !== 0x80 || at < from) continue;
    text += bytes.toString("utf8", from, at) + String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | (third & 0x3f));
    from = at + 3;
  }
  return text + bytes.toString("utf8", from);
}

/** A line of protocol 0: Latin-1 with `\uXXXX` and `\UXXXXXXXX`. */
export function decodeRawUnicodeEscape(line: string): string {
  return line.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, short: string | undefined, long: string | undefined) => {
    const code = Number.parseInt(short ?? long ?? "", 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\\": "\\", "'": "'", '"': '"', a: "\x07", b: "\b", f: "\f", v: "\v" };

/** A quoted line of protocol 0, as Python 2 wrote its byte strings; `undefined` when it is not quoted. */
export function decodeQuoted(line: string): string | undefined {
  const quote = line[0];
  if (line.length < 2 || (quote !== "'" && quote !== '"') || line.at(-1) !== quote) return undefined;
  return line.slice(1, -1).replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))/gs, (whole, hex: string | undefined, octal: string | undefined, char: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    return ESCAPES[char] ?? whole;
  });
}

/** Orders texts by code points, as Python sorts them; JavaScript compares UTF-16 units. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;
    // Surrogates stand for code points above all other units.
    if (isHigh(x) !== isHigh(y)) return isHigh(x) ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}
