#!/usr/bin/env node
// Stand-ins for batch systems that cannot be installed here: PBS, LSF, HTCondor and Windows HPC. They read the submitted file as the
// documents of these systems say, refuse what they do not know, run the job, and answer in the usual form. They were
// never compared with the systems themselves.
//
//   main.mjs start DIR    then put DIR/bin first in PATH
//   main.mjs stop DIR     ends all jobs, removes DIR

import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const FAMILIES = {
  "./pbs.mjs": ["qsub", "qstat", "qdel", "qsig"],
  "./lsf.mjs": ["bsub", "bjobs", "bkill"],
  "./htcondor.mjs": ["condor_submit", "condor_q", "condor_rm", "condor_history"],
  "./winhpc.mjs": ["job"],
};

function install(dir) {
  mkdirSync(join(dir, "bin"), { recursive: true });
  for (const [module, commands] of Object.entries(FAMILIES)) {
    for (const command of commands) {
      const path = join(dir, "bin", command);
      writeFileSync(path, `#!/bin/sh\nSTAND_INS='${dir}' exec '${process.execPath}' '${fileURLToPath(import.meta.url)}' run ${module} ${command} "$@"\n`);
      chmodSync(path, 0o755);
    }
  }
}

async function run(module, command, args) {
  const { commands } = await import(module);
  try {
    process.stdout.write(commands[command](args, () => readFileSync(0, "utf8")) ?? "");
  } catch (error) {
    if (error.exitCode === undefined) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}

const [verb, first = "", ...rest] = process.argv.slice(2);
if (verb === "run") await run(first, rest[0], rest.slice(1));
else if (verb === "start") install(resolve(first));
else if (verb === "stop") {
  process.env.STAND_INS = resolve(first);
  const { endAll } = await import("./jobs.mjs");
  endAll();
  rmSync(resolve(first), { recursive: true, force: true, maxRetries: 5 });
} else {
  process.stderr.write("give: start|stop and a directory\n");
  process.exitCode = 2;
}
