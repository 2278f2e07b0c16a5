// A wave on a square membrane that is held at its edges, by finite differences. A strip of its rows is advanced step by step; with a row of
// either neighbour above and below, which whoever has them must bring up to date before each step. One strip of all rows is the whole membrane.

/** Speed of the wave times the step in time over that in space, squared; up to 1/2 it is stable. */
const COURANT_SQUARED = 0.25;

/** Rows `from` up to, not including, `to`, of a membrane of `size` rows and columns. Each array has a further row at either end. */
export interface Strip {
  readonly size: number;
  readonly from: number;
  readonly to: number;
  before: Float64Array;
  now: Float64Array;
}

/** The start: a bump aside of the middle, at rest. */
export function startStrip(size: number, from: number, to: number): Strip {
  const now = new Float64Array((to - from + 2) * size);
  for (let row = 0; row < to - from + 2; row += 1) {
    for (let column = 1; column < size - 1; column += 1) {
      const [x, y] = [column / size - 0.35, (from + row - 1) / size - 0.4];
      const isEdge = from + row - 1 <= 0 || from + row - 1 >= size - 1;
      now[row * size + column] = isEdge ? 0 : Math.exp(-400 * (x * x + y * y));
    }
  }
  return { size, from, to, before: now.slice(), now };
}

/** One step in time. */
export function advance(strip: Strip): void {
  const { size, from, to, before, now } = strip;
  const first = from === 0 ? 2 : 1;
  const last = to === size ? to - from - 1 : to - from;
  for (let row = first; row <= last; row += 1) {
    const begin = row * size;
    for (let i = begin + 1; i < begin + size - 1; i += 1) {
      const here = now[i]!;
      const around = now[i - size]! + now[i + size]! + now[i - 1]! + now[i + 1]! - 4 * here;
      before[i] = 2 * here - before[i]! + COURANT_SQUARED * around;
    }
  }
  strip.before = now;
  strip.now = before;
}

/** A row of the strip: 1 is its first own one, 0 what it has of its neighbour above. */
export const rowOf = ({ size, now }: Strip, row: number): Float64Array => now.subarray(row * size, (row + 1) * size);

/** The strip's own rows. */
export const ownRows = ({ size, from, to, now }: Strip): Float64Array => now.slice(size, (to - from + 1) * size);
