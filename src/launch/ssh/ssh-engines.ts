// Sets of engines on other hosts: each host gets its share, all hosts are checked before anything is started on one.

import { ConfigError, LaunchError } from "../../base/index.ts";
import { parseConnectionInfo } from "../../config/index.ts";
import type { EnginesRequest, LaunchedEngine, LaunchedEngines } from "../launcher.ts";
import { logBase, newEngineUuid } from "../local-launcher.ts";
import { fetchFiles, readTransfers, sendFiles } from "./file-transfer.ts";
import { HostProcess, LiveGroup, type HostGroup } from "./host-group.ts";
import { readHosts, sharesOf, targetName, totalOf, type EngineHost } from "./host-list.ts";
import { checkHosts, type ControllerAddress, type HostToCheck, type Preflight, type ReadyHost } from "./preflight.ts";
import { contactMsOf, placeOf, SshGroups, type StatePlace } from "./ssh-groups.ts";

/** Forking many engines takes a while on a busy host. */
const START_MS = 60_000;

/** A set of engines on several hosts. */
export class SshEngines extends SshGroups implements LaunchedEngines {
  readonly setId: string;
  readonly engines: readonly LaunchedEngine[];
  readonly exited: Promise<void>;

  constructor(setId: string, groups: readonly HostGroup[], place: StatePlace) {
    super(groups, place);
    this.setId = setId;
    this.engines = groups.flatMap((group) => group.processes).toSorted((one, other) => one.index - other.index);
    this.exited = Promise.all(this.engines.map((engine) => engine.exited)).then(() => undefined);
  }
}

/** Hosts that get engines, with their shares and the numbers of their engines in the set. */
export function shared(hosts: readonly EngineHost[], n: number): { readonly host: EngineHost; readonly indices: readonly number[] }[] {
  if (n > 0 && totalOf(hosts) === 0) throw new ConfigError(`all hosts of "ssh.engines" have 0 engines`);
  let next = 0;
  return sharesOf(hosts, n).flatMap((share, at) => {
    const host = hosts[at];
    if (host === undefined || share === 0) return [];
    const indices = Array.from({ length: share }, (_, offset) => next + offset);
    next += share;
    return [{ host, indices }];
  });
}

/** A host's command for a program; empty text first: this package's own. */
export function engineLine(host: EngineHost, request: EnginesRequest): string[] {
  const command = host.command.length > 0 ? host.command : request.command;
  return [...(command.length > 0 ? command : [""]), ...request.args, ...host.engineArgs];
}

function controllerOf(connectionInfo: string): ControllerAddress {
  const info = parseConnectionInfo("engine", connectionInfo);
  return { interface: info.interface, location: info.location, port: info.registration };
}

/** The connection information for a host, with the location under which it reaches the controller. */
function infoFor({ location }: ReadyHost, connectionInfo: string): string {
  if (location === undefined) return connectionInfo;
  return JSON.stringify({ ...(JSON.parse(connectionInfo) as object), location });
}

async function startOn(
  ready: ReadyHost,
  share: { readonly host: EngineHost; readonly indices: readonly number[] },
  request: EnginesRequest,
): Promise<HostGroup> {
  const { place, setId, graceMs } = request;
  const { target } = ready.link;
  const contactMs = contactMsOf(request);
  const processes = share.indices.map((index) => ({ index, uuid: newEngineUuid() }));
  const env = { IPP_CONNECTION_INFO: infoFor(ready, request.connectionInfo), IPP_CLUSTER_ID: place.clusterId };
  const line = engineLine(share.host, request);
  const asks = {
    processes: processes.map(({ index, uuid }) => ({ index, command: [...line, `--ident=${uuid}`], env })),
    script: ready.script,
    profileDir: place.profile.path,
    graceMs,
    contactMs,
  };
  const started = (await ready.link.call("start", asks, START_MS)).processes;
  const failed = started.find((one) => "failure" in one);
  if (failed !== undefined && "failure" in failed) throw new LaunchError(`${target.host}: ${failed.failure}`);
  const known = started.flatMap((one) => ("failure" in one ? [] : [one]));
  const base = logBase(place, "ipengine", setId);
  const members = known.map(({ index, pid, started: since }) => {
    const uuid = processes.find((one) => one.index === index)?.uuid;
    return new HostProcess({ index, uuid, host: target.host, identity: { pid, started: since }, log: `${base}-${index}.log` });
  });
  return new LiveGroup(ready.link, members, contactMs);
}

/** `startEngines` of the launcher. */
export async function startEngines(request: EnginesRequest): Promise<LaunchedEngines> {
  const { options, n, enginesMin, connectionInfo, place, logger, signal } = request;
  const all = shared(readHosts(options), n);
  const transfers = readTransfers(options);
  const toCheck = all.map(({ host }): HostToCheck => ({ target: host.target, hasCommand: host.command.length + request.command.length > 0 }));
  const preflight: Preflight = { program: "ipengine", profileDir: place.profile.path, controller: controllerOf(connectionInfo), logger, signal };
  const checked = await checkHosts(
    toCheck,
    preflight,
    (usable) => all.reduce((sum, { indices }, at) => sum + (usable[at] === true ? indices.length : 0), 0) >= enginesMin,
  );
  const shares = all.flatMap((share, at) => (checked[at] === undefined ? [] : [{ ...share, ready: checked[at] }]));
  for (const { ready, indices } of shares)
    logger.info("starting engines on a host", { host: targetName(ready.link.target), engines: indices.length, node: ready.link.facts.nodeVersion });
  const started = await Promise.allSettled(
    shares.map(async (share) => {
      await sendFiles(share.ready.link, transfers.send);
      return startOn(share.ready, share, request);
    }),
  );
  const groups = started.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const failed = started.find((outcome) => outcome.status === "rejected");
  try {
    if (failed !== undefined) throw failed.reason;
    await Promise.all(shares.map(({ ready }) => fetchFiles(ready.link, transfers.fetch)));
    return new SshEngines(request.setId, groups, placeOf(request));
  } catch (cause) {
    // An agent ends all it started when its connection ends.
    await Promise.allSettled(groups.map((group) => group.stop(request.graceMs)));
    for (const { ready } of shares) ready.link.close();
    throw cause;
  }
}
