// Leaves out of the requests of one channel the code that their engine has, and keeps them on hold meanwhile.

import type { EngineUuid } from "../base/index.ts";
import { KnownCode } from "../core/index.ts";
import type { Frame } from "../wire/index.ts";
import type { CodeTable, KeptCode } from "./code-table.ts";

/** The sieve of a channel. */
export class CodeSieve {
  readonly #table: CodeTable;
  readonly #known = new KnownCode<KeptCode>();

  constructor(table: CodeTable) {
    this.#table = table;
  }

  engineJoined(engine: EngineUuid, keepsCode: boolean): void {
    if (keepsCode) this.#known.engineJoined(engine);
  }

  engineLeft(engine: EngineUuid): void {
    this.#known.engineLeft(engine);
  }

  /** The buffers of a request as they go to an engine. The request is on hold until it is `answered`. */
  sift(engine: EngineUuid, requestId: string, buffers: readonly Frame[]): readonly Frame[] {
    const { codes } = this.#table.take(buffers);
    if (codes.length === 0) return buffers;
    const missing = this.#known.send(engine, requestId, codes);
    if (missing.length === codes.length) return buffers;
    return [...buffers.slice(0, buffers.length - codes.length), ...missing.map(({ frame }) => frame)];
  }

  /** The engine has answered a request. */
  answered(engine: EngineUuid, requestId: string): void {
    this.#known.answered(engine, requestId);
  }

  /** All the code of a request on hold whose engine misses some. */
  asked(engine: EngineUuid, requestId: string): readonly Frame[] | undefined {
    return this.#known.asked(engine, requestId)?.map(({ frame }) => frame);
  }
}
