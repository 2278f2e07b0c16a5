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

/**
 * Formats a time as the wire wants it: `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
 *
 * @param at milliseconds since the epoch; the fraction becomes the last three digits
 */
export function isoMicros(at: Millis): string {
  const whole = Math.floor(at);
  const micros = Math.min(999, Math.floor((at - whole) * 1000));
  return `${new Date(whole).toISOString().slice(0, 23)}${String(micros).padStart(3, "0")}Z`;
}

const ISO_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.(\d{1,6}))?(?:Z|[+-]\d{2}:?\d{2})?$/;

/**
 * Reads a wire date (jupyter_client's rule: 1 to 6 fractional digits, `Z`, an offset, or none for UTC here).
 *
 * @returns the time with its microseconds, or `undefined` when the text is not such a date
 */
export function parseIsoDate(text: string): Millis | undefined {
  const match = ISO_DATE.exec(text);
  if (match === null) return undefined;
  const fraction = (match[1] ?? "").padEnd(6, "0");
  const zone = /(?:Z|[+-]\d{2}:?\d{2})$/.exec(text)?.[0] ?? "Z";
  const offset = zone === "Z" || zone.includes(":") ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const base = Date.parse(`${text.slice(0, 19)}${offset}`);
  if (Number.isNaN(base)) return undefined;
  return millis(base + Number(fraction) / 1000);
}
