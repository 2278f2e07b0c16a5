// A controller on another host. Its connection files are fetched, so that clients and launchers here find it as if it had written them here.

import { basename, join, relative } from "node:path";
import { homedir } from "node:os";
import { ConfigError, LaunchError } from "../../base/index.ts";
import { connectionFilePath, writePrivateFile, type ConnectionRole } from "../../config/index.ts";
import type { ControllerRequest, LaunchedController, ProcessExit } from "../launcher.ts";
import { logBase } from "../local-launcher.ts";
import { textOf } from "../launcher-state.ts";
import { FILE_BYTES_MAX } from "./file-transfer.ts";
import { HostProcess, LiveGroup, type HostGroup } from "./host-group.ts";
import type { HostLink } from "./host-link.ts";
import { readTarget, type SshTarget } from "./host-list.ts";
import { checkHosts, type ReadyHost } from "./preflight.ts";
import { contactMsOf, placeOf, SshGroups, type StatePlace } from "./ssh-groups.ts";

const START_MS = 60_000;
const CALL_MS = 20_000;
/** The cluster's own limit, and its sentence, come first. */
const FILES_MS = 3_600_000;

/** A controller on a host. */
export class SshController extends SshGroups implements LaunchedController {
  /** A number of another host's would be taken for one of this machine's. */
  readonly pid: undefined = undefined;
  readonly log: string;
  readonly exited: Promise<ProcessExit>;

  constructor(group: HostGroup, controller: HostProcess, place: StatePlace) {
    super([group], place);
    this.log = controller.log;
    this.exited = controller.exited;
  }
}

/** The controller's host. */
export function controllerTarget({ options }: ControllerRequest): SshTarget {
  const host = textOf(options["controller"]);
  if (host === "") throw new ConfigError(`no host for the controller: name it in ipcluster_config, e.g. ssh: { controller: "me@head" }`);
  return readTarget(host, options, `option "ssh.controller"`);
}

/** Its command line; an empty text first: this package's own program. Others reach it by the name under which we do. */
export function controllerLine(request: ControllerRequest): string[] {
  const has = (flag: RegExp): boolean => request.args.some((arg) => flag.test(arg));
  const ip = has(/^--(?:ip|IPController\.ip)\b/) ? [] : ["--ip=*"];
  const location = has(/^--(?:location|IPController\.location)\b/) ? [] : [`--location=${controllerTarget(request).host}`];
  return [...(request.command.length > 0 ? request.command : [""]), ...ip, ...location, ...request.args];
}

/** `startController` of the launcher. */
export async function startController(request: ControllerRequest): Promise<LaunchedController> {
  const target = controllerTarget(request);
  const { place, logger, signal } = request;
  const hosts = [{ target, hasCommand: request.command.length > 0 }];
  const [ready] = await checkHosts(hosts, { program: "ipcontroller", profileDir: place.profile.path, controller: undefined, logger, signal });
  if (ready === undefined) throw new LaunchError(`${target.host} cannot be used`);
  try {
    return await startOn(ready, request);
  } catch (cause) {
    ready.link.close();
    throw cause;
  }
}

async function startOn(ready: ReadyHost, request: ControllerRequest): Promise<LaunchedController> {
  const { place, graceMs, args, keepOutput } = request;
  const { link } = ready;
  const profileDir = remoteProfile(ready, place.profile.path);
  const remoteFile = (role: ConnectionRole): string => `${profileDir}/security/${basename(connectionFilePath(place.profile, role, place.clusterId))}`;
  // A file of an earlier controller would be taken for this one's.
  if (!args.some((arg) => /^--(?:reuse|restore)/.test(arg))) await link.call("remove", { paths: [remoteFile("client"), remoteFile("engine")] }, CALL_MS);
  const process = { index: 0, command: controllerLine(request), env: { IPP_PROFILE_DIR: profileDir, IPP_CLUSTER_ID: place.clusterId } };
  const contactMs = contactMsOf(request);
  const asks = { processes: [process], script: ready.script, profileDir, graceMs, contactMs };
  const [started] = (await link.call("start", asks, START_MS)).processes;
  if (started === undefined || "failure" in started) throw new LaunchError(`${link.target.host}: ${started?.failure ?? "nothing was started"}`);
  const log = keepOutput ? `${logBase(place, "ipcontroller", String(globalThis.process.pid))}.log` : "";
  const identity = { pid: started.pid, started: started.started };
  const controller = new HostProcess({ index: 0, uuid: undefined, host: link.target.host, identity, log });
  const group = new LiveGroup(link, [controller], contactMs);
  void fetchConnectionFiles(link, request, remoteFile).catch((cause: unknown) =>
    // Its end is told by itself; what else keeps the files away is told here, and the wait for them by its limit.
    controller.isRunning ? request.logger.error("cannot fetch the connection files", { host: link.target.host, cause }) : undefined,
  );
  return new SshController(group, controller, placeOf(request));
}

/** Client's file first, as the controller itself does. With a shared home they are there already, and stay what they are. */
async function fetchConnectionFiles(link: HostLink, { place }: ControllerRequest, remoteFile: (role: ConnectionRole) => string): Promise<void> {
  for (const role of ["client", "engine"] as const) {
    const { content } = await link.call("get", { path: remoteFile(role), waitMs: FILES_MS, bytesMax: FILE_BYTES_MAX }, FILES_MS);
    await writePrivateFile(connectionFilePath(place.profile, role, place.clusterId), Buffer.from(content, "base64").toString("utf8"));
  }
}

/** The profile's directory there: the same where the home is shared, else the same one below that home. */
function remoteProfile({ link, hasProfile }: ReadyHost, path: string): string {
  if (hasProfile) return path;
  const below = relative(homedir(), path);
  return `${link.facts.home}/${below.startsWith("..") ? join(".ipython", basename(path)) : below}`;
}
