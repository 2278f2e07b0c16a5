// Windows HPC's command `job` as its reference describes it: `submit /jobfile:`, `view`, `cancel`, all with `/scheduler:`. The job
// file is XML; elements and attributes that the schema does not have are refused.

import { readFileSync } from "node:fs";
import { cancel, find, Refusal, submit } from "./jobs.mjs";

const ATTRIBUTES = {
  Job: "xmlns Version Name JobType UnitType MinCores MaxCores RunUntilCanceled IsExclusive Priority Project JobTemplate RuntimeSeconds".split(" "),
  Tasks: [],
  Task: "TaskName MinCores MaxCores CommandLine WorkDirectory StdOutFilePath StdErrFilePath".split(" "),
  EnvironmentVariables: [],
  Variable: [],
  Name: [],
  Value: [],
};
const CHILDREN = {
  Job: ["Tasks"],
  Tasks: ["Task"],
  Task: ["EnvironmentVariables"],
  EnvironmentVariables: ["Variable"],
  Variable: ["Name", "Value"],
  Name: [],
  Value: [],
};

const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");

function parse(xml) {
  const body = xml.replace(/^<\?xml version="1\.0" encoding="utf-8"\?>\s*/, "");
  if (body === xml) throw new Refusal("The job file has no XML declaration.");
  const root = { name: "", children: [], text: "" };
  const path = [root];
  for (const [token, closing, name, facts, text] of body.matchAll(/<(\/?)(\w+)((?:\s+\w+="[^"<]*")*)\s*>|([^<]+)|</g)) {
    const parent = path.at(-1);
    if (text !== undefined) parent.text += plain(text);
    else if (name === undefined) throw new Refusal(`The job file is not well-formed near ${token}.`);
    else if (closing === "/") {
      if (path.pop().name !== name) throw new Refusal(`The job file closes ${name} out of order.`);
    } else {
      if (parent !== root && !CHILDREN[parent.name].includes(name)) throw new Refusal(`The element ${name} may not stand in ${parent.name}.`);
      const attributes = Object.fromEntries([...facts.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, plain(value)]));
      for (const key of Object.keys(attributes)) if (!ATTRIBUTES[name].includes(key)) throw new Refusal(`The attribute ${key} is not declared for ${name}.`);
      const element = { name, attributes, children: [], text: "" };
      parent.children.push(element);
      path.push(element);
    }
  }
  if (path.length !== 1 || root.children.length !== 1 || root.children[0].name !== "Job") throw new Refusal("The job file is not one whole Job.");
  return root.children[0];
}

/** Words of a Windows command line. */
function windowsWords(line) {
  return [...line.matchAll(/(?:"(?:\\"|[^"])*"|[^\s"])+/g)].map(([word]) => word.replaceAll(/(?<!\\)"/g, "").replaceAll('\\"', '"'));
}

function taskOf(element, number) {
  const { CommandLine, WorkDirectory, StdOutFilePath } = element.attributes;
  const variables = element.children.flatMap(({ children }) => children).map(({ children: [name, value] }) => [name.text, value.text]);
  const env = { PATH: "/usr/bin:/bin", CCP_TASKID: String(number + 1), ...Object.fromEntries(variables) };
  return { number, argv: windowsWords(CommandLine), cwd: WorkDirectory, env, output: StdOutFilePath };
}

function scheduled(args) {
  if (!args.some((arg) => /^\/scheduler:.+/.test(arg))) throw new Refusal("No head node was given: /scheduler:<name> or CCP_SCHEDULER.");
  return args.filter((arg) => !arg.startsWith("/scheduler:"));
}

function submitFile(args) {
  const path = /^\/jobfile:(.+)$/.exec(args[0] ?? "")?.[1];
  if (path === undefined) throw new Refusal("job submit: only /jobfile: is known here.");
  const job = parse(readFileSync(path, "utf8"));
  const { JobTemplate = "Default" } = job.attributes;
  if (!["Default", "full"].includes(JobTemplate)) throw new Refusal(`The job template "${JobTemplate}" does not exist.`);
  const tasks = job.children[0].children.map(taskOf);
  return `Job has been submitted. ID: ${submit({ family: "winhpc", queue: JobTemplate, tasks })}.\n`;
}

function wanted(id) {
  const job = find("winhpc", id);
  if (job === undefined) throw new Refusal(`The job ${id} could not be found.`);
  return job;
}

function view(id) {
  const { tasks, isOpen } = wanted(id);
  const isRunning = tasks.some((task) => task.state === "running");
  const end = tasks.some((task) => task.isRemoved) ? "Canceled" : tasks.every((task) => task.code === 0) ? "Finished" : "Failed";
  const state = isOpen ? (isRunning ? "Running" : "Queued") : end;
  const reason =
    state === "Queued"
      ? "Pending Reason                  : Not enough resources\n"
      : state === "Failed"
        ? "Error Message                   : A task failed\n"
        : "";
  return `Job ID                          : ${id}\nState                           : ${state}\n${reason}`;
}

export const commands = {
  job([verb, ...all]) {
    const args = scheduled(all);
    if (verb === "submit") return submitFile(args);
    if (verb === "view") return view(args[0]);
    if (verb !== "cancel") throw new Refusal(`The verb ${verb} is not known here.`);
    const job = wanted(args[0]);
    if (!job.isOpen) throw new Refusal(`The job ${args[0]} has ended.`);
    cancel(job);
    return `Job ${args[0]} has been canceled.\n`;
  },
};
