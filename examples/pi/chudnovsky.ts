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

/** Without the trailing bits that so many decimals do not need. Only the ratios of `p`, `q` and `t` mean something, so all three lose as many. */
export function trim({ p, q, t }: PartialSum, decimals: number): PartialSum {
  const surplus = BigInt(Math.max(0, lengthOf(q) - bitsFor(decimals) - GUARD_BITS));
  return { p: p >> surplus, q: q >> surplus, t: t >> surplus };
}

/** Joins neighbouring ranges pairwise, so that numbers of like size meet. */
export function combineAll(sums: readonly PartialSum[], decimals: number): PartialSum {
  if (sums.length <= 1) return sums[0] ?? { p: 1n, q: 1n, t: 0n };
  const middle = sums.length >> 1;
  return trim(combine(combineAll(sums.slice(0, middle), decimals), combineAll(sums.slice(middle), decimals)), decimals);
}

/** A fraction of one, from 0 on: `value / 2^bits`. */
export interface Fraction {
  readonly value: bigint;
  readonly bits: number;
}

/** The most decimals: products of two numbers of that precision are the largest integers that V8 has, of 2^30 bits. */
export const DECIMALS_MAX = 160_000_000;

const BITS_PER_DIGIT = Math.log2(10);
/** More than the digits need, so that what is cut off below changes none unless some 30 nines or zeros stand in a row there. */
const GUARD_BITS = 128;
/** Of the number under the root in the series. */
const RADICAND = 10_005n;
const FACTOR = 426_880n;

const bitsFor = (digits: number): number => Math.ceil(digits * BITS_PER_DIGIT) + GUARD_BITS;

/** Bits of a positive number, up to four more than it has. */
const lengthOf = (value: bigint): number => value.toString(32).length * 5;

/** `sqrt(10005)` with `bitsFor(decimals)` bits behind the point. */
function rootFor(decimals: number): bigint {
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

/** `2^bits / (t / 2^length)` for a `t` of `length` bits, up to four less, by Newton's method again. */
function inverse(t: bigint, length: number, bits: number): bigint {
  if (bits <= 1000) return (1n << BigInt(bits + length)) / t;
  const half = (bits >> 1) + 16;
  // The step sees what lies behind `half` bits, so the guess can do with as many of `t`, and the step with `bits` of them.
  const cut = Math.max(0, length - half - 16);
  const guess = inverse(t >> BigInt(cut), length - cut, half);
  const kept = Math.max(0, length - bits - 16);
  const rest = (1n << BigInt(half + length - kept)) - (t >> BigInt(kept)) * guess;
  return (guess << BigInt(bits - half)) + ((guess * (rest >> BigInt(length - kept - half - 32))) >> BigInt(3 * half + 32 - bits));
}

/** `1 / t`, which takes about as long as `numeratorFor`, and does not need it. */
export function inverseFor({ t }: Pick<PartialSum, "t">, decimals: number): Fraction {
  const length = lengthOf(t);
  const bits = bitsFor(decimals);
  return { value: inverse(t, length, bits), bits: bits + length };
}

/** `q × sqrt(10005)`, the part of `fractionFrom` that does not need the inverse; `bits` may be negative: zeros behind the value. */
export function numeratorFor({ q }: Pick<PartialSum, "q">, decimals: number): Fraction {
  const bits = bitsFor(decimals);
  const surplus = Math.max(0, lengthOf(q) - bits);
  return { value: FACTOR * (((q >> BigInt(surplus)) * rootFor(decimals)) >> BigInt(bits)), bits: -surplus };
}

/** What stands behind "3." from the sum of the first `termsFor(decimals)` terms. */
export function fractionFrom(numerator: Fraction, inverted: Fraction, decimals: number): Fraction {
  const bits = bitsFor(decimals);
  return { value: BigInt.asUintN(bits, (numerator.value * inverted.value) >> BigInt(numerator.bits + inverted.bits - bits)), bits };
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
 * Cuts a fraction with `pieces × digitsEach` digits into the fractions of the first half of its pieces, the longer one, and of the rest.
 * The first needs only the leading bits; for the second the point moves to the right, by one multiplication.
 */
export function halve(fraction: Fraction, pieces: number, digitsEach: number): [Fraction, Fraction] {
  const left = Math.ceil(pieces / 2);
  const moved = left * digitsEach;
  const bits = fraction.bits - moved;
  const rest = { value: BigInt.asUintN(bits, fraction.value * powerOfFive(moved)), bits };
  return [shorten(fraction, moved), shorten(rest, (pieces - left) * digitsEach)];
}

/** Cuts a fraction with `pieces × digitsEach` digits into the fractions of its pieces, in order. */
export function split(fraction: Fraction, pieces: number, digitsEach: number): Fraction[] {
  if (pieces === 1) return [fraction];
  const left = Math.ceil(pieces / 2);
  const [before, behind] = halve(fraction, pieces, digitsEach);
  return [...split(before, left, digitsEach), ...split(behind, pieces - left, digitsEach)];
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
  const trimmed = trim(sum, decimals);
  const fraction = fractionFrom(numeratorFor(trimmed, decimals), inverseFor(trimmed, decimals), decimals);
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
