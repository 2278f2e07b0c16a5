// What a batch system is to us: how a job is described, submitted, asked for, signalled and cancelled. A description is pure
// data and functions from text to text; running the commands is another file's matter.

/** A command to run; `stdin` is what it reads. */
export interface BatchCommand {
  readonly argv: readonly string[];
  readonly stdin?: string;
}

/** What a command that ran has said. */
export interface CommandOutput {
  /** `null`: a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a job is to run. */
export type BatchRole = "controller" | "engines" | "program";

/** One job with n tasks that the system itself starts, or an array of n jobs of one task. */
export type BatchShape = "tasks" | "array";

/** Where a job, or one task of an array, stands. */
export type TaskStatus =
  /** `reason` is the scheduler's own; `isHopeless`: it says that the job can never start as it is. */
  | { readonly phase: "pending"; readonly reason: string; readonly isHopeless?: boolean }
  | { readonly phase: "running"; readonly host: string }
  /** `exitCode` `null`: not known, or ended by `signal`; `reason`: the system's word for an end that was none of the program's doing. */
  | { readonly phase: "ended"; readonly exitCode: number | null; readonly signal: string | null; readonly host: string; readonly reason: string };

/** Status by the task's number as the system counts; a job without tasks of its own has the number `WHOLE_JOB`. */
export type JobListing = ReadonlyMap<number, TaskStatus>;

/** The number of a job that is no array. */
export const WHOLE_JOB = -1;

/** What to write into a script. */
export interface BatchJobRequest {
  readonly role: BatchRole;
  readonly n: number;
  readonly shape: BatchShape;
  readonly jobName: string;
  readonly profileDir: string;
  readonly clusterId: string;
  /** Path of the output file without `.log`; a task's number is added after a dash. */
  readonly outputBase: string;
  readonly program: readonly string[];
  /** What the program is to run in its turn, after `--`. */
  readonly wrapped?: readonly string[];
  /** Beginning of the engines' uuids; each adds its number, eight digits. `undefined`: there is nothing to number. */
  readonly identPrefix: string | undefined;
  readonly options: BatchJobOptions;
}

/** What users choose for a job. */
export interface BatchJobOptions {
  readonly queue: string | undefined;
  readonly account: string | undefined;
  readonly timeLimitS: number | undefined;
  /** Lines for the script's head, as they are: directives or commands. */
  readonly extraLines: readonly string[];
  /** Text of a template, and where it comes from. */
  readonly template: { readonly text: string; readonly origin: string } | undefined;
  /** The system's server, where there can be several (Windows HPC). */
  readonly scheduler: string | undefined;
}

/** Lines for what an option says; left out when a template names the variable itself. */
export interface Directive {
  readonly variable: string;
  readonly lines: readonly string[];
}

/** How to ask for a job. */
export interface StatusQuery {
  command(jobId: string, options: BatchJobOptions): BatchCommand;
  /** `undefined`: the answer cannot be read as one; an empty listing: the job is not known any more. */
  read(output: CommandOutput, jobId: string): JobListing | undefined;
}

/** How a task ended inside a job that runs on, as the job's own output tells. */
export interface TaskEnd {
  readonly task: number;
  readonly host: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** A batch system. */
export interface BatchSystem {
  /** As users write it: `slurm`. */
  readonly name: string;
  /** As it writes itself: `Slurm`. */
  readonly title: string;
  /** The first is the default. */
  readonly shapes: readonly BatchShape[];
  /** Whether others can see a job's environment through the system; then the keys must not travel in it. */
  readonly showsEnvironment: boolean;
  /** Number of an array's first task. */
  readonly firstTask: number;
  /** What a script's file name ends with. */
  readonly scriptSuffix: string;
  /** Where the script stays for use by hand; absent: beside the log files, while the job is there. */
  scriptPath?(profileDir: string, role: BatchRole): string;
  /** The default template. */
  template(role: BatchRole, shape: BatchShape): string;
  /** Lines for options, in the order of the script. */
  directives(request: BatchJobRequest): readonly Directive[];
  /** `{time_limit}` of a template. */
  timeLimit(seconds: number): string;
  /** `{output_file}`: `BASE.log`; of engines `BASE-NUMBER.log`, with the system's mark for a task's number; of a program `BASE-JOBID.log`. */
  outputPattern(request: BatchJobRequest): string;
  /** Shell expression that gives a task's number inside the job. */
  taskNumber(shape: BatchShape): string;
  /** Launcher that starts engines on what a job was given, from inside it, and the shell variable with the job's id; absent: there is no such way. */
  readonly innerLauncher?: string;
  readonly jobIdVariable?: string;
  /** Puts the shell command that is `{program_and_args}` into the form in which the script holds it; absent: as it is. */
  quote?(command: string): string;
  /** Further environment of the submit command. */
  readonly submitEnvironment?: { readonly [name: string]: string };
  /** The whole script, for a system whose jobs are no text with variables. */
  render?(request: BatchJobRequest): string;
  submit(scriptPath: string, script: string, options: BatchJobOptions): BatchCommand;
  /** The job's id; `undefined` when the answer has none. */
  readJobId(output: CommandOutput): string | undefined;
  cancel(jobId: string, options: BatchJobOptions): BatchCommand;
  readonly status: StatusQuery;
  /** Asked for tasks that `status` does not list any more. */
  readonly history?: StatusQuery;
  /** Asked for the reason why a job is pending, where `status` does not tell; empty: it does not tell either. */
  readonly reason?: { command(jobId: string): BatchCommand; read(output: CommandOutput): string };
  /** Absent: the system has no such command. */
  signal?(jobId: string, signal: NodeJS.Signals, shape: BatchShape): BatchCommand;
  /** Ends of single tasks out of the output of a job with several. */
  readTaskEnds?(jobOutput: string): readonly TaskEnd[];
}
