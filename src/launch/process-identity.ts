// Who a process id belongs to. Ids are used again by the system, so a file that says "pid 4711" proves nothing: the
// time at which the process started is kept beside the id, and compared before anything is signalled.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { processExists } from "../programs/index.ts";

/** A process, told apart from a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, as an opaque text; empty when the system does not tell, or when another program wrote the file. */
  readonly started: string;
}

/** Command lines of processes that may belong to a cluster although nobody noted when they started (ipyparallel's own files). */
const CLUSTER_PROGRAM = /ipcontroller|ipengine|ipyparallel/;

/** The start time of a living process as an opaque text; `undefined` when there is none (a zombie counts as none). */
export function startedOf(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (process.platform === "linux") return startedOnLinux(pid);
  if (process.platform === "win32") return processExists(pid) ? "" : undefined;
  return startedByPs(pid);
}

/** `pid` with the start time it has now. */
export function identityOf(pid: number): ProcessIdentity {
  return { pid, started: startedOf(pid) ?? "" };
}

/** Whether that very process lives. Without a known start time its command line must look like a cluster's program. */
export function isAlive(identity: ProcessIdentity): boolean {
  const started = startedOf(identity.pid);
  if (started === undefined) return false;
  return identity.started === "" ? CLUSTER_PROGRAM.test(commandLineOf(identity.pid)) : started === identity.started;
}

function startedOnLinux(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    // No such entry: no such process.
    return undefined;
  }
  // The name in parentheses may hold spaces and parentheses; what follows the last one is regular. Field 3 is the state.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  const startTicks = fields[19];
  if (state === "Z" || state === "X" || startTicks === undefined) return undefined;
  return `${startTicks}@${bootId()}`;
}

let knownBootId: string | undefined;

/** Start ticks count from boot, so the boot belongs to them. */
function bootId(): string {
  if (knownBootId === undefined) {
    try {
      knownBootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8);
    } catch {
      // Hidden in some sandboxes; the ticks alone must do there.
      knownBootId = "";
    }
  }
  return knownBootId;
}

function startedByPs(pid: number): string | undefined {
  try {
    const [state = "", ...start] = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      .trim()
      .split(/\s+/);
    return state === "" || state.startsWith("Z") ? undefined : start.join(" ");
  } catch {
    // `ps` ends with status 1 when there is no such process.
    return undefined;
  }
}

function commandLineOf(pid: number): string {
  try {
    if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    // Gone in the meantime: it is nobody's.
    return "";
  }
}
