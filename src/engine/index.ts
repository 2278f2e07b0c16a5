// The engine: runs what clients send, in this process.

export { Engine, EXIT_REGISTRATION, type EngineConfig, type EngineEnd } from "./engine.ts";
export { currentTask, display, type CurrentTask } from "./public.ts";
