// The task scheduler (protocol §7): which engine runs which task, and when.

export * from "./events.ts";
export * from "./options.ts";
