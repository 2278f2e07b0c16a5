// Task stores: where the Hub's records of requests live, behind one interface.

export { createTaskStore, type TaskStoreOptions } from "./create-task-store.ts";
export { MemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export { NoneStore } from "./none-store.ts";
export { DEFAULT_RETENTION } from "./retention.ts";
export { SqliteStore, type SqliteStoreOptions } from "./sqlite-store.ts";
export type { Retention, TaskQuery, TaskStore } from "../core/index.ts";
