// The bakapara command: jobs in as JSON lines, results out as JSON lines, a log on standard error.

import { ControllerLostError } from "../base/index.ts";
import { DoneJobs, EXIT_CANNOT_RUN, exitStatus, JobRun, KeyWatch, unrunResult, type JobLine } from "../bakapara/index.ts";
import { createLogger, fdWriter, SILENT, type Logger } from "../log/index.ts";
import { openWorkplace, type Workplace } from "./bakapara-cluster.ts";
import { readDone } from "./bakapara-files.ts";
import { openInput, type JobInput } from "./bakapara-input.ts";
import { bakaparaProgram, type BakaparaRequest } from "./bakapara-options.ts";
import { Outputs } from "./bakapara-outputs.ts";
import { describeDryRun, describeEnd, Reporter, totalText, type Standing } from "./bakapara-report.ts";
import { refuseResults, refuseSameFiles } from "./bakapara-same-file.ts";
import { ExitError, main } from "./program.ts";
import { Stopper } from "./bakapara-stopper.ts";

const STDERR = 2;

/** Runs the command with the process's arguments and sets the exit status. */
export async function bakapara(): Promise<void> {
  await main(bakaparaProgram(runRequest), process.argv.slice(2), { failureExitCode: EXIT_CANNOT_RUN, usageExitCode: EXIT_CANNOT_RUN });
}

async function runRequest(request: BakaparaRequest): Promise<void> {
  const logger = request.isDebug ? createLogger("bakapara", fdWriter(STDERR), "debug") : SILENT;
  refuseSameFiles(request);
  const done = request.resume && request.output !== undefined ? await readDone(request.output) : new DoneJobs();
  const input = await openInput(request.input);
  try {
    process.exitCode = request.dryRun ? await dryRun(request, input, done) : await realRun(request, input, done, logger);
  } finally {
    input.close();
  }
}

async function realRun(request: BakaparaRequest, input: JobInput, done: DoneJobs, logger: Logger): Promise<number> {
  using stopper = new Stopper();
  await using workplace = await openWorkplace(request, logger, stopper.starting);
  // Files are emptied only now that there is somewhere to run.
  const outputs = new Outputs(request, (error, sentence) => stopper.onOutputFailed(error, sentence));
  try {
    return await carryOut(request, { input, done, workplace, stopper, outputs });
  } finally {
    await outputs.close();
  }
}

interface Scene {
  readonly input: JobInput;
  readonly done: DoneJobs;
  readonly workplace: Workplace;
  readonly stopper: Stopper;
  readonly outputs: Outputs;
}

async function carryOut(request: BakaparaRequest, { input, done, workplace, stopper, outputs }: Scene): Promise<number> {
  const { retries, timeout, halt, keepOrder } = request;
  const run = new JobRun(workplace.client, { retries, timeout, halt, keepOrder });
  const counter = new Counter(input, run);
  const reporter = new Reporter(outputs.log, { hasProgress: request.hasProgress, isTerminal: request.logging === undefined, standing: () => counter.standing });
  stopper.attach(run, (text) => reporter.log(text));
  const gone = (reason: string): ExitError => {
    const { standing } = counter;
    return new ExitError(EXIT_CANNOT_RUN, `the cluster is gone: ${reason}; ${standing.ended} of ${totalText(standing)} jobs had ended (go on with --resume)`);
  };
  void workplace.lost.then((reason) => run.abandon(new ControllerLostError(reason)));
  try {
    const already = done.size === 0 ? "" : `, ${done.size} done before`;
    reporter.log(`total ${totalText(counter.standing)} jobs on ${run.engineCount} engines${already}`);
    const lines = remarked(input.lines, (text) => reporter.log(text));
    for await (const ended of run.results(counter.skipDone(lines, done))) {
      counter.count();
      outputs.write(ended);
      reporter.log(`[${counter.standing.ended}/${totalText(counter.standing)}] ${describeEnd(ended)}`);
      await outputs.drained();
    }
    if (outputs.isUnwritable) throw new ExitError(EXIT_CANNOT_RUN, outputs.failureText);
    const unrun = counter.unrun;
    reporter.log(unrun === 0 ? "completed" : `stopped: ${unrun ?? "an unknown number of"} jobs were not run`);
    return exitStatus(run.failed, unrun);
  } catch (error) {
    throw error instanceof ControllerLostError ? gone(await workplace.lost) : error;
  } finally {
    await reporter.close();
  }
}

/** The lines, with a word about keys that seem to be misspelt. */
async function* remarked(lines: AsyncIterable<JobLine>, say: (text: string) => void): AsyncGenerator<JobLine, void, undefined> {
  const keys = new KeyWatch();
  for await (const line of lines) {
    if (line.type === "job") for (const remark of keys.remarks(line.job)) say(`line ${line.lineNumber}: ${remark}`);
    yield line;
  }
}

/** Reads and checks jobs, and says what would run. */
async function dryRun(request: BakaparaRequest, input: JobInput, done: DoneJobs): Promise<number> {
  if (!request.resume && request.output !== undefined) refuseResults(request.output);
  const outputs = new Outputs(request, () => input.close());
  let seen = 0;
  let failed = 0;
  const reporter = new Reporter(outputs.log, {
    hasProgress: request.hasProgress,
    isTerminal: request.logging === undefined,
    standing: () => ({ ended: seen, failed, total: input.total, atLeast: Math.max(input.atLeast, seen) }),
  });
  try {
    reporter.log(`total ${totalText(input)} jobs, none will be run`);
    for await (const line of remarked(input.lines, (text) => reporter.log(text))) {
      if (outputs.hasFailed) break;
      seen += 1;
      const position = `[${seen}/${totalText({ total: input.total, atLeast: Math.max(input.atLeast, seen) })}]`;
      if (line.type === "bad") {
        failed += 1;
        outputs.write({ seq: seen - 1, line, result: unrunResult(line.error), isSuccess: false });
        reporter.log(`${position} could not be read: ${line.error}`);
      } else if (done.takes(line.job)) {
        reporter.log(`${position} was done before: ${line.job.cmd}`);
      } else {
        outputs.checked(line.job);
        reporter.log(`${position} ${describeDryRun(line.job)}`);
      }
      await outputs.drained();
    }
    return exitStatus(failed, 0);
  } finally {
    await reporter.close();
    await outputs.close();
  }
}

/** Counts jobs over an earlier run and this one. */
class Counter {
  readonly #input: JobInput;
  readonly #run: JobRun;
  #skipped = 0;
  #ended = 0;

  constructor(input: JobInput, run: JobRun) {
    this.#input = input;
    this.#run = run;
  }

  /** The lines that are still to do. */
  async *skipDone(lines: AsyncIterable<JobLine>, done: DoneJobs): AsyncGenerator<JobLine, void, undefined> {
    for await (const line of lines) {
      if (line.type === "job" && done.takes(line.job)) this.#skipped += 1;
      else yield line;
    }
  }

  /** One more has ended. */
  count(): void {
    this.#ended += 1;
  }

  get standing(): Standing {
    const read = this.#skipped + this.#run.added;
    const total = this.#input.total ?? (this.#run.isInputOver ? read : undefined);
    return { ended: this.#skipped + this.#ended, failed: this.#run.failed, total, atLeast: Math.max(this.#input.atLeast, read) };
  }

  /** Jobs that will not be run; `undefined` when nobody knows how many. */
  get unrun(): number | undefined {
    const { total, ended } = this.standing;
    return total === undefined ? undefined : total - ended;
  }
}
