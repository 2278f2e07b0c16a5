// `tsparallel`: says which commands there are, and has those that are no program of their own.

import { createProgram, type Command } from "./program.ts";
import { addConsoleCommand } from "./tsparallel-console.ts";
import { addKernelCommands } from "./tsparallel-kernel.ts";
import { addNotebookCommand } from "./tsparallel-notebook.ts";

const COMMANDS = [
  ["ipcluster", "start, stop and list clusters"],
  ["ipcontroller", "run a controller by hand"],
  ["ipengine", "run an engine by hand"],
  ["bakapara", "run shell jobs from a JSON Lines file on a cluster"],
] as const;

/** The command. */
export function tsparallelProgram(): Command {
  const width = Math.max(...COMMANDS.map(([name]) => name.length));
  const list = COMMANDS.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`).join("\n");
  const program = createProgram({
    name: "tsparallel",
    description: `Interactive parallel computing for TypeScript. The commands of this package:\n\n${list}\n\nEach explains itself with --help.`,
    examples: [
      ["ipcluster start -n 4", "a cluster on this machine"],
      ["tsparallel console -n 4", "TypeScript at a prompt, with a cluster of four engines"],
      ["bakapara --local < jobs.jsonl > results.jsonl", "run shell jobs without a cluster of your own"],
      ["tsparallel kernel install", "TypeScript in Jupyter notebooks"],
      ["tsparallel notebook run analysis.ipynb -n 4", "run a notebook without a person, with a cluster of four engines"],
      ["tsparallel notebook submit analysis.ipynb --engines=slurm -n 64", "the same in a batch job, with 64"],
    ],
  });
  addConsoleCommand(program);
  addKernelCommands(program);
  addNotebookCommand(program);
  return program.action(() => program.outputHelp());
}
