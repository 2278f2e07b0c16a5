// A controller's options: what a caller may say, and the complete form the rest works with.

import { hostname } from "node:os";
import { join } from "node:path";
import { ConfigError, InvalidArgumentError, type Clock } from "../base/index.ts";
import type { ControllerValues, ProfileDir } from "../config/index.ts";
import { registrationConfig, type HeartConfig, type RegistrationConfig, type TaskSchedulerOptions } from "../core/index.ts";
import { SILENT, type Logger, type LogLevel } from "../log/index.ts";
import { curveKeyPair, newCurveKeyPair, newSessionId, SYSTEM_CLOCK, type CurveKeyPair, type Transport } from "../net/index.ts";
import type { Retention, TaskStoreOptions } from "../store/index.ts";
import { MESSAGE_BYTES_MAX } from "../wire/index.ts";
import { dealPorts, parsePorts, type PortPlan } from "./ports.ts";

/** What a controller may be told. Values of `ipcontroller_config` that are left out have that table's defaults. */
export interface ControllerOptions extends Partial<{ [Name in keyof ControllerValues]: ControllerValues[Name] | undefined }> {
  /** Where connection files, logs and the task store lie; created where missing. */
  readonly profile: ProfileDir;
  /** Default: silent. */
  readonly logger?: Logger;
  /**
   * Sockets of another kind, e.g. in memory: then the Hub runs in this thread too, and whether they encrypt is their affair.
   * Default: ZeroMQ, and a thread for the Hub.
   */
  readonly transport?: Transport;
  /** Default: the system's. Only together with `transport`. */
  readonly clock?: Clock;
  /** Bytes of unanswered mux messages that may wait for one engine; beyond, requests are answered with EngineError. Default 1 GiB. */
  readonly engineBytesMax?: number;
  /** Buffers of one request or result larger than this are not recorded; default 16 MiB. */
  readonly recordBufferBytesMax?: number;
  /** Larger messages are dropped on every socket; default 4 GiB. */
  readonly messageBytesMax?: number;
}

/** Complete options. */
export interface ControllerConfig {
  readonly profile: ProfileDir;
  readonly clusterId: string;
  readonly logger: Logger;
  readonly logLevel: LogLevel;
  readonly transport: Transport | undefined;
  readonly clock: Clock;
  readonly interface: string;
  readonly location: string;
  readonly key: string;
  /** Encrypts every connection; `undefined`: none is encrypted. */
  readonly curve: CurveKeyPair | undefined;
  /** A key pair that whoever starts the controller has told, used or not. */
  readonly givenCurve: CurveKeyPair | undefined;
  readonly ports: PortPlan;
  /** Files are kept at the end, and taken from the controller before where there are any. */
  readonly isReusing: boolean;
  /** Files of the controller before are in use. */
  readonly hasTakenFiles: boolean;
  readonly isRestoring: boolean;
  readonly scheduler: TaskSchedulerOptions & { readonly scheme: ControllerValues["scheme"] };
  readonly hearts: HeartConfig;
  readonly registration: RegistrationConfig;
  /** Cloneable: it goes to the Hub's thread. */
  readonly store: TaskStoreOptions;
  readonly recordBufferBytesMax: number;
  /** Runs a dask scheduler when a client asks for one. */
  readonly daskPython: string;
  /** `[user@]server[:port]` for the connection files of clients and engines; empty: none. */
  readonly ssh: string;
  readonly enginessh: string;
  readonly tableFile: string;
  readonly engineBytesMax: number;
  readonly messageBytesMax: number;
}

const RECORD_BUFFER_BYTES_MAX = 16 * 1024 ** 2;
const ENGINE_BYTES_MAX = 1024 ** 3;

/**
 * Completes options.
 *
 * @throws ConfigError for what cannot work or is not offered
 */
export function completeOptions(options: ControllerOptions): ControllerConfig {
  const { profile } = options;
  const clusterId = options.clusterId ?? "";
  const ports = parsePorts(options.ports ?? "");
  if (options.clock !== undefined && options.transport === undefined) throw new InvalidArgumentError("a clock can be given only together with a transport");
  const periodMs = options.ping ?? 3000;
  const registration = registrationConfig(periodMs);
  const isReusing = options.reuse === true || options.restore === true;
  const givenCurve = options.enableCurve === true || isReusing ? givenKeys(options) : undefined;
  const curve = options.enableCurve === true ? (givenCurve ?? newCurveKeyPair()) : undefined;
  const recordBufferBytesMax = options.recordBufferBytesMax ?? RECORD_BUFFER_BYTES_MAX;
  return {
    profile,
    clusterId,
    logger: options.logger ?? SILENT,
    logLevel: options.logLevel ?? "info",
    transport: options.transport,
    clock: options.clock ?? SYSTEM_CLOCK,
    interface: `tcp://${options.ip ?? "127.0.0.1"}`,
    location: options.location ?? hostname(),
    // As in the reference: what is encrypted need not be signed besides, unless a key is asked for.
    key: options.key ?? (curve === undefined ? newSessionId() : ""),
    curve,
    givenCurve,
    ports: dealPorts(ports, options.port ?? 0, 2 ** (options.broadcastDepth ?? 1)),
    isReusing,
    hasTakenFiles: false,
    isRestoring: options.restore === true,
    scheduler: { scheme: options.scheme ?? "leastload", hwm: options.hwm ?? 1, prefetch: options.prefetch ?? 16 },
    hearts: { periodMs, missesMax: options.heartMissesMax ?? 10 },
    registration: { ...registration, registrationTimeoutMs: options.registrationTimeoutMs ?? registration.registrationTimeoutMs },
    store: storeOptions(options, clusterId, recordBufferBytesMax),
    recordBufferBytesMax,
    daskPython: options.daskPython ?? "python3",
    ssh: options.ssh ?? "",
    enginessh: options.enginessh ?? "",
    tableFile: join(profile.logDir, `engines${clusterId}.json`),
    engineBytesMax: options.engineBytesMax ?? ENGINE_BYTES_MAX,
    messageBytesMax: options.messageBytesMax ?? MESSAGE_BYTES_MAX,
  };
}

function storeOptions(options: ControllerOptions, clusterId: string, recordBufferBytesMax: number): TaskStoreOptions {
  const kind = options.db ?? "sqlite";
  if (kind === "none") return { kind };
  const retention: Partial<Retention> = {
    recordBufferBytesMax,
    ...(options.dbRecordsMax === undefined ? {} : { recordsMax: options.dbRecordsMax }),
    ...(options.dbBytesMax === undefined ? {} : { bytesMax: options.dbBytesMax }),
    ...(options.dbAgeMaxMs === undefined ? {} : { ageMsMax: options.dbAgeMaxMs }),
  };
  if (kind === "memory") return { kind, retention };
  return { kind, path: options.dbFile ?? join(options.profile.dbDir, `tasks${clusterId === "" ? "" : `-${clusterId}`}.db`), retention };
}

function givenKeys({ curveSecretKey = "", curvePublicKey = "" }: ControllerOptions): CurveKeyPair | undefined {
  if (curveSecretKey === "" && curvePublicKey === "") return undefined;
  if (curveSecretKey === "")
    throw new ConfigError("a CURVE public key is given without its secret key; set curveSecretKey (IPP_CURVE_SECRETKEY) too, or neither");
  const pair = curveKeyPair(curveSecretKey);
  if (curvePublicKey !== "" && curvePublicKey !== pair.publicKey)
    throw new ConfigError("the CURVE public key (curvePublicKey, IPP_CURVE_PUBLICKEY) does not belong to the secret key; leave it out");
  return pair;
}
