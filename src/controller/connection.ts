// The two connection files of a controller: what they say, when they are written and removed, and how a controller
// takes over those of one before (protocol §2).

import { connectionFilePath, fileFailure, readConnectionFile, removeConnectionFiles, writeConnectionFiles } from "../config/index.ts";
import type { ClientConnectionInfo, CommonConnectionInfo, Dict, EngineConnectionInfo } from "../wire/index.ts";
import type { ControllerConfig } from "./options.ts";
import { portsOfFiles, type PortPlan } from "./ports.ts";

/** What clients and engines are told. */
export interface ConnectionInfos {
  readonly client: ClientConnectionInfo;
  readonly engine: EngineConnectionInfo;
}

/** Makes both from the ports that were bound. Key order is the reference's. */
export function connectionInfos(config: ControllerConfig, { hub, router }: PortPlan, signatureScheme: string): ConnectionInfos {
  const head = { ssh: "", interface: config.interface, registration: hub.registration };
  const tail = { key: config.key, curve_serverkey: null, location: config.location, pack: "json", unpack: "json", signature_scheme: signatureScheme };
  const side = (name: "client" | "engine"): { control: number; mux: number; task: number } => ({
    control: router.control[name],
    mux: router.mux[name],
    task: router.task[name],
  });
  return {
    client: {
      ...head,
      ...side("client"),
      task_scheme: config.scheduler.scheme,
      iopub: router.iopub.client,
      notification: hub.notification,
      broadcast: router.broadcast.client,
      ...tail,
    },
    engine: { ...head, ...side("engine"), iopub: router.iopub.engine, hb_ping: hub.hb_ping, hb_pong: hub.hb_pong, broadcast: router.broadcast.leaves, ...tail },
  };
}

/** What a registration_reply tells of it: where the engine connects, as the reference says it, and neither key nor options. */
export function announcedPorts(engine: EngineConnectionInfo): Dict {
  const { interface: address, registration, control, mux, task, iopub, hb_ping: ping, hb_pong: pong, broadcast } = engine;
  return { interface: address, registration, control, mux, task, iopub, hb_ping: ping, hb_pong: pong, broadcast };
}

/** Writes both files, unless those of before are in use. */
export async function publishFiles(config: ControllerConfig, infos: ConnectionInfos): Promise<void> {
  if (!config.hasTakenFiles) await writeConnectionFiles(config.profile, config.clusterId, infos.client, infos.engine);
}

/** Removes both files at a clean end. Reused ones stay, and so do those that another controller has written meanwhile. */
export async function discardFiles(config: ControllerConfig, infos: ConnectionInfos): Promise<void> {
  if (config.isReusing || !(await areOurs(config, infos))) return;
  try {
    await removeConnectionFiles(config.profile, config.clusterId);
  } catch (cause) {
    config.logger.warn("cannot remove the connection files", { directory: config.profile.securityDir, cause: fileFailure(cause) });
  }
}

async function areOurs(config: ControllerConfig, infos: ConnectionInfos): Promise<boolean> {
  try {
    const found = await readConnectionFile("client", connectionFilePath(config.profile, "client", config.clusterId), { waitMs: 0 });
    return found.key === infos.client.key && found.registration === infos.client.registration;
  } catch {
    // Gone or unreadable: either way no other controller's, and removing what is missing is no error.
    return true;
  }
}

/** Takes over key, ports and addresses of existing files; when they cannot be read, starts afresh as the reference does. */
export async function reuseFiles(config: ControllerConfig): Promise<ControllerConfig> {
  const path = (role: "client" | "engine"): string => connectionFilePath(config.profile, role, config.clusterId);
  let client: ClientConnectionInfo;
  let engine: EngineConnectionInfo;
  try {
    client = await readConnectionFile("client", path("client"), { waitMs: 0 });
    engine = await readConnectionFile("engine", path("engine"), { waitMs: 0 });
  } catch (cause) {
    config.logger.warn("no connection files to reuse; new ones are written", { cause });
    return config;
  }
  const differing = (["key", "registration", "pack", "unpack", "signature_scheme"] as const satisfies readonly (keyof CommonConnectionInfo)[]).find(
    (key) => client[key] !== engine[key],
  );
  if (differing !== undefined) {
    config.logger.warn("the connection files contradict each other; new ones are written", { key: differing });
    return config;
  }
  return { ...config, hasTakenFiles: true, interface: client.interface, location: client.location, key: client.key, ports: portsOfFiles(client, engine) };
}
