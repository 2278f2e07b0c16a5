// The Hub's machines: registration, hearts, task records, queries.

export * from "./task-record.ts";
