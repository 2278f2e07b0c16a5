// The launcher for other hosts: over one ssh connection to each runs an agent that starts the host's share of the engines, passes
// their output and ends on, and stops them when the connection ends. Nothing is installed there.

import { ConfigError } from "../../base/index.ts";
import type { EnginesRequest, Launcher } from "../launcher.ts";
import { textOf } from "../launcher-state.ts";
import { shellLine } from "../shell-words.ts";
import { bootstrapLine } from "./bootstrap.ts";
import { readHosts, sshCommand, targetName, totalOf, type SshTarget } from "./host-list.ts";
import { ownScript } from "./preflight.ts";
import { controllerLine, controllerTarget, SshController, startController } from "./ssh-controller.ts";
import { engineLine, shared, SshEngines, startEngines } from "./ssh-engines.ts";
import { readGroups } from "./ssh-state.ts";

/** Starts engines, and the controller, on other hosts. */
export const SSH_LAUNCHER: Launcher = {
  name: "ssh",

  engineCount: (options) => totalOf(readHosts(options)),

  startController,
  startEngines,

  async findEngines(setId, state) {
    const groups = await readGroups(state);
    return groups.length === 0 ? undefined : new SshEngines(setId, groups, state);
  },

  async findController(state) {
    const [group] = await readGroups(state);
    const [controller] = group?.processes ?? [];
    return group === undefined || controller === undefined ? undefined : new SshController(group, controller, state);
  },

  previewController: (request) => Promise.resolve(preview(controllerTarget(request), 1, "ipcontroller", controllerLine(request))),

  previewEngines(request) {
    const hosts = shared(readHosts(request.options), request.n).map(({ host, indices }) =>
      preview(host.target, indices.length, "ipengine", [...engineLine(host, request), "--ident=<uuid>"]),
    );
    return Promise.resolve(hosts.join("\n"));
  },
};

/** The same with one host: all engines of a set run there, through one connection. */
export const SSHPROXY_LAUNCHER: Launcher = {
  name: "sshproxy",
  startEngines: (request) => startEngines(onOneHost(request)),
  async findEngines(setId, state) {
    return SSH_LAUNCHER.findEngines?.(setId, state);
  },
  async previewEngines(request) {
    return (await SSH_LAUNCHER.previewEngines?.(onOneHost(request))) ?? "";
  },
};

function onOneHost(request: EnginesRequest): EnginesRequest {
  const host = textOf(request.options["host"]);
  if (host === "") throw new ConfigError(`no host for the engines: name it in ipcluster_config, e.g. sshproxy: { host: "me@node1" }`);
  return { ...request, options: { ...request.options, engines: { [host]: request.n } } };
}

function preview(target: SshTarget, n: number, program: "ipcontroller" | "ipengine", [first = "", ...args]: readonly string[]): string {
  const command = first === "" ? ["node", "--no-force-async-hooks-checks", ownScript(program)] : [first];
  const keys = program === "ipengine" ? ", with IPP_CONNECTION_INFO in the environment" : "";
  return [
    `# on ${targetName(target)}${n === 1 ? "" : `, ${n} times`}${keys}:`,
    shellLine([...command, ...args]),
    "# by an agent that runs over:",
    shellLine(sshCommand(target, bootstrapLine(target.node))),
    "",
  ].join("\n");
}
