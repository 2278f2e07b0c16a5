// What was launched through a batch system, as the rest of the project sees launched things: a controller or a set of
// engines whose fates are read off a job's.

import { existsSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { LaunchError } from "../../base/index.ts";
import { textOf, type LauncherState } from "../launcher-state.ts";
import type { LaunchedController, LaunchedEngine, LaunchedEngines, ProcessExit } from "../launcher.ts";
import { numberedUuid } from "../numbered-engines.ts";
import { lastSentence, outputTail } from "../output-tail.ts";
import { endWords, type BatchJob } from "./batch-job.ts";
import type { BatchJobRequest, BatchShape, BatchSystem, TaskStatus } from "./batch-system.ts";

/** A job that runs, or waits to. */
export interface BatchFacts extends Pick<BatchJobRequest, "role" | "n" | "shape" | "outputBase" | "identPrefix"> {
  readonly system: BatchSystem;
  readonly job: BatchJob;
  readonly scriptPath: string;
  readonly clusterId: string;
  readonly profileDir: string;
  readonly scheduler: string | undefined;
  readonly queueTimeoutMs: number | undefined;
}

/** Systems that deliver a job's output afterwards take a moment. */
const OUTPUT_MS = 2000;
const OUTPUT_POLL_MS = 100;

/** Common to controllers and engines. */
export abstract class LaunchedJob {
  protected readonly facts: BatchFacts;
  /** Resolves when the system has begun to run all of the job; rejects when it never will. */
  readonly begun: Promise<void>;

  constructor(facts: BatchFacts) {
    this.facts = facts;
    this.begun = begun(facts);
    // Who does not wait for it learns the job's fate by its end.
    this.begun.catch(() => undefined);
    // One that ends by itself may be forgotten without ever being stopped.
    void facts.job.until(() => !facts.job.isRunning).then(() => removeScript(facts));
  }

  get isRunning(): boolean {
    return this.facts.job.isRunning;
  }

  signal(signal: NodeJS.Signals): Promise<void> {
    return this.facts.job.signal(signal);
  }

  async stop(graceMs: number): Promise<void> {
    await this.facts.job.stop(graceMs);
    removeScript(this.facts);
  }

  kill(): void {
    this.facts.job.cancelNow();
    removeScript(this.facts);
  }

  toState(): LauncherState {
    const { job, clusterId, profileDir, scheduler, identPrefix, n, shape, outputBase, scriptPath } = this.facts;
    return {
      cluster_id: clusterId,
      profile_dir: profileDir,
      state: this.isRunning ? "running" : "after",
      job_id: job.jobId,
      n,
      shape,
      output_base: outputBase,
      batch_file_name: scriptPath,
      ...(identPrefix === undefined ? {} : { ident: identPrefix }),
      ...(scheduler === undefined ? {} : { scheduler }),
    };
  }

  protected logOf(index: number): string {
    return logOf(this.facts, index);
  }

  protected exitOf(index: number): Promise<ProcessExit> {
    return exitOf(this.facts, index);
  }
}

/** Removes a job's script, which nobody needs any more; a description that is meant to be used by hand stays. */
export function removeScript({ system, scriptPath }: Pick<BatchFacts, "system" | "scriptPath">): void {
  if (system.scriptPath !== undefined || scriptPath === "") return;
  try {
    rmSync(scriptPath, { force: true });
  } catch {
    // A file too many in the log directory is no reason to call a stop failed.
  }
}

/** A controller that runs as a job. */
export class BatchController extends LaunchedJob implements LaunchedController {
  readonly pid = undefined;

  get log(): string {
    return this.logOf(0);
  }

  get exited(): Promise<ProcessExit> {
    return this.exitOf(0);
  }
}

/** Engines that run as a job. */
export class BatchEngines extends LaunchedJob implements LaunchedEngines {
  readonly setId: string;
  readonly engines: readonly LaunchedEngine[];
  readonly exited: Promise<void>;

  constructor(setId: string, facts: BatchFacts) {
    super(facts);
    this.setId = setId;
    this.engines = Array.from({ length: facts.n }, (_, index) => engineOf(facts, index));
    this.exited = Promise.all(this.engines.map((engine) => engine.exited)).then(() => undefined);
  }

  async diagnose(missing: readonly LaunchedEngine[]): Promise<string[]> {
    const { job } = this.facts;
    await job.refresh();
    const sentences = missing.map((engine) => sentenceOf(this.facts, engine.index));
    // Engines of one job often have the same fate: one sentence for all of them.
    return [...new Set(sentences)];
  }
}

function engineOf(facts: BatchFacts, index: number): LaunchedEngine {
  const { job, identPrefix, shape, system } = facts;
  const exited = exitOf(facts, index);
  return {
    index,
    uuid: identPrefix === undefined ? undefined : numberedUuid(identPrefix, shape === "array" ? system.firstTask + index : index),
    pid: undefined,
    log: logOf(facts, index),
    exited,
    get host() {
      return hostOf(job.statusOf(index));
    },
    get isRunning() {
      return job.statusOf(index)?.phase !== "ended";
    },
  };
}

function hostOf(status: TaskStatus | undefined): string | undefined {
  if (status === undefined || status.phase === "pending" || status.host === "") return undefined;
  return status.host;
}

/** Where the output of a task lies: see `outputPattern` of a system. */
function logOf({ role, outputBase, system, job }: BatchFacts, index: number): string {
  const marks = { controller: "", engines: `-${system.firstTask + index}`, program: `-${job.jobId}` };
  return `${outputBase}${marks[role]}.log`;
}

async function exitOf(facts: BatchFacts, index: number): Promise<ProcessExit> {
  const { job, system, outputBase } = facts;
  await job.until(() => job.statusOf(index)?.phase === "ended" || job.isSetAside(index));
  const status = job.statusOf(index);
  if (status?.phase !== "ended") return { exitCode: null, signal: null, outputTail: [reasonOf(status)], how: `was set aside by ${system.title}` };
  const log = logOf(facts, index);
  const deadline = performance.now() + OUTPUT_MS;
  while (!existsSync(log) && performance.now() < deadline) await sleep(OUTPUT_POLL_MS, undefined, { ref: false });
  const own = outputTail(log);
  return {
    exitCode: status.exitCode,
    signal: status.signal,
    outputTail: own.length > 0 ? own : outputTail(`${outputBase}.log`),
    how: endWords({ ...status, host: "" }, system.title),
  };
}

/** A job that cannot start as it is. */
const isHopeless = (status: TaskStatus | undefined): boolean => status?.phase === "pending" && status.isHopeless === true;

const reasonOf = (status: TaskStatus | undefined): string => (status?.phase === "pending" ? status.reason : "");

function sentenceOf(facts: BatchFacts, index: number): string {
  const { job, system } = facts;
  const status = job.statusOf(index);
  const name = `${system.title} job ${job.jobId}`;
  switch (status?.phase) {
    case undefined:
      return `${name} is not listed yet`;
    case "pending":
      return `${name} is pending: ${status.reason}`;
    case "running": {
      const log = logOf(facts, index);
      const words = lastSentence(outputTail(log));
      return `engine ${index} of ${name} runs${status.host === "" ? "" : ` on ${status.host}`} and has not answered: ${words ?? "it said nothing"} (log: ${log})`;
    }
    case "ended":
      return `engine ${index} of ${name} ${endWords(status, system.title)}`;
  }
}

async function begun({ job, system, queueTimeoutMs, n }: BatchFacts): Promise<void> {
  const indexes = Array.from({ length: n }, (_, index) => index);
  const isWaiting = (index: number): boolean => (job.statusOf(index)?.phase ?? "pending") === "pending";
  const hopeless = (): TaskStatus | undefined => indexes.map((index) => job.statusOf(index)).find(isHopeless);
  const ready = job.until(() => !indexes.some(isWaiting) || hopeless() !== undefined);
  const timer = new AbortController();
  const late = queueTimeoutMs === undefined ? undefined : sleep(queueTimeoutMs, "late" as const, { signal: timer.signal }).catch(() => undefined); // aborted: it began
  const outcome = await (late === undefined ? ready : Promise.race([ready, late]));
  timer.abort();
  if (outcome === "late") await job.refresh(); // the reason of now
  const reason = reasonOf(hopeless() ?? indexes.map((index) => job.statusOf(index)).find((one) => one?.phase === "pending"));
  if (hopeless() !== undefined) throw new LaunchError(`${system.title} will not start job ${job.jobId}: ${reason}`);
  if (outcome === "late") throw new LaunchError(`${system.title} job ${job.jobId} waited ${(queueTimeoutMs ?? 0) / 1000} s in the queue: ${reason}`);
}

/** What a cluster file says of a job. */
export interface JobState {
  readonly jobId: string;
  readonly n: number;
  readonly shape: BatchShape;
  readonly outputBase: string;
  readonly scriptPath: string;
  readonly identPrefix: string | undefined;
  readonly scheduler: string | undefined;
}

/** Reads a job's state out of a cluster file; `undefined` when it is none, e.g. of a job that was never submitted. */
export function readJobState(state: LauncherState): JobState | undefined {
  const jobId = textOf(state["job_id"]);
  if (jobId === "") return undefined;
  const ident = textOf(state["ident"]);
  const scheduler = textOf(state["scheduler"]);
  return {
    jobId,
    n: typeof state["n"] === "number" ? state["n"] : 1,
    shape: state["shape"] === "array" ? "array" : "tasks",
    outputBase: textOf(state["output_base"]),
    scriptPath: textOf(state["batch_file_name"]),
    identPrefix: ident === "" ? undefined : ident,
    scheduler: scheduler === "" ? undefined : scheduler,
  };
}
