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

/** The decimals of pi behind "3.", from the sum of the first `termsFor(decimals)` terms. */
export function decimalsFrom(sum: PartialSum, decimals: number): string {
  const guard = 10;
  const one = 10n ** BigInt(decimals + guard);
  const root = squareRoot(10005n * one * one);
  return ((sum.q * 426880n * root) / sum.t).toString().slice(1, decimals + 1);
}

/** Integer square root by Newton's method, the first digits from the root of the leading half. */
function squareRoot(value: bigint): bigint {
  if (value < 1n << 50n) return BigInt(Math.floor(Math.sqrt(Number(value))));
  const shift = BigInt(value.toString(16).length);
  let guess = (squareRoot(value >> (2n * shift)) + 1n) << shift;
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** Published decimals of pi: position of the first (1 is the "1" behind "3."), and the digits there. */
export const KNOWN_DECIMALS: readonly { readonly position: number; readonly digits: string }[] = [
  { position: 1, digits: "14159265358979323846264338327950288419716939937510" },
  { position: 762, digits: "999999" },
  { position: 99_991, digits: "5493624646" },
  { position: 999_991, digits: "5779458151" },
];

/** The known decimals that the text contradicts; those behind its end are not looked at. */
export function contradictions(decimals: string): string[] {
  return KNOWN_DECIMALS.filter(({ position, digits }) => position - 1 + digits.length <= decimals.length)
    .filter(({ position, digits }) => decimals.slice(position - 1, position - 1 + digits.length) !== digits)
    .map(({ position, digits }) => `decimal ${position} should begin ${digits}`);
}
