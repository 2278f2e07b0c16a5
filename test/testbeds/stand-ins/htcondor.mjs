// HTCondor as its manual describes it: a submit description with macros, `queue n` at its end, jobs told by `-af:t`, ended ones in
// the history only.

import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { cancel, find, Refusal, submit } from "./jobs.mjs";

const KNOWN = new Set(
  "universe executable transfer_executable should_transfer_files when_to_transfer_output getenv arguments output error log batch_name accounting_group allowed_job_duration requirements request_cpus request_memory".split(
    " ",
  ),
);

function parse(text) {
  const values = {};
  let count;
  for (const line of text.split("\n").map((one) => one.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const queue = /^queue(?:\s+(\d+))?$/i.exec(line);
    const value = /^([\w.]+)\s*=\s*(.*)$/.exec(line);
    if (count !== undefined) throw new Refusal("ERROR: statements after queue are not known here");
    if (queue !== null) count = Number(queue[1] ?? 1);
    else if (value !== null && KNOWN.has(value[1].toLowerCase())) values[value[1].toLowerCase()] = value[2];
    else throw new Refusal(`ERROR: Parse error in expression: ${line}`);
  }
  if (count === undefined) throw new Refusal("ERROR: No 'queue' commands found in submit description file");
  if (values.executable === undefined) throw new Refusal("ERROR: No 'executable' parameter was provided");
  return { values, count };
}

/** Macros, and then the new syntax of arguments: all in double quotes, single quotes hold words together, both doubled inside. */
function argumentsOf(text, process) {
  const expanded = text.replaceAll(/\$\((\w+)\)/g, (_, name) => {
    if (!/^proc(?:id|ess)$/i.test(name)) throw new Refusal(`ERROR: unknown macro ${name}`);
    return String(process);
  });
  const inside = /^"(.*)"$/.exec(expanded)?.[1];
  if (inside === undefined) return expanded.split(/\s+/);
  return [...inside.replaceAll('""', '"').matchAll(/(?:'(?:[^']|'')*'|[^\s'])+/g)].map(([word]) =>
    word.replaceAll(/'((?:[^']|'')*)'/g, (_, quoted) => quoted.replaceAll("''", "'")),
  );
}

function condorSubmit(args) {
  if (args[0] !== "-terse") throw new Refusal("ERROR: only -terse is known here");
  const { values, count } = parse(readFileSync(args[1], "utf8"));
  const tasks = Array.from({ length: count }, (_, number) => ({
    number,
    argv: [values.executable, ...argumentsOf(values.arguments ?? "", number)],
    cwd: process.cwd(),
    env: /^true$/i.test(values.getenv ?? "") ? process.env : { PATH: "/usr/bin:/bin" },
    output: resolve((values.output ?? "/dev/null").replaceAll("$(ProcId)", String(number))),
  }));
  const id = submit({ family: "htcondor", queue: values.requirements === "false" ? "full" : "", tasks });
  return `${id}.0 - ${id}.${count - 1}\n`;
}

function row(task, names) {
  const status = task.state === "queued" ? 1 : task.state === "running" ? 2 : task.isRemoved ? 3 : 4;
  const facts = {
    ProcId: task.number,
    JobStatus: status,
    RemoteHost: status === 2 ? `slot1@${hostname()}` : undefined,
    LastRemoteHost: status > 2 ? `slot1@${hostname()}` : undefined,
    ExitCode: status === 4 && task.signal === null ? task.code : undefined,
    ExitBySignal: status === 4 ? task.signal !== null : undefined,
    ExitSignal: { SIGKILL: 9, SIGTERM: 15 }[task.signal],
    RemoveReason: task.isRemoved ? "via condor_rm (by user root)" : undefined,
  };
  return `${names.map((name) => String(facts[name])).join("\t")}\n`;
}

function lister(select) {
  return ([id, format, ...names]) => {
    if (format !== "-af:t") throw new Refusal("only -af:t is known here");
    const tasks = find("htcondor", id)?.tasks ?? [];
    return tasks
      .filter(select)
      .map((task) => row(task, names))
      .join("");
  };
}

export const commands = {
  condor_submit: condorSubmit,
  condor_q: lister((task) => task.state !== "ended"),
  condor_history: lister((task) => task.state === "ended"),
  condor_rm([id]) {
    const job = find("htcondor", id);
    if (job === undefined || !job.isOpen) throw new Refusal(`Couldn't find/remove all jobs in cluster ${id}`);
    cancel(job);
    return `All jobs in cluster ${id} have been marked for removal\n`;
  },
};
