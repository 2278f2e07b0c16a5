// One cluster's file, as the process that runs the cluster keeps it: claimed at the start (so that two starts at once
// cannot both go on), changed with each process that comes or goes, removed at the end.

import { readFileSync } from "node:fs";
import { InvalidStateError } from "../base/index.ts";
import { identityOf, type ControllerState, type EngineSetState } from "../launch/index.ts";
import {
  CLUSTER_CLASS,
  clusterFilePath,
  isRunning,
  isSameRun,
  parseClusterFile,
  readClusterFile,
  updateClusterFile,
  type ClusterFile,
} from "./cluster-file.ts";
import type { ClusterPlan } from "./cluster-plan.ts";

/** What changed. */
export interface RecordChange {
  readonly controller?: ControllerState;
  /** Sets by id; those without a running engine are dropped from the file. Others in the file stay as they are. */
  readonly sets?: { readonly [setId: string]: EngineSetState };
}

/** The cluster file of one cluster. */
export class ClusterRecord {
  readonly #plan: ClusterPlan;
  readonly #isDedicated: boolean;
  readonly #path: string;
  /** Content when it was claimed or found: tells our run from a later one under the same name. */
  #origin: ClusterFile | undefined;

  constructor(plan: ClusterPlan, isDedicated: boolean, origin?: ClusterFile) {
    this.#plan = plan;
    this.#isDedicated = isDedicated;
    this.#origin = origin;
    this.#path = clusterFilePath(plan.profile, plan.clusterId);
  }

  /**
   * Writes the file for the first time.
   *
   * @returns the file of an earlier cluster that is gone, if there was one
   * @throws InvalidStateError when the cluster runs already
   */
  async claim(): Promise<ClusterFile | undefined> {
    let stale: ClusterFile | undefined;
    await updateClusterFile(this.#path, (before) => {
      if (before !== undefined && isRunning(before)) throw alreadyRunning(this.#plan, before);
      stale = before;
      this.#origin = this.#fresh();
      return this.#origin;
    });
    return stale;
  }

  /** Writes a change. Does nothing when the file is gone: somebody stopped the cluster. */
  async save(change: RecordChange): Promise<void> {
    await this.#update((before) => {
      const sets = { ...before.engines.sets, ...change.sets };
      const living = Object.fromEntries(Object.entries(sets).filter(([id, set]) => set.n > 0 || change.sets?.[id] === undefined));
      const controller = change.controller === undefined ? before.controller : { class: this.#plan.controllerLauncher.name, state: change.controller };
      return { ...before, ...(controller === undefined ? {} : { controller }), engines: { ...before.engines, sets: living } };
    });
  }

  /** A new set's id: the time in seconds, with a suffix when that is taken. It stands in the file from then on. */
  async reserveSet(): Promise<string> {
    const seconds = String(Math.floor(Date.now() / 1000));
    let id = seconds;
    await this.#update((before) => {
      for (let suffix = 1; before.engines.sets[id] !== undefined; suffix += 1) id = `${seconds}-${suffix}`;
      const reserved: EngineSetState = { cluster_id: this.#plan.clusterId, profile_dir: this.#plan.profile.path, state: "before", pid: -1, n: 0, engines: {} };
      return { ...before, engines: { ...before.engines, sets: { ...before.engines.sets, [id]: reserved } } };
    });
    return id;
  }

  /** Takes a set out of the file. */
  async dropSet(setId: string): Promise<void> {
    await this.#update((before) => {
      const { [setId]: _dropped, ...sets } = before.engines.sets;
      return { ...before, engines: { ...before.engines, sets } };
    });
  }

  /** Sets in the file that other processes started. */
  async otherSets(own: ReadonlySet<string>): Promise<[string, EngineSetState][]> {
    const file = await readClusterFile(this.#path);
    if (file === undefined || !this.#isOurs(file)) return [];
    return Object.entries(file.engines.sets).filter(([id]) => !own.has(id));
  }

  /**
   * Removes the file, and by `others` what goes with it. Does nothing when the file is gone or of a later run: then
   * everything else is gone, or the later run's, too.
   */
  async remove(others: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    await updateClusterFile(this.#path, async (before) => {
      if (before === undefined || !this.#isOurs(before)) return before;
      await others();
      return undefined;
    });
  }

  /** Whether the file is there and ours, asked in the last moment of a process. */
  isThere(): boolean {
    try {
      return this.#isOurs(parseClusterFile(readFileSync(this.#path, "utf8"), this.#path));
    } catch {
      // Missing or broken: nothing of ours.
      return false;
    }
  }

  async #update(change: (before: ClusterFile) => ClusterFile): Promise<void> {
    await updateClusterFile(this.#path, (before) => (before !== undefined && this.#isOurs(before) ? change(before) : before));
  }

  #isOurs(file: ClusterFile): boolean {
    return this.#origin !== undefined && isSameRun(file, this.#origin);
  }

  #fresh(): ClusterFile {
    const { profile, clusterId, values, n, engineLauncher } = this.#plan;
    return {
      cluster: {
        cluster_id: clusterId,
        controller_args: values["controller.args"],
        controller_ip: values["controller.ip"] ?? "",
        controller_location: values["controller.location"] ?? "",
        delay: 0,
        n,
        profile_dir: profile.path,
        class: CLUSTER_CLASS,
      },
      engines: { class: engineLauncher.name, sets: {} },
      starter: { ...identityOf(process.pid), is_dedicated: this.#isDedicated },
    };
  }
}

function alreadyRunning(plan: ClusterPlan, file: ClusterFile): InvalidStateError {
  const id = plan.clusterId === "" ? "" : ` with the id "${plan.clusterId}"`;
  const pid = file.controller?.state.pid ?? file.starter?.pid ?? 0;
  return new InvalidStateError(
    `a cluster${id} runs already in profile "${plan.profile.name}" (pid ${pid}); stop it with \`ipcluster stop\`, or choose another id with --cluster-id`,
  );
}
