// Engines started all at once by one command that places them itself: `mpiexec`, or `srun` inside an allocation of Slurm. The
// command is a process of this machine, and each engine has its number from the variable in which the command numbers it.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { LaunchError } from "../base/index.ts";
import type { TaskEnd } from "./batch/batch-system.ts";
import { readTaskEnds } from "./batch/slurm.ts";
import type { EnginesRequest, LaunchedEngine, LaunchedEngines, Launcher, LauncherOptions, ProcessExit } from "./launcher.ts";
import { readProcessState, textOf, type LauncherState } from "./launcher-state.ts";
import { logBase } from "./local-launcher.ts";
import { engineProgram, newIdentPrefix, numberedIdent, numberedUuid, remoteEnvironment } from "./numbered-engines.ts";
import { outputHead, outputTail } from "./output-tail.ts";
import { ProcessGroup } from "./process-group.ts";
import { isAlive } from "./process-identity.ts";
import { shellLine } from "./shell-words.ts";
import { spawnProcess } from "./spawn-process.ts";

/** What differs between the two commands. */
interface Starter {
  readonly name: "mpi" | "srun";
  /** The command with the arguments before the engine's program. */
  command(request: EnginesRequest, logBase: string): Promise<readonly string[]>;
  /** Further environment of the command. */
  environment?(n: number, env: NodeJS.ProcessEnv): Readonly<Record<string, string>>;
  /** Shell expression for an engine's number. */
  readonly number: string;
  /** Signals that the command hands on to the engines. */
  readonly forwarded: ReadonlySet<NodeJS.Signals>;
  /** The log of the engine of a number. */
  log(logBase: string, index: number): string;
  /** Ends of single engines, as the command tells of them; absent: it tells none, and its log is the engines'. */
  readEnds?(output: string): readonly TaskEnd[];
}

const MPI: Starter = {
  name: "mpi",
  async command({ n, options }, _logBase) {
    const [program = "mpiexec", ...first] = listOf(options, "command");
    // Open MPI hands only named variables on to other hosts; others hand on all. The names alone stand in its arguments.
    const names = ["IPP_CONNECTION_INFO", "IPP_PROFILE_DIR", "IPP_CLUSTER_ID"];
    const exports = (await isOpenMpi(program)) ? names.flatMap((name) => ["-x", name]) : [];
    return [program, ...first, "-n", String(n), ...exports, ...listOf(options, "args")];
  },
  number: '"${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-${PMIX_RANK:-${SLURM_PROCID:-0}}}}"',
  forwarded: new Set(["SIGTERM", "SIGUSR1", "SIGUSR2"]),
  log: (logBase) => `${logBase}.log`,
};

const SRUN: Starter = {
  name: "srun",
  command: ({ n, options }, logBase) =>
    Promise.resolve(["srun", `--ntasks=${n}`, "--kill-on-bad-exit=0", "--wait=0", `--output=${logBase}-%t.log`, ...listOf(options, "args")]),
  environment: stepEnvironment,
  number: '"$SLURM_PROCID"',
  forwarded: new Set(["SIGTERM", "SIGUSR1", "SIGUSR2", "SIGHUP", "SIGQUIT"]),
  log: (logBase, index) => `${logBase}-${index}.log`,
  readEnds: readTaskEnds,
};

/**
 * Environment for a step of `n` tasks in an allocation: one that leaves some of it to others must say that it shares the processors, or a second
 * step would wait for its end. By a variable, which srun of before Slurm 20.11 leaves alone.
 */
export function stepEnvironment(n: number, env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const tasks = env["SLURM_NTASKS"];
  return tasks !== undefined && n < Number(tasks) ? { SLURM_OVERLAP: "1" } : {};
}

function listOf(options: LauncherOptions, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? value.map(String) : [];
}

const VERSION_MS_MAX = 10_000;

/** @throws LaunchError when there is no such program */
function isOpenMpi(program: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    execFile(program, ["--version"], { timeout: VERSION_MS_MAX }, (error, stdout) => {
      if (error?.code === "ENOENT") reject(new LaunchError(`there is no command ${program} on this machine; name yours by mpi.command`, { cause: error }));
      // Whatever else it says about its version, it is not Open MPI's.
      else resolve(/Open ?MPI|OpenRTE|open-mpi/i.test(stdout));
    });
  });
}

const ENDS_POLL_MS = 500;

/** What is known of a set besides its process. */
interface RankedFacts {
  readonly n: number;
  readonly identPrefix: string;
  /** Path of the command's own log without `.log`. */
  readonly logBase: string;
  readonly clusterId: string;
  readonly profileDir: string;
}

/** Engines behind one command. */
class RankedEngines implements LaunchedEngines {
  readonly setId: string;
  readonly engines: readonly LaunchedEngine[];
  readonly exited: Promise<void>;
  readonly #starter: Starter;
  readonly #process: ProcessGroup;
  readonly #facts: RankedFacts;
  readonly #ends = new Map<number, TaskEnd>();
  readonly #waiters = new Map<number, (end: TaskEnd) => void>();

