// What `execute` gives: the count of the cell and its output.

import type { DisplayOutput, RequestRecord } from "../core/client/index.ts";
import { isDict, type Dict } from "../wire/index.ts";

/** The end of one `execute` on one engine. Output is complete once the AsyncResult was awaited. */
export class ExecuteReply {
  /** Number of the cell on this engine; silent executions repeat the last one. */
  readonly executionCount: number | null;
  /** Values of `userExpressions`, as MIME bundles. */
  readonly userExpressions: Dict;
  readonly #record: RequestRecord;

  /** @internal Made by `execute`. */
  constructor(record: RequestRecord, content: Dict) {
    const count = content["execution_count"];
    this.executionCount = typeof count === "number" ? count : null;
    this.userExpressions = isDict(content["user_expressions"]) ? content["user_expressions"] : {};
    this.#record = record;
  }

  /** Id of the engine; `null` when it is not known any more. */
  get engineId(): number | null {
    return typeof this.#record.engineId === "number" ? this.#record.engineId : null;
  }

  /** What the cell printed. */
  get stdout(): string {
    return this.#record.output?.stdout ?? "";
  }

  /** What the cell wrote to standard error. */
  get stderr(): string {
    return this.#record.output?.stderr ?? "";
  }

  /** What the cell displayed. */
  get outputs(): readonly DisplayOutput[] {
    return this.#record.output?.outputs ?? [];
  }

  /** MIME bundle of the last value; `undefined` when silent or when there was none. */
  get result(): DisplayOutput | undefined {
    return this.#record.output?.executeResult;
  }

  /** The last value as text, or what was printed. */
  toString(): string {
    const text = this.result?.data["text/plain"];
    const shown = typeof text === "string" ? text : this.stdout;
    return `Out[${this.engineId ?? "?"}:${this.executionCount ?? "?"}] ${shown}`;
  }
}
