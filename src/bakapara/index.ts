// Bakapara: embarrassingly parallel shell jobs. `Bakapara` runs a list of them; `JobRun` is the stream behind it and behind
// the command.

export { Bakapara, type RunTargets, type StatusOptions } from "./bakapara.ts";
export { EXIT_CANNOT_RUN, EXIT_MANY_FAILED, exitStatus, readHalt, shouldHalt, type HaltRule } from "./halt.ts";
export { formatElapsed, isSuccess, readJob, unrunResult, type Job, type JobResult } from "./job.ts";
export { DoneJobs, isRecordedEnd, jobKey } from "./job-key.ts";
export { KeyWatch } from "./key-watch.ts";
export { JobLineReader, LINE_BYTES_MAX, type BadLine, type GoodLine, type JobLine } from "./job-lines.ts";
export { JobRun, type EndedJob, type RunOptions } from "./job-run.ts";
