// The two connection files of a controller: what they say, when they are written and removed, and how a controller
// takes over those of one before (protocol §2).

import {
  connectionFilePath,
  curveKeyPath,
  curveKeyText,
  fileFailure,
  readConnectionFile,
  readCurveKey,
  removeConnectionFiles,
  writeConnectionFiles,
  writePrivateFile,
} from "../config/index.ts";
import { curveKeyPair, newCurveKeyPair, type CurveKeyPair } from "../net/index.ts";
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
  const head = (ssh: string): Pick<ClientConnectionInfo, "ssh" | "interface" | "registration"> => ({
    ssh,
    interface: config.interface,
    registration: hub.registration,
  });
  const { key, location } = config;
  const tail = { key, curve_serverkey: config.curve?.publicKey ?? null, location, pack: "json", unpack: "json", signature_scheme: signatureScheme };
  const side = (name: "client" | "engine"): { control: number; mux: number; task: number } => ({
    control: router.control[name],
    mux: router.mux[name],
    task: router.task[name],
  });
  return {
    client: {
      ...head(config.ssh),
      ...side("client"),
      task_scheme: config.scheduler.scheme,
      iopub: router.iopub.client,
      notification: hub.notification,
      broadcast: router.broadcast.client,
      ...tail,
    },
    engine: {
      ...head(config.enginessh),
      ...side("engine"),
      iopub: router.iopub.engine,
      hb_ping: hub.hb_ping,
      hb_pong: hub.hb_pong,
      broadcast: router.broadcast.leaves,
      ...tail,
    },
  };
}

/** What a registration_reply tells of it: where the engine connects, as the reference says it, and neither key nor options. */
export function announcedPorts(engine: EngineConnectionInfo): Dict {
  const { interface: address, registration, control, mux, task, iopub, hb_ping: ping, hb_pong: pong, broadcast } = engine;
  return { interface: address, registration, control, mux, task, iopub, hb_ping: ping, hb_pong: pong, broadcast };
}

/** Writes both files, unless those of before are in use; and beside files that stay, the secret key that belongs to them. */
export async function publishFiles(config: ControllerConfig, infos: ConnectionInfos): Promise<void> {
  const { profile, clusterId, curve, givenCurve } = config;
  if (config.hasTakenFiles) return;
  if (config.isReusing && curve !== undefined && curve !== givenCurve) await writePrivateFile(curveKeyPath(profile, clusterId), curveKeyText(curve));
  await writeConnectionFiles(profile, clusterId, infos.client, infos.engine);
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
    const ours = infos.client;
    return found.key === ours.key && found.curve_serverkey === ours.curve_serverkey && found.registration === ours.registration;
  } catch {
    // Gone or unreadable: either way no other controller's, and removing what is missing is no error.
    return true;
  }
}

/** Takes over keys, ports and addresses of existing files; when they cannot be read, starts afresh as the reference does. */
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
  const differing = (
    ["key", "curve_serverkey", "registration", "pack", "unpack", "signature_scheme"] as const satisfies readonly (keyof CommonConnectionInfo)[]
  ).find((key) => client[key] !== engine[key]);
  if (differing !== undefined) {
    config.logger.warn("the connection files contradict each other; new ones are written", { key: differing });
    return config;
  }
  if (client.curve_serverkey === null && config.curve !== undefined) {
    config.logger.warn("the connection files to reuse are of a controller that did not encrypt; new ones are written");
    return config;
  }
  const curve = client.curve_serverkey === null ? undefined : await keptKeys(config, client.curve_serverkey);
  if (client.curve_serverkey !== null && curve === undefined) {
    config.logger.warn("the secret key that belongs to the connection files' curve_serverkey is not here; new ones are written", {
      expected: `IPP_CURVE_SECRETKEY or ${curveKeyPath(config.profile, config.clusterId)}`,
    });
    // Encrypted as before: whoever had these files did not ask for less.
    return { ...config, curve: config.curve ?? newCurveKeyPair() };
  }
  return {
    ...config,
    curve,
    hasTakenFiles: true,
    interface: client.interface,
    location: client.location,
    key: client.key,
    ports: portsOfFiles(client, engine),
  };
}

/** The key pair of a server key: the one given, or that of the file which a controller before has left for us. */
async function keptKeys({ givenCurve, profile, clusterId }: ControllerConfig, serverKey: string): Promise<CurveKeyPair | undefined> {
  if (givenCurve?.publicKey === serverKey) return givenCurve;
  const secretKey = await readCurveKey(curveKeyPath(profile, clusterId));
  const pair = secretKey === undefined ? undefined : curveKeyPair(secretKey);
  return pair?.publicKey === serverKey ? pair : undefined;
}
