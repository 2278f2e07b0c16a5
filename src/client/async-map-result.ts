// The result of a map: one list, made of the chunks' lists.

import { AsyncResult, type ResultOwner, type ResultShape } from "./async-result.ts";
import type { RequestHandle } from "./request-handle.ts";

/** Chunks that were mapped, in order. */
const CHUNKS: ResultShape<unknown[], unknown> = {
  arity: "many",
  join: (values) => joinChunks(values as readonly (readonly unknown[])[]),
  items: (value) => value as readonly unknown[],
};

/** Ten times as quick as `flat` for a million items. */
function joinChunks(chunks: readonly (readonly unknown[])[]): unknown[] {
  const all: unknown[] = [];
  for (const chunk of chunks) for (const item of chunk) all.push(item);
  return all;
}

/** Results of a map over a sequence. `await` gives all in the order of the input; `for await` gives them as they come. */
export class AsyncMapResult<R> extends AsyncResult<R[], R, "many"> {
  readonly #isOrdered: boolean;

  /** @internal Made by views. */
  constructor(parts: readonly RequestHandle[], owner: ResultOwner, isOrdered = true) {
    super(parts, CHUNKS as ResultShape<R[], R>, owner);
    this.#isOrdered = isOrdered;
  }

  /** Items in the order of the input or, for an unordered map, of their completion. */
  override async *[Symbol.asyncIterator](): AsyncGenerator<R, void, undefined> {
    if (this.#isOrdered) yield* super[Symbol.asyncIterator]();
    else yield* this.#asCompleted();
  }

  async *#asCompleted(): AsyncGenerator<R, void, undefined> {
    const finished: RequestHandle[] = [];
    let wake: (() => void) | undefined;
    const stops = this.parts.map((part) =>
      part.onSettled(() => {
        finished.push(part);
        wake?.();
      }),
    );
    try {
      for (let seen = 0; seen < this.parts.length;) {
        const part = finished[seen];
        if (part !== undefined) {
          seen += 1;
          yield* this.itemsOf(part);
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      for (const stop of stops) stop();
    }
  }

  override get [Symbol.toStringTag](): string {
    return "AsyncMapResult";
  }
}
