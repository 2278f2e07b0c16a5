// Running a notebook: the file's format, the outputs of cells, which cells are run, and the run itself.

export * from "./cell-outputs.ts";
export * from "./notebook.ts";
export * from "./parameters.ts";
export * from "./plan.ts";
export * from "./run.ts";
export * from "./stream-text.ts";
export * from "./write-notebook.ts";
