// Python's tuples and frozensets are arrays and sets here; that they were is remembered, so that they go back as what they
// came as: other tuples would make no dictionary keys and no states of objects.

const TUPLES = new WeakSet<object>();
const FROZEN = new WeakSet<object>();

/** Notes that an array came as a tuple. */
export function markTuple(items: unknown[]): unknown[] {
  TUPLES.add(items);
  return items;
}

/** Whether it came as a tuple. */
export function isTuple(items: object): boolean {
  return TUPLES.has(items);
}

/** Notes that a set came as a frozenset. */
export function markFrozen(items: Set<unknown>): Set<unknown> {
  FROZEN.add(items);
  return items;
}

/** Whether it came as a frozenset. */
export function isFrozen(items: object): boolean {
  return FROZEN.has(items);
}
