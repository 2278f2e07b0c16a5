// Makes a job's script: a template (the system's own or a user's), its variables, and a line for each option that the
// template does not name itself.

import { ConfigError } from "../../base/index.ts";
import { renderTemplate, variablesOf, type TemplateVariables } from "./template.ts";
import type { BatchJobRequest, BatchSystem } from "./batch-system.ts";
import { numberedIdent } from "../numbered-engines.ts";
import { shellLine } from "../shell-words.ts";
import { directiveValue, refuseLineBreaks, scriptWord } from "./script-words.ts";

/**
 * The script of a job.
 *
 * @throws ConfigError for a value that a script cannot hold, or a template that cannot be rendered
 */
export function renderScript(system: BatchSystem, request: BatchJobRequest): string {
  // In XML everything can be escaped.
  checkValues(request, system.render === undefined ? directiveValue : refuseLineBreaks);
  if (system.render !== undefined) return system.render(request);
  const template = request.options.template?.text ?? system.template(request.role, request.shape);
  const origin = request.options.template?.origin ?? `the default template for ${system.title}`;
  if (request.role === "program") refuseTaskStarter(template, origin, request.n);
  const script = renderTemplate(template, variables(system, request), origin);
  const named = variablesOf(template);
  const lines = system.directives(request).flatMap((directive) => (named.has(directive.variable) ? [] : directive.lines));
  return insertAfterFirstLine(script, [...lines, ...request.options.extraLines]);
}

/** What starts a command once for each of a job's tasks, with the program behind it on its line. */
const TASK_STARTER =
  /^[^#\n]*?(?<![\w./-])(?:\S*\/)?(srun|mpiexec(?:\.\w+)?|mpirun|orterun|prun|aprun|ibrun|jsrun|blaunch|pbsdsh)\s(.*)\{program(?:_and_args)?\}/m;
const ONE_TASK = /(?:^|\s)(?:-n|-np|--ntasks|--np)[ =]?1(?=\s)/;

/**
 * A template that is meant for engines would run a whole program, with a controller and engines of its own, once for each task.
 *
 * @throws ConfigError
 */
function refuseTaskStarter(template: string, origin: string, n: number): void {
  const [, starter, between = ""] = TASK_STARTER.exec(template) ?? [];
  if (starter === undefined || n === 1 || ONE_TASK.test(` ${between}`)) return;
  throw new ConfigError(
    `${origin} is one for engines: its ${starter} would run the program once for each of the ${n} tasks; ` +
      "in a submission {program_and_args} starts controller, engines and program, so write: exec {program_and_args}",
  );
}

function checkValues({ jobName, outputBase, options }: BatchJobRequest, check: (value: string, what: string) => unknown): void {
  check(jobName, "the job's name");
  check(outputBase, "the output file's path");
  if (options.queue !== undefined) check(options.queue, "the queue");
  if (options.account !== undefined) check(options.account, "the account");
  if (options.scheduler !== undefined) directiveValue(options.scheduler, "the scheduler");
  for (const line of options.extraLines) refuseLineBreaks(line, "the script line");
}

function variables(system: BatchSystem, request: BatchJobRequest): TemplateVariables {
  const { options, program } = request;
  const [name = "", ...args] = program;
  const words = args.map((arg) => scriptWord(arg, "the argument"));
  const programArgs = [...words, ...identArgument(system, request), ...wrappedProgram(system, request)].join(" ");
  const programName = scriptWord(name, "the program");
  const command = inShellOfTask(request, programArgs === "" ? programName : `${programName} ${programArgs}`);
  return {
    n: String(request.n),
    queue: options.queue,
    account: options.account,
    time_limit: options.timeLimitS === undefined ? undefined : system.timeLimit(options.timeLimitS),
    job_name: request.jobName,
    profile_dir: scriptWord(request.profileDir, "the profile directory"),
    cluster_id: request.clusterId === "" ? "''" : scriptWord(request.clusterId, "the cluster id"),
    output_file: system.outputPattern(request),
    task_output_file: `${request.outputBase}-%t.log`,
    program: programName,
    program_args: programArgs,
    program_and_args: system.quote?.(command) ?? command,
  };
}

/** Gives each engine the uuid by which its starter will know it: a common beginning and the task's number. */
function identArgument(system: BatchSystem, { identPrefix, shape }: BatchJobRequest): string[] {
  return identPrefix === undefined ? [] : [numberedIdent(identPrefix, system.taskNumber(shape))];
}

/** A program on a cluster inside the job, which is called after the job. */
function wrappedProgram(system: BatchSystem, { wrapped }: BatchJobRequest): string[] {
  if (wrapped === undefined) return [];
  return [`--cluster-id=job-"$${system.jobIdVariable ?? "$"}"`, "--", ...wrapped.map((word) => scriptWord(word, "the program's argument"))];
}

/** The tasks of one job have their number in a variable that only they see: a shell in each of them reads it. */
function inShellOfTask(request: BatchJobRequest, command: string): string {
  if (request.shape !== "tasks" || request.identPrefix === undefined) return command;
  return shellLine(["sh", "-c", `exec ${command}`]);
}

function insertAfterFirstLine(script: string, lines: readonly string[]): string {
  if (lines.length === 0) return script;
  const text = lines.map((line) => `${line}\n`).join("");
  // Without a `#!` line there is no first line to keep.
  if (!script.startsWith("#!")) return text + script;
  const end = script.indexOf("\n");
  return end < 0 ? `${script}\n${text}` : script.slice(0, end + 1) + text + script.slice(end + 1);
}
