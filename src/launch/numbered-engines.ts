// Engines that are started together by something else than this process: each takes its number from its environment, and
// with it the uuid by which its starter knows it.

import { randomBytes } from "node:crypto";
import { engineUuid, type EngineUuid } from "../base/index.ts";
import { connectionFilePath } from "../config/index.ts";
import type { ClusterPlace, EnginesRequest } from "./launcher.ts";
import { NO_KEYS, ownCommand } from "./local-launcher.ts";

/** The common beginning of a set's uuids: 8 and 16 hex digits; eight decimal ones follow and make it a uuid in the form of a session id. */
export function newIdentPrefix(): string {
  const hex = randomBytes(12).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/** The uuid of the engine of a number. */
export function numberedUuid(prefix: string, number: number): EngineUuid {
  return engineUuid(`${prefix}${String(number).padStart(8, "0")}`);
}

/** The argument that gives an engine its uuid, for a shell; `number` is a shell expression. */
export function numberedIdent(prefix: string, number: string): string {
  return `--ident=${prefix}"$(printf %08d ${number})"`;
}

/** Program and arguments of an engine without its uuid; it reads the connection file unless it gets the content by the environment. */
export function engineProgram(request: EnginesRequest, readsFile: boolean): string[] {
  const { profile, clusterId } = request.place;
  const file = readsFile ? [`--file=${connectionFilePath(profile, "engine", clusterId)}`] : [];
  return [...(request.command.length > 0 ? request.command : ownCommand("ipengine")), ...file, ...request.args];
}

/** Environment for what runs elsewhere: its place, and nothing of the launcher's own keys and process id. */
export function remoteEnvironment(place: ClusterPlace): Record<string, string | undefined> {
  return { ...NO_KEYS, IPP_PARENT_PID: undefined, IPP_PROFILE_DIR: place.profile.path, IPP_CLUSTER_ID: place.clusterId };
}
