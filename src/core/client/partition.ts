// How sequences are cut: into as many parts as there are targets (scatter, DirectView.map), or into chunks for the
// load-balanced scheduler.

/** A part of a sequence: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Cuts `length` items into `parts` contiguous spans, the first `length mod parts` one longer (the reference's rule). */
export function blockSpans(length: number, parts: number): Span[] {
  const short = Math.floor(length / parts);
  const longer = length % parts;
  const spans: Span[] = [];
  let start = 0;
  for (let i = 0; i < parts; i += 1) {
    const end = start + short + (i < longer ? 1 : 0);
    spans.push({ start, end });
    start = end;
  }
  return spans;
}

/** Cuts `length` items into spans of `size`, the last one shorter. */
export function chunkSpans(length: number, size: number): Span[] {
  const spans: Span[] = [];
  for (let start = 0; start < length; start += size) spans.push({ start, end: Math.min(length, start + size) });
  return spans;
}

/** Chunks each engine gets of a map about, so that engines of different speed end together. */
export const CHUNKS_PER_ENGINE = 12;
/** Items of one chunk at most. */
export const CHUNK_ITEMS_MAX = 10_000;
/** Towards the end of a map a chunk is this part of what each engine has left. */
const GUIDED_PARTS = 2;
/** The last chunks are not smaller than this part of the first ones: each costs a message. */
const SHRINK_MAX = 8;

/**
 * Size of a map's next chunk when the user names none: about `CHUNKS_PER_ENGINE` for each engine, so that few items go one
 * by one (best balance) and many go in bulk (least cost), never more than `CHUNK_ITEMS_MAX`; and towards the end ever
 * smaller ones, so that no engine is left with a whole chunk when the others have nothing to do any more. That is guided
 * self-scheduling with a least size (C. D. Polychronopoulos, D. J. Kuck: Guided Self-Scheduling, IEEE Transactions on Computers
 * C-36, 1987: a part of what is left for each processor), with a largest size beside it, because times of items are not known.
 *
 * @param left items not yet cut, at least 1
 * @param total items of the whole map
 */
export function autoChunkSize(left: number, total: number, engines: number): number {
  const processors = Math.max(1, engines);
  const wanted = total / (processors * CHUNKS_PER_ENGINE);
  const largest = Math.min(CHUNK_ITEMS_MAX, Math.max(1, Math.ceil(wanted)));
  // Where the bound makes the largest ones small beside what an engine gets, they need not shrink as much.
  const least = Math.min(largest, Math.ceil(wanted / SHRINK_MAX));
  return Math.min(largest, Math.max(least, Math.ceil(left / (processors * GUIDED_PARTS))));
}

/** Items `part`, `part + parts`, …: cutting by round robin. */
export function roundRobin<T>(items: ArrayLike<T>, parts: number, part: number): T[] {
  const mine: T[] = [];
  for (let i = part; i < items.length; i += parts) mine.push(items[i] as T);
  return mine;
}

/** Puts sequences cut by round robin together again. */
export function interleave<T>(parts: readonly ArrayLike<T>[]): T[] {
  const longest = Math.max(0, ...parts.map((part) => part.length));
  const whole: T[] = [];
  for (let i = 0; i < longest; i += 1) for (const part of parts) if (i < part.length) whole.push(part[i] as T);
  return whole;
}
