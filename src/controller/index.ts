// The controller: binds Hub and schedulers to sockets, timers and the task store.

export { Controller, startController, type ControllerStats, type EndReason } from "./controller.ts";
export type { HubStats } from "./hub-link.ts";
export type { ControllerOptions } from "./options.ts";
export type { RouterStats } from "./router.ts";
