// The ground floor: errors, identifiers, time and small containers. Pure; imports nothing.

export * from "./bounded-map.ts";
export * from "./bounded-set.ts";
export * from "./errors.ts";
export * from "./event-turns.ts";
export * from "./heap.ts";
export * from "./ids.ts";
export * from "./kernel-errors.ts";
export * from "./kernel-failure.ts";
export * from "./of-process.ts";
export * from "./process-wide.ts";
export * from "./ring-queue.ts";
export * from "./rng.ts";
export * from "./time.ts";
export * from "./version.ts";
