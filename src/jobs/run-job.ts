// The function that travels: an engine imports it and calls it for each job. It picks the runner once per process, and
// listens to the engine's abort signal, so that interrupting the request kills the job with all its children.

import { BashServerRunner, canExport, canServe } from "./bash-server-runner.ts";
import type { JobOutcome, JobRunner, JobSpec } from "./job.ts";
import { SpawnRunner } from "./spawn-runner.ts";

interface Runners {
  /** Absent where this system's bash or environment does not allow it. */
  readonly served: BashServerRunner | undefined;
  readonly spawned: SpawnRunner;
}

let runners: Promise<Runners> | undefined;

/**
 * Runs one shell job in this process, on an engine or anywhere.
 *
 * @returns what came of it; rejects only for a bug of ours
 */
export async function runJob(spec: JobSpec): Promise<JobOutcome> {
  // Read before anything is awaited: afterwards another request may be current.
  const signal = currentTaskSignal();
  runners ??= chooseRunners();
  return pickRunner(await runners, spec).run(spec, signal);
}

function pickRunner({ served, spawned }: Runners, spec: JobSpec): JobRunner {
  return served !== undefined && canExport(spec.env ?? {}) ? served : spawned;
}

async function chooseRunners(): Promise<Runners> {
  const spawned = new SpawnRunner();
  const candidate = process.platform !== "win32" && canServe(process.env) ? new BashServerRunner() : undefined;
  const served = candidate !== undefined && (await candidate.isUsable()) ? candidate : undefined;
  // However the engine ends, short of being killed, its jobs end with it; the guard takes care of the rest.
  process.once("exit", () => {
    served?.close();
    spawned.close();
  });
  return { served, spawned };
}

interface EngineHost {
  currentTask(): { readonly signal: AbortSignal } | undefined;
}

// The engine makes itself findable under this symbol (jobs must not import the engine); elsewhere there is none.
function currentTaskSignal(): AbortSignal | undefined {
  const host = (globalThis as Record<symbol, unknown>)[Symbol.for("tsparallel.engine")] as EngineHost | undefined;
  return host?.currentTask()?.signal;
}