  constructor(starter: Starter, setId: string, group: ProcessGroup, facts: RankedFacts) {
    this.setId = setId;
    this.#starter = starter;
    this.#process = group;
    this.#facts = facts;
    this.engines = Array.from({ length: facts.n }, (_, index) => this.#engine(index));
    this.exited = group.exited.then(() => undefined);
    if (starter.readEnds !== undefined) void this.#watch();
  }

  get isRunning(): boolean {
    return this.#process.isRunning;
  }

  /** @throws LaunchError for a signal that the command keeps for itself */
  signal(signal: NodeJS.Signals): Promise<void> {
    const { name, forwarded } = this.#starter;
    if (!forwarded.has(signal)) {
      const command = name === "mpi" ? "mpiexec" : name;
      return Promise.reject(new LaunchError(`${command} does not hand ${signal} on to the engines`));
    }
    this.#process.signal(signal);
    return Promise.resolve();
  }

  stop(graceMs: number): Promise<void> {
    return this.#process.stop(graceMs);
  }

  kill(): void {
    // SIGKILL would leave engines behind that the command could not end any more.
    this.#process.signal("SIGTERM");
  }

  toState(): LauncherState {
    const { n, identPrefix, logBase, clusterId, profileDir } = this.#facts;
    const { pid, started } = this.#process.identity;
    const state = this.isRunning ? "running" : "after";
    return {
      cluster_id: clusterId,
      profile_dir: profileDir,
      state,
      pid,
      started,
      output_file: this.#process.outputFile,
      n,
      ident: identPrefix,
      log_base: logBase,
    };
  }

  #engine(index: number): LaunchedEngine {
    const ends = this.#ends;
    const group = this.#process;
    const own = new Promise<TaskEnd>((resolve) => this.#waiters.set(index, resolve));
    return {
      index,
      uuid: numberedUuid(this.#facts.identPrefix, index),
      pid: undefined,
      log: this.#starter.log(this.#facts.logBase, index),
      exited: Promise.race([own.then((end) => this.#exitOf(end)), group.exited.then((exit) => this.#exitWith(index, exit))]),
      get host() {
        return ends.get(index)?.host;
      },
      get isRunning() {
        return group.isRunning && !ends.has(index);
      },
    };
  }

  #exitOf({ task, exitCode, signal }: TaskEnd): ProcessExit {
    return { exitCode, signal, outputTail: outputTail(this.#starter.log(this.#facts.logBase, task)) };
  }

  /** The command's own end is that of all engines that have not ended before; its output is theirs where they have none. */
  #exitWith(index: number, exit: ProcessExit): ProcessExit {
    this.#lookForEnds();
    const end = this.#ends.get(index);
    if (end !== undefined) return this.#exitOf(end);
    const own = outputTail(this.#starter.log(this.#facts.logBase, index));
    const tail = own.length > 0 ? own : exit.outputTail;
    const help = mpiHelp(outputHead(this.#process.outputFile));
    return { ...exit, outputTail: help === undefined ? tail : [...tail, help] };
  }

  async #watch(): Promise<void> {
    while (this.isRunning) {
      await sleep(ENDS_POLL_MS, undefined, { ref: false });
      this.#lookForEnds();
    }
  }

  #lookForEnds(): void {
    for (const end of this.#starter.readEnds?.(readText(this.#process.outputFile)) ?? []) {
      if (this.#ends.has(end.task)) continue;
      this.#ends.set(end.task, end);
      this.#waiters.get(end.task)?.(end);
    }
  }
}

const RULE = /^-{20,}$/;
const HELP_LINES_MAX = 20;

/** The first sentence of what Open MPI explains below a rule when it starts nothing at all. */
function mpiHelp(output: string): string | undefined {
  const [first = "", ...lines] = output.split("\n", HELP_LINES_MAX);
  if (!RULE.test(first)) return undefined;
  const text = lines.filter((line) => !RULE.test(line)).join(" ");
  return /^.*?[.:](?= |$)/.exec(text)?.[0].replace(/[.:]$/, "");
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Cleaned away: there is nothing to read any more.
    return "";
  }
}

async function engineLine(starter: Starter, request: EnginesRequest, identPrefix: string, logBase: string): Promise<string[]> {
  const engine = `exec ${shellLine(engineProgram(request, false))} ${numberedIdent(identPrefix, starter.number)}`;
  return [...(await starter.command(request, logBase)), "sh", "-c", engine];
}

function rankedLauncher(starter: Starter): Launcher {
  return {
    name: starter.name,
    isRemote: true,

    async startEngines(request) {
      const identPrefix = newIdentPrefix();
      const base = logBase(request.place, "ipengine", request.setId);
      const group = await spawnProcess({
        command: await engineLine(starter, request, identPrefix, base),
        env: { ...remoteEnvironment(request.place), ...starter.environment?.(request.n, process.env), IPP_CONNECTION_INFO: request.connectionInfo },
        outputFile: `${base}.log`,
      });
      const { profile, clusterId } = request.place;
      return new RankedEngines(starter, request.setId, group, { n: request.n, identPrefix, logBase: base, clusterId, profileDir: profile.path });
    },

    findEngines(setId, state) {
      const found = readProcessState(state);
      if (found === undefined || !isAlive(found)) return Promise.resolve(undefined);
      const group = new ProcessGroup({ pid: found.pid, started: found.started }, found.output_file);
      const n = typeof state["n"] === "number" ? state["n"] : 1;
      const facts = { n, identPrefix: textOf(state["ident"]), logBase: textOf(state["log_base"]), clusterId: state.cluster_id, profileDir: state.profile_dir };
      return Promise.resolve(new RankedEngines(starter, setId, group, facts));
    },

    async previewEngines(request) {
      const line = await engineLine(starter, request, newIdentPrefix(), logBase(request.place, "ipengine", request.setId));
      return `# with IPP_CONNECTION_INFO in the environment\n${shellLine(line)}\n`;
    },
  };
}

/** Engines started by `mpiexec`. */
export const MPI_LAUNCHER: Launcher = rankedLauncher(MPI);

/** Engines started by `srun`, inside an allocation of Slurm. */
export const SRUN_LAUNCHER: Launcher = rankedLauncher(SRUN);
