// Windows HPC: jobs described in XML, handed to the job scheduler by its command `job`. The descriptions stay in the profile's
// directory, where they can be imported and started by hand too. Paths, UNC ones among them, are kept as they are.

import { join } from "node:path";
import type { BatchJobOptions, BatchJobRequest, BatchSystem, CommandOutput, JobListing, TaskStatus } from "./batch-system.ts";
import { WHOLE_JOB } from "./batch-system.ts";
import { numberedUuid } from "../numbered-engines.ts";

const NAMESPACE = "http://schemas.microsoft.com/HPCS2008/scheduler/";

/** A value of an attribute, or the text of an element. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function attributes(facts: readonly (readonly [name: string, value: string | undefined])[]): string {
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [` ${name}="${escaped(value)}"`])).join("");
}

/** A word of a Windows command line: quotes around blanks, quotes inside and the backslashes before them escaped. */
function windowsWord(word: string): string {
  if (word !== "" && !/[\s"]/.test(word)) return word;
  return `"${word.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, "$1$1")}"`;
}

function task(request: BatchJobRequest, index: number): string {
  const { role, program, identPrefix, outputBase, profileDir, clusterId, n } = request;
  const ident = identPrefix === undefined ? [] : [`--ident=${numberedUuid(identPrefix, index)}`];
  const log = role === "engines" ? `${outputBase}-${index}.log` : `${outputBase}.log`;
  const variable = (name: string, value: string): string => `<Variable><Name>${name}</Name><Value>${escaped(value)}</Value></Variable>`;
  const facts = attributes([
    ["TaskName", n > 1 ? `${role}-${index}` : role],
    ["MinCores", "1"],
    ["MaxCores", "1"],
    ["CommandLine", [...program, ...ident].map(windowsWord).join(" ")],
    ["WorkDirectory", profileDir],
    ["StdOutFilePath", log],
    ["StdErrFilePath", log],
  ]);
  const environment = `${variable("IPP_PROFILE_DIR", profileDir)}${variable("IPP_CLUSTER_ID", clusterId)}`;
  return `    <Task${facts}>\n      <EnvironmentVariables>${environment}</EnvironmentVariables>\n    </Task>\n`;
}

function render(request: BatchJobRequest): string {
  const { options, n, jobName } = request;
  const facts = attributes([
    ["xmlns", NAMESPACE],
    ["Version", "2.000"],
    ["Name", jobName],
    ["JobType", "Batch"],
    ["UnitType", "Core"],
    ["MinCores", "1"],
    ["MaxCores", String(n)],
    ["RunUntilCanceled", "false"],
    ["IsExclusive", "false"],
    ["Priority", "Normal"],
    ["Project", options.account],
    ["JobTemplate", options.queue],
    ["RuntimeSeconds", options.timeLimitS === undefined ? undefined : String(options.timeLimitS)],
  ]);
  const tasks = Array.from({ length: n }, (_, index) => task(request, index)).join("");
  return `<?xml version="1.0" encoding="utf-8"?>\n<Job${facts}>\n  <Tasks>\n${tasks}  </Tasks>\n</Job>\n`;
}

function schedulerArgument({ scheduler }: BatchJobOptions): string[] {
  return scheduler === undefined ? [] : [`/scheduler:${scheduler}`];
}

const PENDING = new Set(["Configuring", "Submitted", "Validating", "ExternalValidation", "Queued"]);
const ENDED = new Set(["Finished", "Failed", "Canceled"]);

function field(output: string, name: string): string {
  return new RegExp(`^${name}\\s*: *(.*?)\\s*$`, "m").exec(output)?.[1] ?? "";
}

function readListing(output: CommandOutput): JobListing | undefined {
  if (/could not be found|does not exist/i.test(`${output.stderr}${output.stdout}`)) return new Map();
  const state = field(output.stdout, "State");
  if (output.exitCode !== 0 || state === "") return undefined;
  const reason = field(output.stdout, state === "Failed" || state === "Canceled" ? "Error Message" : "Pending Reason");
  return new Map([[WHOLE_JOB, statusOf(state, reason)]]);
}

function statusOf(state: string, reason: string): TaskStatus {
  if (PENDING.has(state)) return { phase: "pending", reason: reason === "" ? state.toLowerCase() : reason };
  if (!ENDED.has(state)) return { phase: "running", host: "" };
  const isOrderly = state === "Finished";
  return { phase: "ended", exitCode: isOrderly ? 0 : null, signal: null, host: "", reason: isOrderly ? "" : reason === "" ? state.toLowerCase() : reason };
}

/** Windows HPC. */
export const WINDOWS_HPC: BatchSystem = {
  name: "winhpc",
  title: "Windows HPC",
  shapes: ["tasks"],
  showsEnvironment: true,
  firstTask: 0,
  scriptSuffix: "xml",
  scriptPath: (profileDir, role) => join(profileDir, role === "engines" ? "ipengineset_job.xml" : "ipcontroller_job.xml"),
  template: () => "",
  directives: () => [],
  timeLimit: String,
  outputPattern: ({ outputBase }) => `${outputBase}.log`,
  taskNumber: () => "",
  render,
  submit: (scriptPath, _script, options) => ({ argv: ["job", "submit", `/jobfile:${scriptPath}`, ...schedulerArgument(options)] }),
  readJobId: (output) => /\bID: *(\d+)/.exec(output.stdout)?.[1],
  cancel: (jobId, options) => ({ argv: ["job", "cancel", jobId, ...schedulerArgument(options)] }),
  status: { command: (jobId, options) => ({ argv: ["job", "view", jobId, ...schedulerArgument(options)] }), read: readListing },
};
