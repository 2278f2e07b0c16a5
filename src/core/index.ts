// The machines: synchronous, without sockets, clocks or promises. Shells feed them events and perform their effects.

export * from "./hub/index.ts";
export * from "./scheduler/index.ts";
export * from "./upkeep/index.ts";
export * from "./broadcast/index.ts";
export * from "./relay/index.ts";
export * from "./client/index.ts";
export * from "./engine/index.ts";
export * from "./notebook/index.ts";
