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

/** Chunks each engine gets of a map, so that engines of different speed end together. */
export const CHUNKS_PER_ENGINE = 32;
/** Items of one chunk at most. */
export const CHUNK_ITEMS_MAX = 10_000;

/**
 * Size of a map's chunks when the user names none: about `CHUNKS_PER_ENGINE` for each engine, so that few items go one
 * by one (best balance) and many go in bulk (least cost), never more than `CHUNK_ITEMS_MAX`.
 */
export function autoChunkSize(items: number, engines: number): number {
  const chunks = Math.max(1, engines) * CHUNKS_PER_ENGINE;
  return Math.min(CHUNK_ITEMS_MAX, Math.max(1, Math.ceil(items / chunks)));
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
