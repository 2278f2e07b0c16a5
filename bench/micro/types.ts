// The shape of a benchmark's result, for all of them.

/** One figure. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** A count or hash of what was computed, so that nothing can be optimised away unseen. */
  readonly check: string;
}
