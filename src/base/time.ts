// Time as data: the pure floor never reads a clock, it is told. Dates on the wire are UTC with microseconds.

import type { Branded } from "./ids.ts";

/** Milliseconds since the Unix epoch, possibly with a fraction (microseconds). */
export type Millis = Branded<number, "Millis">;

/** Takes a number for milliseconds since the epoch. */
export const millis = (value: number): Millis => value as Millis;

/** Where the shells get the time from; tests and the simulator give their own. */
export interface Clock {
  /** Wall clock: milliseconds since the epoch, with a fraction where the platform has one. */
  now(): Millis;
}

/** Random numbers in [0, 1), from a seed in tests. */
export interface Rng {
  next(): number;
}

/** The second that was formatted last, and its text up to the point: each message has a date or more, and thousands have the same second. */
let lastSecond = Number.NaN;
let lastText = "";

/**
 * Formats a time as the wire wants it: `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
 *
 * @param at milliseconds since the epoch; the fraction becomes the last three digits
 */
export function isoMicros(at: Millis): string {
  // Rounded, since a time of today has no exact microseconds as a floating-point number of milliseconds.
  const micros = Math.round(at * 1000);
  const second = Math.floor(micros / 1e6);
  if (second !== lastSecond) {
    lastText = new Date(second * 1000).toISOString().slice(0, -4);
    lastSecond = second;
  }
  return `${lastText}${String(micros - second * 1e6).padStart(6, "0")}Z`;
}

const ISO_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.(\d{1,6}))?(?:Z|[+-]\d{2}:?\d{2})?$/;

/**
 * Reads a wire date (jupyter_client's rule: 1 to 6 fractional digits, `Z`, an offset, or none for UTC here).
 *
 * @returns the time with its microseconds, or `undefined` when the text is not such a date
 */
export function parseIsoDate(text: string): Millis | undefined {
  const quick = parseFullDate(text);
  if (quick !== undefined) return quick;
  const match = ISO_DATE.exec(text);
  if (match === null) return undefined;
  const fraction = (match[1] ?? "").padEnd(6, "0");
  const zone = /(?:Z|[+-]\d{2}:?\d{2})$/.exec(text)?.[0] ?? "Z";
  const offset = zone === "Z" || zone.includes(":") ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const base = Date.parse(`${text.slice(0, 19)}${offset}`);
  if (Number.isNaN(base)) return undefined;
  return millis(base + Number(fraction) / 1000);
}

/**
 * Reads `YYYY-MM-DDTHH:MM:SS.ffffffZ`, as nearly all dates of messages are, three times as quick as the general way.
 * Leaves everything else to that: other forms, and fields at the edge of their ranges.
 */
function parseFullDate(text: string): Millis | undefined {
  if (
    text.length !== 27 ||
    text[4] !== "-" ||
    text[7] !== "-" ||
    text[10] !== "T" ||
    text[13] !== ":" ||
    text[16] !== ":" ||
    text[19] !== "." ||
    text[26] !== "Z"
  )
    return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  const micros = digits(text, 20, 26);
  const isPlain = year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 28 && hour <= 23 && minute <= 59 && second <= 59 && micros >= 0;
  return isPlain ? millis(Date.UTC(year, month - 1, day, hour, minute, second) + micros / 1000) : undefined;
}

/** The number that some characters of a text spell; NaN, which is in no range, when one is not a digit. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
