// The broadcast scheduler (protocol §3.5): one request to many engines, replies relayed or merged.

export * from "./events.ts";
export { BroadcastScheduler, type BroadcastLoad } from "./broadcast-scheduler.ts";
