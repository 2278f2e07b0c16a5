// The interface that the stores of this room implement is declared by the Hub, which needs it (`core/hub`).

export type { Retention, TaskQuery, TaskStore } from "../core/index.ts";
