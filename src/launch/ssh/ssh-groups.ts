// Groups of processes on several hosts, as one thing that was launched; and where it belongs.

import { LaunchError } from "../../base/index.ts";
import type { LaunchRequest } from "../launcher.ts";
import type { LauncherState } from "../launcher-state.ts";
import type { HostGroup } from "./host-group.ts";
import { groupsState } from "./ssh-state.ts";

/** Which cluster something belongs to, in the words of a state. */
export type StatePlace = Pick<LauncherState, "cluster_id" | "profile_dir">;

/** The place of a request. */
export function placeOf({ place }: LaunchRequest): StatePlace {
  return { cluster_id: place.clusterId, profile_dir: place.profile.path };
}

/** How long what runs on a host goes on without contact, in milliseconds. */
export function contactMsOf({ options }: LaunchRequest): number {
  return typeof options["contactTimeoutMs"] === "number" ? options["contactTimeoutMs"] : 60_000;
}

/** Groups of processes on several hosts, as one thing that was launched. */
export class SshGroups {
  readonly groups: readonly HostGroup[];
  readonly #place: StatePlace;

  constructor(groups: readonly HostGroup[], place: StatePlace) {
    this.groups = groups;
    this.#place = place;
  }

  get isRunning(): boolean {
    return this.groups.some((group) => group.mayRun);
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    await Promise.all(this.groups.map((group) => group.signal(signal)));
  }

  /** All hosts are tried, also when one fails. */
  async stop(graceMs: number): Promise<void> {
    const outcomes = await Promise.allSettled(this.groups.map((group) => group.stop(graceMs)));
    const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as Error] : []));
    if (failures.length > 0) throw new LaunchError(failures.map(({ message }) => message).join("; "), { cause: failures[0] });
  }

  kill(): void {
    for (const group of this.groups) group.kill();
  }

  toState(): LauncherState {
    return groupsState(this.groups, this.#place, this.isRunning);
  }
}
