// Z85 (ZeroMQ RFC 32): bytes as printable text, four bytes as five characters. CURVE keys travel in it.

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
const BASE = 85;
const GROUP_BYTES = 4;
const GROUP_CHARS = 5;
const GROUP_MAX = 2 ** 32 - 1;
const VALUES: ReadonlyMap<string, number> = new Map(Array.from(DIGITS, (digit, value) => [digit, value]));

/** Characters of a CURVE key, public or secret: 32 bytes. */
export const CURVE_KEY_CHARS = 40;

/** Writes bytes, a multiple of four of them, as text. */
export function z85Encode(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += GROUP_BYTES) {
    const group = view.getUint32(at);
    for (let power = GROUP_CHARS - 1; power >= 0; power -= 1) text += DIGITS[Math.floor(group / BASE ** power) % BASE];
  }
  return text;
}

/** Reads what `z85Encode` wrote; `undefined` when the text is no such. */
export function z85Decode(text: string): Uint8Array | undefined {
  if (text.length % GROUP_CHARS !== 0) return undefined;
  const bytes = new Uint8Array((text.length / GROUP_CHARS) * GROUP_BYTES);
  const view = new DataView(bytes.buffer);
  for (let at = 0, group = 0; at < text.length; at += 1) {
    const value = VALUES.get(text[at] as string);
    if (value === undefined) return undefined;
    group = group * BASE + value;
    if ((at + 1) % GROUP_CHARS !== 0) continue;
    if (group > GROUP_MAX) return undefined;
    view.setUint32(((at + 1) / GROUP_CHARS - 1) * GROUP_BYTES, group);
    group = 0;
  }
  return bytes;
}

/** Whether a text is a CURVE key: 40 characters that stand for 32 bytes. */
export function isCurveKey(text: string): boolean {
  return text.length === CURVE_KEY_CHARS && z85Decode(text) !== undefined;
}
