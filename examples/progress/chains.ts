// Chains of Collatz: an even number is halved, an odd one becomes three times itself and one, until it is 1. Nobody knows why that always
// ends; how many steps it takes is easily counted.

/** A number whose chain is longer than those of all smaller ones. */
export interface LongChain {
  readonly number: number;
  readonly steps: number;
}

/** All such numbers below a hundred million, as published (A006877 of the encyclopedia of integer sequences). */
export const PUBLISHED: readonly number[] = [
  1, 2, 3, 6, 7, 9, 18, 25, 27, 54, 73, 97, 129, 171, 231, 313, 327, 649, 703, 871, 1161, 2223, 2463, 2919, 3711, 6171, 10_971, 13_255, 17_647, 23_529, 26_623,
  34_239, 35_655, 52_527, 77_031, 106_239, 142_587, 156_159, 216_367, 230_631, 410_011, 511_935, 626_331, 837_799, 1_117_065, 1_501_353, 1_723_519, 2_298_025,
  3_064_033, 3_542_887, 3_732_423, 5_649_499, 6_649_279, 8_400_511, 11_200_681, 14_934_241, 15_733_191, 31_466_382, 36_791_535, 63_728_127,
];

/** Steps from a number to 1. Below a hundred million no chain leaves the whole numbers that JavaScript keeps exactly. */
export function stepsFrom(number: number): number {
  let steps = 0;
  for (let n = number; n !== 1; steps += 1) n = (n & 1) === 0 ? n / 2 : 3 * n + 1;
  return steps;
}

/** Of several lists of long chains, those that are longer than all of smaller numbers. */
export function longestOf(lists: readonly (readonly LongChain[])[]): LongChain[] {
  let most = -1;
  return lists
    .flat()
    .toSorted((a, b) => a.number - b.number)
    .filter(({ steps }) => {
      const isLonger = steps > most;
      most = Math.max(most, steps);
      return isLonger;
    });
}
