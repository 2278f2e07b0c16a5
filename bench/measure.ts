// What a benchmark is: it measures this package and, where there is one, a peer doing the same work in the same run, and
// is judged by the ratio, because the machine's speed drifts.

/** One figure with its unit. */
export interface Figure {
  readonly value: number;
  readonly unit: string;
}

/** What a measure found. */
export interface Outcome {
  readonly ours: Figure;
  /** Who was measured beside us; `undefined` with `missing` when it is not installed. */
  readonly peer?: Figure;
  /** Name of a peer that is not installed. */
  readonly missing?: string;
  /** Compared with the floor: ours/peer or peer/ours, or ours alone. `undefined` when the peer is missing. */
  readonly ratio: number | undefined;
  /** More to say: counts, second figures. */
  readonly notes?: string;
}

/** What measures may use. */
export interface BenchContext {
  /** Small inputs: shows that it runs, says nothing about speed. */
  readonly quick: boolean;
  /** A Python that has ipyparallel, or `undefined`. */
  readonly python: string | undefined;
  /** GNU parallel, or `undefined`. */
  readonly parallel: string | undefined;
}

/** A benchmark. */
export interface Measure {
  /** For the command line. */
  readonly name: string;
  /** What is measured, in a line. */
  readonly title: string;
  /** What the ratio must be: at least or at most. */
  readonly floor: { readonly atLeast: number } | { readonly atMost: number };
  run(context: BenchContext): Promise<Outcome>;
}

/** The middle one of some numbers, the upper of two; NaN of none. */
export function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}

/**
 * Our figure beside a peer's, with the ratio ours/peer.
 *
 * @param peer what it reached, or its name when it is not installed
 */
export function compared(ours: Figure, peer: Figure | string, notes?: string): Outcome {
  const more = notes === undefined ? {} : { notes };
  return typeof peer === "string" ? { ours, missing: peer, ratio: undefined, ...more } : { ours, peer, ratio: ours.value / peer.value, ...more };
}

/** Whether an outcome reaches its floor; `undefined` when there is no ratio. */
export function reaches(measure: Measure, outcome: Outcome): boolean | undefined {
  if (outcome.ratio === undefined) return undefined;
  return "atLeast" in measure.floor ? outcome.ratio >= measure.floor.atLeast : outcome.ratio <= measure.floor.atMost;
}
