// The Hub's machines: registration, hearts, task records, queries.

export * from "./hearts.ts";
export * from "./monitor-events.ts";
export * from "./parked-questions.ts";
export * from "./queries.ts";
export * from "./query-glob.ts";
export * from "./query-language.ts";
export * from "./records.ts";
export * from "./registration.ts";
export * from "./task-record.ts";
export * from "./task-store.ts";
