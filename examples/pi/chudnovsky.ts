// Digits of pi by the series of D. V. and G. V. Chudnovsky (1988), summed by binary splitting. A range of terms gives
// three integers that combine associatively, so the ranges can be summed anywhere and in any order.

/** What a range of terms sums to: `P`, `Q` and `T` of binary splitting. */
export interface PartialSum {
  readonly p: bigint;
  readonly q: bigint;
  readonly t: bigint;
}

/** Decimal digits that one term of the series adds. */
const DIGITS_PER_TERM = 14.181647462725477;
const LINEAR_START = 13591409n;
const LINEAR_STEP = 545140134n;
/** 640320³ / 24. */
const CUBE = 10939058860032000n;

/** How many terms give so many decimals. */
export function termsFor(decimals: number): number {
  return Math.ceil(decimals / DIGITS_PER_TERM) + 2;
}

/** Sums the terms from `from` up to, not including, `to`. */
export function sumTerms(from: number, to: number): PartialSum {
  if (to - from > 1) {
    const middle = (from + to) >> 1;
    return combine(sumTerms(from, middle), sumTerms(middle, to));
  }
  if (from === 0) return { p: 1n, q: 1n, t: LINEAR_START };
  const k = BigInt(from);
  const p = (6n * k - 5n) * (2n * k - 1n) * (6n * k - 1n);
  const size = p * (LINEAR_START + LINEAR_STEP * k);
  return { p, q: k * k * k * CUBE, t: from % 2 === 0 ? size : -size };
}

/** Joins two neighbouring ranges. */
export function combine(left: PartialSum, right: PartialSum): PartialSum {
  return { p: left.p * right.p, q: left.q * right.q, t: left.t * right.q + left.p * right.t };
}

/** Joins neighbouring ranges pairwise, so that numbers of like size meet. */
export function combineAll(sums: readonly PartialSum[]): PartialSum {
  if (sums.length <= 1) return sums[0] ?? { p: 1n, q: 1n, t: 0n };
  const middle = sums.length >> 1;
  return combine(combineAll(sums.slice(0, middle)), combineAll(sums.slice(middle)));
}

/** A fraction of one, from 0 on: `value / 2^bits`. */
export interface Fraction {
  readonly value: bigint;
  readonly bits: number;
}

const BITS_PER_DIGIT = Math.log2(10);
/** More than the digits need, so that what is cut off below changes none unless some 18 nines or zeros stand in a row there. */
const GUARD_BITS = 64;
/** Of the number under the root in the series. */
const RADICAND = 10_005n;
const FACTOR = 426_880n;

const bitsFor = (digits: number): number => Math.ceil(digits * BITS_PER_DIGIT) + GUARD_BITS;

/** `sqrt(10005)` with `bitsFor(decimals)` bits behind the point: needs nothing of the series, so it can be had meanwhile. */
export function rootFor(decimals: number): bigint {
  return RADICAND * inverseRoot(bitsFor(decimals));
}

/** `2^bits / sqrt(10005)` by Newton's method, which doubles the bits in each step and needs no division. */
function inverseRoot(bits: number): bigint {
  const start = 50;
  if (bits <= start) return BigInt(Math.round(2 ** bits / Math.sqrt(Number(RADICAND))));
  const half = (bits >> 1) + 16;
  const guess = inverseRoot(half);
  const rest = (1n << BigInt(2 * half)) - RADICAND * guess * guess;
  return (guess << BigInt(bits - half)) + ((guess * rest) >> BigInt(3 * half + 1 - bits));
}

/** What stands behind "3." from the sum of the first `termsFor(decimals)` terms. */
export function fractionFrom({ q, t }: PartialSum, decimals: number, root: bigint = rootFor(decimals)): Fraction {
  const bits = bitsFor(decimals);
  // Both have many more digits than are wanted.
  const surplus = BigInt(Math.max(0, t.toString(16).length * 4 - bits - GUARD_BITS));
  return { value: BigInt.asUintN(bits, (FACTOR * (q >> surplus) * root) / (t >> surplus)), bits };
}

const fiveTo = new Map<number, bigint>();

/** `5^digits`, which together with a shift is `10^digits`. */
function powerOfFive(digits: number): bigint {
  const known = fiveTo.get(digits);
  if (known !== undefined) return known;
  const power = 5n ** BigInt(digits);
  fiveTo.set(digits, power);
  return power;
}

/**
 * Cuts a fraction with `pieces × digitsEach` digits into the fractions of its pieces, in order. The first half needs only the leading
 * bits; for the second the point moves to the right, by one multiplication.
 */
export function split(fraction: Fraction, pieces: number, digitsEach: number): Fraction[] {
  if (pieces === 1) return [fraction];
  const left = Math.ceil(pieces / 2);
  const moved = left * digitsEach;
  const rest = shorten(
    { value: BigInt.asUintN(fraction.bits - moved, fraction.value * powerOfFive(moved)), bits: fraction.bits - moved },
    (pieces - left) * digitsEach,
  );
  return [...split(shorten(fraction, moved), left, digitsEach), ...split(rest, pieces - left, digitsEach)];
}

/** Without the bits that so many digits do not need. */
function shorten({ value, bits }: Fraction, digits: number): Fraction {
  const surplus = Math.max(0, bits - bitsFor(digits));
  return { value: value >> BigInt(surplus), bits: bits - surplus };
}

/** The first digits of a fraction. */
export function digitsOf({ value, bits }: Fraction, digits: number): string {
  return ((value * powerOfFive(digits)) >> BigInt(bits - digits)).toString().padStart(digits, "0");
}

/** The decimals of pi behind "3.", from the sum of the first `termsFor(decimals)` terms. */
export function decimalsFrom(sum: PartialSum, decimals: number): string {
  const fraction = fractionFrom(sum, decimals);
  const pieces = 2 ** Math.max(0, Math.floor(Math.log2(decimals / 10_000)));
  const each = Math.ceil(decimals / pieces);
  // Equal pieces may give a few digits too many, which mean nothing.
  return split({ value: fraction.value << BigInt(pieces * 4), bits: fraction.bits + pieces * 4 }, pieces, each)
    .map((piece) => digitsOf(piece, each))
    .join("")
    .slice(0, decimals);
}

/** Published decimals of pi: position of the first (1 is the "1" behind "3."), and the digits there. */
export const KNOWN_DECIMALS: readonly { readonly position: number; readonly digits: string }[] = [
  { position: 1, digits: "14159265358979323846264338327950288419716939937510" },
  { position: 762, digits: "999999" },
  { position: 99_991, digits: "5493624646" },
  { position: 999_991, digits: "5779458151" },
  { position: 1_722_776, digits: "9999999" },
  { position: 4_722_613, digits: "8888888" },
  { position: 9_470_344, digits: "1234567" },
];

/** The known decimals that the text contradicts; those behind its end are not looked at. */
export function contradictions(decimals: string): string[] {
  return KNOWN_DECIMALS.filter(({ position, digits }) => position - 1 + digits.length <= decimals.length)
    .filter(({ position, digits }) => decimals.slice(position - 1, position - 1 + digits.length) !== digits)
    .map(({ position, digits }) => `decimal ${position} should begin ${digits}`);
}
