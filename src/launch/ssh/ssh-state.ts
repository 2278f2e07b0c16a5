// What a cluster file keeps of processes on other hosts: enough to log in there again and stop them. `hostname`, `user` and `n` are
// ipyparallel's keys. `pid` is -1, since a number that its programs find there they would wait for on the other host; ours has another name.

import { engineUuid } from "../../base/index.ts";
import { isObject, textOf, type LauncherState } from "../launcher-state.ts";
import type { RemoteProcess } from "./agent-messages.ts";
import { FoundGroup, HostProcess, type HostGroup } from "./host-group.ts";
import type { SshTarget } from "./host-list.ts";

type Place = Pick<LauncherState, "cluster_id" | "profile_dir">;

/** The state of some groups; processes that have ended are left out. */
export function groupsState(groups: readonly HostGroup[], place: Place, isRunning: boolean): LauncherState {
  const common = { cluster_id: place.cluster_id, profile_dir: place.profile_dir };
  const state = isRunning ? "running" : "after";
  const living = groups.filter((group) => group.mayRun);
  const engines = living.flatMap((group, host) =>
    // Of a host whose connection was lost nobody knows what runs.
    group.processes.map((process): [string, object] => [
      String(process.index),
      {
        ...common,
        state: process.isRunning ? "running" : "after",
        pid: -1,
        n: 1,
        hostname: group.target.host,
        user: group.target.user,
        output_file: process.log,
        uuid: process.uuid ?? "",
        remote_pid: process.identity.pid,
        started: process.identity.started,
        host,
      },
    ]),
  );
  const hosts = living.map(({ target, agent, contactMs }) => ({ target, agent, contactMs }));
  return { ...common, state, pid: -1, n: engines.length, engines: Object.fromEntries(engines), hosts };
}

/** The groups of a state of which something runs, or may run: their hosts are asked. */
export async function readGroups(state: LauncherState): Promise<FoundGroup[]> {
  const hosts = Array.isArray(state["hosts"]) ? (state["hosts"] as unknown[]) : [];
  const engines = Object.entries(isObject(state["engines"]) ? state["engines"] : {});
  const groups = hosts.flatMap((value, at) => {
    const host = readHost(value);
    if (host === undefined) return [];
    const processes = engines.flatMap(([index, engine]) => (isObject(engine) && engine["host"] === at ? readProcess(Number(index), engine, host.target) : []));
    return processes.length === 0 ? [] : [new FoundGroup({ ...host, processes })];
  });
  await Promise.all(groups.map((group) => group.look()));
  return groups.filter((group) => group.mayRun);
}

function readHost(value: unknown): { readonly target: SshTarget; readonly agent: RemoteProcess; readonly contactMs: number } | undefined {
  if (!isObject(value) || !isObject(value["target"]) || !isObject(value["agent"])) return undefined;
  const { host, user, port, ssh, sshArgs, node, connectMs } = value["target"];
  if (typeof host !== "string" || host.startsWith("-")) return undefined;
  const target: SshTarget = {
    host,
    user: textOf(user),
    port: numberOf(port, 0),
    ssh: textsOf(ssh),
    sshArgs: textsOf(sshArgs),
    node: textOf(node),
    connectMs: numberOf(connectMs, 10_000),
  };
  const agent = { pid: numberOf(value["agent"]["pid"], 0), started: textOf(value["agent"]["started"]) };
  return { target, agent, contactMs: numberOf(value["contactMs"], 60_000) };
}

function readProcess(index: number, engine: Record<string, unknown>, target: SshTarget): HostProcess[] {
  const pid = numberOf(engine["remote_pid"], 0);
  if (pid <= 0) return [];
  const uuid = textOf(engine["uuid"]);
  const identity = { pid, started: textOf(engine["started"]) };
  return [new HostProcess({ index, uuid: uuid === "" ? undefined : engineUuid(uuid), host: target.host, identity, log: textOf(engine["output_file"]) })];
}

const numberOf = (value: unknown, fallback: number): number => (typeof value === "number" && Number.isInteger(value) ? value : fallback);

const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.filter((item) => typeof item === "string") : []);
