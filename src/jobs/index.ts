// Shell jobs on an engine: `runJob` is what a client sends; the runners behind it are here for tests and benchmarks.

export { Guard } from "./guard.ts";
export { BashServerRunner, canExport, canServe } from "./bash-server-runner.ts";
export { CMD_BYTES_MAX, DEFAULT_SHELL, findRefusal, type JobOutcome, type JobRunner, type JobSpec } from "./job.ts";
export { signalOfCode } from "./process-group.ts";
export { runJob } from "./run-job.ts";
export { isLiteralCommand, shellQuote } from "./shell-text.ts";
export { SpawnRunner } from "./spawn-runner.ts";
