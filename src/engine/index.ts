// The engine: runs what clients send, in this process.

export type { EngineConfig, EngineEnd } from "./engine-config.ts";
export { Engine, EXIT_REGISTRATION } from "./engine.ts";
export { currentTask, display, type CurrentTask } from "./public.ts";
