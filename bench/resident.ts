// Resident memory as Linux accounts it.

import { readFileSync } from "node:fs";

/** Resident set of a process in MiB. */
export function residentMb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? Number.NaN) / 1024;
}

/** Pids of the direct and indirect children of a process. */
export function descendants(pid: number): number[] {
  const direct = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  return direct.flatMap((child) => [child, ...descendants(child)]);
}
