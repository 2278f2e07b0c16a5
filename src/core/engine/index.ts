// The engine's machine: the queue of requests, what is aborted, what state is told.

export * from "./events.ts";
export * from "./request-queue.ts";
