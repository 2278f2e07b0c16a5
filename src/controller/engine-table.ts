// The engine table on disk, `log/engines<cluster_id>.json` (protocol §2.3): written whenever engines come or go, at most
// a few times a second, and read again by a controller that restores.

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { ConfigError } from "../base/index.ts";
import { fileFailure } from "../config/index.ts";
import type { EngineTable } from "../core/index.ts";
import type { Logger } from "../log/index.ts";
import { isDict } from "../wire/index.ts";

const WRITE_DELAY_MS = 50;

/** Keeps the file up to date. */
export class EngineTableFile {
  readonly #path: string;
  readonly #logger: Logger;
  #waiting: (() => EngineTable) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hasFailed = false;

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  /** Writes soon what the table is then. */
  put(table: () => EngineTable): void {
    this.#waiting = table;
    this.#timer ??= setTimeout(() => this.flush(), WRITE_DELAY_MS);
  }

  /** Writes what waits. A table that cannot be written is told once: the cluster works without it. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting === undefined) return;
    try {
      const temporary = `${this.#path}.${process.pid}.tmp`;
      writeFileSync(temporary, JSON.stringify(this.#waiting()), { mode: 0o600 });
      renameSync(temporary, this.#path);
    } catch (cause) {
      if (!this.#hasFailed)
        this.#logger.warn("cannot write the engine table; --restore will not know these engines", { file: this.#path, cause: fileFailure(cause) });
      this.#hasFailed = true;
    }
    this.#waiting = undefined;
  }
}

/**
 * Reads the table of an earlier run.
 *
 * @throws ConfigError when there is none that can be read
 */
export function readEngineTable(path: string): EngineTable {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new ConfigError(`cannot restore engines from ${path}: ${fileFailure(cause)}; start without --restore`, { cause });
  }
  const engines = isDict(content) ? content["engines"] : undefined;
  const nextId = isDict(content) ? content["next_id"] : undefined;
  if (!isDict(engines) || typeof nextId !== "number")
    throw new ConfigError(`cannot restore engines from ${path}: it is no engine table; start without --restore`);
  const properties = isDict(content) ? content["properties"] : undefined;
  const told = isDict(properties) ? { properties: properties as NonNullable<EngineTable["properties"]> } : {};
  return { engines: engines as EngineTable["engines"], next_id: nextId, ...told };
}
