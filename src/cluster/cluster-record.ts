// One cluster's file, as the process that runs the cluster keeps it: claimed at the start (so that two starts at once
// cannot both go on), changed with each process that comes or goes, removed at the end.

import { InvalidStateError } from "../base/index.ts";
import type { EngineLanguage } from "../core/index.ts";
import { identityOf, type LauncherState } from "../launch/index.ts";
import {
  CLUSTER_CLASS,
  clusterFilePath,
  isSameRun,
  readClusterFile,
  readClusterFileNow,
  updateClusterFile,
  type ClusterFile,
  type EngineSetRecord,
} from "./cluster-file.ts";
import { isRunning } from "./cluster-life.ts";
import type { ClusterPlan } from "./cluster-plan.ts";

/** What changed. */
export interface RecordChange {
  readonly controller?: LauncherState;
  /** Sets by id; `undefined`: nothing of it runs, it is dropped from the file. Others in the file stay as they are. */
  readonly sets?: { readonly [setId: string]: LauncherState | undefined };
}

/** The cluster file of one cluster. */
export class ClusterRecord {
  readonly #plan: ClusterPlan;
  readonly #isDedicated: boolean;
  readonly #path: string;
  /** Content when it was claimed or found: tells our run from a later one under the same name. */
  #origin: ClusterFile | undefined;
  /** Set ids given out in this second. */
  readonly #reserved = new Set<string>();
  #reservedAt = "";

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
    await updateClusterFile(this.#path, async (before) => {
      if (before !== undefined && (await isRunning(before))) throw alreadyRunning(this.#plan, before);
      stale = before;
      this.#origin = this.#fresh();
      return this.#origin;
    });
    return stale;
  }

  /** Writes a change, as it is when its turn has come. Does nothing when the file is gone: somebody stopped the cluster. */
  async save(changeNow: () => RecordChange): Promise<void> {
    await this.#update((before) => {
      const change = changeNow();
      const sets: Record<string, EngineSetRecord> = { ...before.engines.sets };
      for (const [id, state] of Object.entries(change.sets ?? {})) {
        if (state === undefined) delete sets[id];
        else sets[id] = { ...state, ...ownFacts(before.engines.sets[id], this.#plan.engineLauncher.id) };
      }
      const controller = change.controller === undefined ? before.controller : { class: this.#plan.controllerLauncher.id, state: change.controller };
      return { ...before, ...(controller === undefined ? {} : { controller }), engines: { ...before.engines, sets } };
    });
  }

  /** A new set's id: the time in seconds, with a suffix when that is taken. It stands in the file from then on. */
  async reserveSet(launcher: string, language: EngineLanguage): Promise<string> {
    const seconds = String(Math.floor(Date.now() / 1000));
    // A set that has just ended may still be told of by its id.
    if (seconds !== this.#reservedAt) this.#reserved.clear();
    this.#reservedAt = seconds;
    let id = seconds;
    await this.#update((before) => {
      for (let suffix = 1; before.engines.sets[id] !== undefined || this.#reserved.has(id); suffix += 1) id = `${seconds}-${suffix}`;
      this.#reserved.add(id);
      const { clusterId, profile } = this.#plan;
      const place = { cluster_id: clusterId, profile_dir: profile.path };
      const reserved: EngineSetRecord = { ...place, state: "before", pid: -1, n: 0, engines: {}, launcher, language };
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

  /** Writes how many engines there should be from now on. */
  async saveCount(n: number): Promise<void> {
    await this.#update((before) => ({ ...before, cluster: { ...before.cluster, n } }));
  }

  /** Counts an engine that was started again. */
  async noteRestart(): Promise<void> {
    await this.#update((before) => ({ ...before, restarts: (before.restarts ?? 0) + 1 }));
  }

  /** Launcher and language of a set, as the file has them. */
  async factsOf(setId: string): Promise<{ readonly launcher: string; readonly language: EngineLanguage }> {
    const file = await readClusterFile(this.#path);
    const { launcher, language } = ownFacts(file?.engines.sets[setId], this.#plan.engineLauncher.id);
    return { launcher, language: language === "python" ? "python" : "typescript" };
  }

  /** Sets in the file that other processes started. */
  async otherSets(own: ReadonlySet<string>): Promise<[string, EngineSetRecord][]> {
    const file = await readClusterFile(this.#path);
    if (file === undefined || !this.#isOurs(file)) return [];
    return Object.entries(file.engines.sets).filter(([id]) => !own.has(id));
  }

  /**
   * Removes the file, and by `others` what goes with it. Does nothing when the file is gone or of a later run: then
   * everything else is gone, or the later run's, too.
   *
   * @param isKept remove only what goes with it
   */
  async remove(others: () => Promise<void> = () => Promise.resolve(), isKept = false): Promise<void> {
    await updateClusterFile(this.#path, async (before) => {
      if (before === undefined || !this.#isOurs(before)) return before;
      await others();
      return isKept ? before : undefined;
    });
  }

  /** Whether the file is there and ours, asked in the last moment of a process. */
  isThere(): boolean {
    try {
      return this.#isOurs(readClusterFileNow(this.#path));
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
      engines: { class: engineLauncher.id, sets: {} },
      starter: { ...identityOf(process.pid), is_dedicated: this.#isDedicated },
    };
  }
}

/** What a set's record has besides its launcher's state. One that was found keeps the launcher that its record names. */
function ownFacts(record: EngineSetRecord | undefined, launcher: string): { readonly launcher: string; readonly language?: string } {
  return { launcher: record?.launcher ?? launcher, ...(record?.language === undefined ? {} : { language: record.language }) };
}

function alreadyRunning(plan: ClusterPlan, file: ClusterFile): InvalidStateError {
  const id = plan.clusterId === "" ? "" : ` with the id "${plan.clusterId}"`;
  const pid = Number(file.controller?.state["pid"] ?? file.starter?.pid ?? 0);
  return new InvalidStateError(
    `a cluster${id} runs already in profile "${plan.profile.name}" (pid ${pid}); stop it with \`ipcluster stop\`, or choose another id with --cluster-id`,
  );
}
