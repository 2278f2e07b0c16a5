// Chooses the task store by name.

import { InvalidArgumentError } from "../base/index.ts";
import type { Retention, TaskStore } from "../core/index.ts";
import { MemoryStore } from "./memory-store.ts";
import { NoneStore } from "./none-store.ts";
import { SqliteStore } from "./sqlite-store.ts";

/** Which store, and its bounds. */
export type TaskStoreOptions =
  | { readonly kind: "none" }
  | { readonly kind: "memory"; readonly retention?: Partial<Retention> | undefined }
  | { readonly kind: "sqlite"; readonly path: string; readonly retention?: Partial<Retention> | undefined };

/** Makes a store. Throws StoreError when its file cannot be used, ConfigError for a wrong bound. */
export function createTaskStore(options: TaskStoreOptions): TaskStore {
  switch (options.kind) {
    case "none":
      return new NoneStore();
    case "memory":
      return new MemoryStore({ retention: options.retention });
    case "sqlite":
      return new SqliteStore({ path: options.path, retention: options.retention });
    default:
      options satisfies never;
      throw new InvalidArgumentError(`unknown task store "${String((options as { kind?: unknown }).kind)}"; known are none, memory and sqlite`);
  }
}
