// Real cluster software on this machine, started by the scripts in test/testbeds; tests that need one are skipped, by
// name, where its programs are not installed.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BEDS = fileURLToPath(new URL("../testbeds/", import.meta.url));
const START_MS = 60_000;

const NEEDS = {
  slurm: ["/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/sbin/munged", "/usr/bin/sbatch", "/usr/bin/srun", "/usr/bin/nsenter"],
  gridengine: ["/usr/lib/gridengine/sge_qmaster", "/usr/lib/gridengine/sge_execd", "/usr/lib/gridengine/qconf", "/usr/bin/nsenter"],
} as const;

/** The beds there are. */
export type BedName = keyof typeof NEEDS;

/** Whether a bed can be started here: its programs are installed, and this is root and may make namespaces. */
export function hasBed(name: BedName): boolean {
  return process.getuid?.() === 0 && NEEDS[name].every((program) => existsSync(program)) && canUnshare();
}

function canUnshare(): boolean {
  return spawnSync("unshare", ["--mount", "--uts", "--pid", "--fork", "--mount-proc", "true"], { stdio: "ignore" }).status === 0;
}

/** Stand-ins for systems that cannot be had; see test/testbeds/stand-ins/main.mjs. They need nothing. */
const STAND_INS = join(BEDS, "stand-ins", "main.mjs");

/** A bed that runs. */
export class TestBed {
  readonly dir: string;
  readonly #command: readonly string[];

  private constructor(name: BedName | "stand-ins") {
    this.dir = mkdtempSync(join(tmpdir(), "tsparallel-bed-"));
    this.#command = name === "stand-ins" ? [process.execPath, STAND_INS] : [join(BEDS, `${name}.sh`)];
  }

  /** Starts a bed and resolves when it takes jobs. */
  static start(name: BedName | "stand-ins"): TestBed {
    const bed = new TestBed(name);
    const { status, stderr } = bed.#run("start");
    if (status !== 0) {
      rmSync(bed.dir, { recursive: true, force: true });
      throw new Error(`the test bed ${name} did not start: ${stderr}`);
    }
    return bed;
  }

  /** This process's PATH with the bed's commands first. */
  get path(): string {
    return `${join(this.dir, "bin")}:${process.env["PATH"] ?? ""}`;
  }

  /** What a command of the bed prints. */
  output(command: string, ...args: readonly string[]): string {
    return spawnSync(join(this.dir, "bin", command), args, { encoding: "utf8", timeout: START_MS }).stdout;
  }

  /** Ends everything and removes its files. */
  stop(): void {
    const { status, stderr } = this.#run("stop");
    if (status !== 0) throw new Error(`the test bed did not stop: ${stderr}`);
  }

  #run(verb: "start" | "stop"): { status: number | null; stderr: string } {
    const [program = "", ...args] = this.#command;
    return spawnSync(program, [...args, verb, this.dir], { encoding: "utf8", timeout: START_MS, stdio: ["ignore", "ignore", "pipe"] });
  }
}
