// The completion rules behind AsyncResult: pure functions over the parts of a result. A part is one request.

/** One request's part of a result. */
export interface ResultPart {
  readonly state: "pending" | "ok" | "failed";
  /** Items of the result that come from this part: 1, or the length of a map's chunk. */
  readonly itemCount: number;
}

/** Whether every part has ended. */
export function isComplete(parts: readonly ResultPart[]): boolean {
  for (const part of parts) if (part.state === "pending") return false;
  return true;
}

/** Whether every part ended well. */
export function isAllOk(parts: readonly ResultPart[]): boolean {
  for (const part of parts) if (part.state !== "ok") return false;
  return true;
}

/** Items whose part has ended, well or not. */
export function finishedItems(parts: readonly ResultPart[]): number {
  let count = 0;
  for (const part of parts) if (part.state !== "pending") count += part.itemCount;
  return count;
}

/** All items. */
export function totalItems(parts: readonly ResultPart[]): number {
  let count = 0;
  for (const part of parts) count += part.itemCount;
  return count;
}

/** When requests were submitted, ran and came back, in milliseconds since the epoch. */
export interface PartTimes {
  readonly submitted: number | undefined;
  readonly started: number | undefined;
  readonly completed: number | undefined;
  readonly received: number | undefined;
}

/** Sum of the times engines spent computing, in seconds. */
export function serialSeconds(times: readonly PartTimes[]): number {
  let sum = 0;
  for (const { started, completed } of times) if (started !== undefined && completed !== undefined) sum += completed - started;
  return sum / 1000;
}

/** From the first submission to the last receipt, in seconds. */
export function wallSeconds(times: readonly PartTimes[]): number {
  let first = Infinity;
  let last = -Infinity;
  for (const { submitted, received } of times) {
    if (submitted !== undefined && submitted < first) first = submitted;
    if (received !== undefined && received > last) last = received;
  }
  return last > first ? (last - first) / 1000 : 0;
}
