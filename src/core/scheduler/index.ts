// The task scheduler (protocol §7): which engine runs which task, and when.

export * from "./events.ts";
export * from "./options.ts";
export type { Listed, TaskAttempts, TaskExplanation } from "./explain.ts";
export type { EngineWorkload, Workload } from "./workload.ts";
export type { Transition } from "./story.ts";
export { TaskScheduler } from "./task-scheduler.ts";
