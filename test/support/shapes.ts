// The shape of a JSON value: its keys and the types of what they hold, not the values. Recorded answers and ours are compared by it.

/** Keys that are facts, not names: ids of engines, of messages, and uuids. */
const FACT_KEY = /^(\d+|[0-9a-f]{8}-[0-9a-f]{24}(_.*)?)$/;

/** Types of a value's parts; a list has the shapes of its elements, each once. */
export function shapeOf(value: unknown): unknown {
  if (value === null) return "null";
  if (Array.isArray(value)) {
    const shapes = new Map(value.map((item) => [JSON.stringify(shapeOf(item)), shapeOf(item)]));
    return [...shapes.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, shape]) => shape);
  }
  if (typeof value !== "object") return typeof value;
  const shapes = Object.entries(value).map(([key, item]) => [FACT_KEY.test(key) ? "<id>" : key, shapeOf(item)] as const);
  return Object.fromEntries(shapes.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** A value without some keys at its top. */
export function without(value: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}
