// Connection information (protocol §2.1): the content of the two JSON files a controller writes. Keys are the wire's.
// Reading and writing the files is `config`'s work.

import { isDict, type Dict } from "./message.ts";
import { CURVE_KEY_CHARS, isCurveKey } from "./z85.ts";

/** Keys that both files have. */
export interface CommonConnectionInfo {
  readonly ssh: string;
  /** `tcp://<ip or *>`. */
  readonly interface: string;
  readonly registration: number;
  readonly control: number;
  readonly mux: number;
  readonly task: number;
  readonly iopub: number;
  readonly key: string;
  /** The controller's public CURVE key in Z85; `null`: nothing is encrypted. */
  readonly curve_serverkey: string | null;
  readonly location: string;
  readonly pack: string;
  readonly unpack: string;
  readonly signature_scheme: string;
}

/** `ipcontroller[-ID]-client.json`. */
export interface ClientConnectionInfo extends CommonConnectionInfo {
  readonly task_scheme: string;
  readonly notification: number;
  readonly broadcast: number;
}

/** `ipcontroller[-ID]-engine.json`. */
export interface EngineConnectionInfo extends CommonConnectionInfo {
  readonly hb_ping: number;
  readonly hb_pong: number;
  /** One port for each leaf; an engine uses `broadcast[id % broadcast.length]`. */
  readonly broadcast: readonly number[];
}

const COMMON_TEXTS = ["interface", "key", "pack", "unpack", "signature_scheme"] as const;
const COMMON_PORTS = ["registration", "control", "mux", "task", "iopub"] as const;

/** Checks what a client file holds; a text tells what is wrong. Unknown keys are ignored. */
export function readClientConnectionInfo(value: unknown): ClientConnectionInfo | string {
  const common = readCommon(value);
  if (typeof common === "string") return common;
  const dict = value as Dict;
  if (typeof dict["task_scheme"] !== "string") return "`task_scheme` must be a text";
  if (!isPort(dict["notification"])) return "`notification` must be a port number";
  if (!isPort(dict["broadcast"])) return "`broadcast` must be a port number (this looks like an engine's file)";
  return { ...common, task_scheme: dict["task_scheme"], notification: dict["notification"], broadcast: dict["broadcast"] };
}

/** Checks what an engine file holds; a text tells what is wrong. Unknown keys are ignored. */
export function readEngineConnectionInfo(value: unknown): EngineConnectionInfo | string {
  const common = readCommon(value);
  if (typeof common === "string") return common;
  const dict = value as Dict;
  const leaves = dict["broadcast"];
  if (!isPort(dict["hb_ping"])) return "`hb_ping` must be a port number";
  if (!isPort(dict["hb_pong"])) return "`hb_pong` must be a port number";
  if (!Array.isArray(leaves) || leaves.length === 0 || !leaves.every(isPort))
    return "`broadcast` must be a list of port numbers (this looks like a client's file)";
  return { ...common, hb_ping: dict["hb_ping"], hb_pong: dict["hb_pong"], broadcast: leaves };
}

function readCommon(value: unknown): CommonConnectionInfo | string {
  if (!isDict(value)) return "must be a JSON object";
  for (const key of COMMON_TEXTS) if (typeof value[key] !== "string") return `\`${key}\` must be a text`;
  for (const key of COMMON_PORTS) if (!isPort(value[key])) return `\`${key}\` must be a port number`;
  for (const key of ["pack", "unpack"] as const) {
    if (value[key] !== "json" && value[key] !== "orjson") return `\`${key}\` is "${String(value[key])}", and only "json" and "orjson" are supported`;
  }
  const scheme = value["signature_scheme"] as string;
  if (!scheme.startsWith("hmac-")) return `\`signature_scheme\` is "${scheme}", and must start with "hmac-"`;
  // Absent, `null` and empty all mean: no encryption.
  const serverKey = value["curve_serverkey"] ?? "";
  if (typeof serverKey !== "string" || (serverKey !== "" && !isCurveKey(serverKey)))
    return `\`curve_serverkey\` is no CURVE key: it must have ${CURVE_KEY_CHARS} characters of Z85, or be null`;
  return {
    ssh: textOr(value["ssh"], ""),
    interface: value["interface"] as string,
    registration: value["registration"] as number,
    control: value["control"] as number,
    mux: value["mux"] as number,
    task: value["task"] as number,
    iopub: value["iopub"] as number,
    key: value["key"] as string,
    curve_serverkey: serverKey === "" ? null : serverKey,
    location: textOr(value["location"], ""),
    pack: value["pack"] as string,
    unpack: value["unpack"] as string,
    signature_scheme: scheme,
  };
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65536;
}
