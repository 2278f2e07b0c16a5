// Counting digits, and pairs of neighbouring digits, in text.

const ZERO = "0".charCodeAt(0);

/** How often each of the ten digits occurs. */
export function countDigits(digits: string): number[] {
  const counts = Array.from({ length: 10 }, () => 0);
  for (const digit of digits) counts[Number(digit)]! += 1;
  return counts;
}

/** How often each pair from 00 to 99 occurs, at every position: "1415" has 14, 41 and 15. */
export function countPairs(digits: Uint8Array): Uint32Array {
  const counts = new Uint32Array(100);
  let previous = (digits[0] ?? ZERO) - ZERO;
  for (let i = 1; i < digits.length; i += 1) {
    const digit = digits[i]! - ZERO;
    counts[previous * 10 + digit]! += 1;
    previous = digit;
  }
  return counts;
}

/** The sums, element by element. */
export function sumCounts(all: readonly Uint32Array[]): Uint32Array {
  const sums = new Uint32Array(100);
  for (const counts of all) for (let pair = 0; pair < sums.length; pair += 1) sums[pair]! += counts[pair]!;
  return sums;
}
