// Finding and reaching a controller: connection file, address, session, first listing. Every way this fails has its own
// sentence.

import { createConnection } from "node:net";
import { resolve } from "node:path";
import { userInfo } from "node:os";
import { ClosedError, ConfigError, ControllerUnreachableError, InvalidArgumentError, TimeoutError } from "../base/index.ts";
import type { WindowLimits } from "../core/client/index.ts";
import { connectionFilePath, readConnectionFile, resolveClusterId, resolveInterface, resolveProfile, sshServerOf, withServerKey } from "../config/index.ts";
import { SILENT, type Logger } from "../log/index.ts";
import { createSession, curveOf, PackingTransport, watchRefusals, ZeromqTransport, type Transport } from "../net/index.ts";
import { explainDrop, readClientConnectionInfo, type ClientConnectionInfo, type DropReason, type Session } from "../wire/index.ts";
import { checkNames } from "./check-arguments.ts";
import { ClientLink } from "./client-link.ts";
import type { Endpoint } from "./connection.ts";

/** Which controller, and how. */
export interface ConnectOptions {
  /** Profile name; default: `IPP_PROFILE_DIR`, else `default`. */
  readonly profile?: string | undefined;
  /** Profile directory; beats `profile`. */
  readonly profileDir?: string | undefined;
  /** Cluster id within the profile, default none. */
  readonly clusterId?: string | undefined;
  /** The connection file itself; beats the profile. */
  readonly file?: string | undefined;
  /** The content of a connection file; beats all of the above. */
  readonly connectionInfo?: ClientConnectionInfo | Readonly<Record<string, unknown>> | undefined;
  /**
   * `[user@]host[:port]` of an ssh server to tunnel through, by the system's `ssh`. Default: what the connection file says (`ipcontroller --ssh`), if the
   * controller is on another machine.
   */
  readonly sshServer?: string | undefined;
  /** File of the private key for it; default: as ssh's own configuration has it. */
  readonly sshKey?: string | undefined;
  /** How long the controller may take to answer, in milliseconds; default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** How long to wait for a connection file that is not there yet, in milliseconds; default 0. */
  readonly waitForFileMs?: number | undefined;
  /** Gives up connecting. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether one sentence on standard error tells, when the process ends, of requests that failed and whose results nobody
   * looked at; default true.
   */
  readonly tellUnseen?: boolean | undefined;
  /** Default: silent. */
  readonly logger?: Logger | undefined;
  /** Default: ZeroMQ, encrypting if the connection file has a `curve_serverkey`. The client closes it. */
  readonly transport?: Transport | undefined;
  /**
   * How long results wait for a controller that went away to come back, in milliseconds; default 60,000. Then they fail with
   * ControllerLostError, and the client is closed. 0: at once; Infinity: for ever.
   */
  readonly reconnectMs?: number | undefined;
  /** Bytes of code and data that one request may have, default 1 GiB; a larger one is refused at the call. */
  readonly requestBytesMax?: number | undefined;
  /** What may be under way at a time in each lane (the task channel, or one engine); default 4,096 messages and 256 MiB. */
  readonly window?: Partial<WindowLimits> | undefined;
}

/** Their names, to find misspelt ones. */
const OPTION_NAMES: Readonly<Record<keyof ConnectOptions, true>> = {
  profile: true,
  profileDir: true,
  clusterId: true,
  file: true,
  connectionInfo: true,
  sshServer: true,
  sshKey: true,
  timeoutMs: true,
  waitForFileMs: true,
  signal: true,
  tellUnseen: true,
  logger: true,
  transport: true,
  reconnectMs: true,
  requestBytesMax: true,
  window: true,
};

const TIMEOUT_MS = 10_000;
/** As many as the controller keeps for one engine that is slow to read. */
const REQUEST_BYTES_MAX = 1024 ** 3;
const PROBE_MS = 2000;
const RECONNECT_MS = 60_000;

/** Where the connection information came from, for error messages. */
interface Found {
  readonly info: ClientConnectionInfo;
  readonly origin: string;
  /** The file it was read from. */
  readonly path?: string;
}

/** Connects; the link knows the engines of now. */
export async function openLink(options: ConnectOptions, window: WindowLimits): Promise<ClientLink> {
  checkNames("a client", options, OPTION_NAMES);
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  if (!(timeoutMs > 0)) throw new InvalidArgumentError(`timeoutMs must be more than 0, and is ${timeoutMs}`);
  const reconnectMs = options.reconnectMs ?? RECONNECT_MS;
  if (!(reconnectMs >= 0)) throw new InvalidArgumentError(`reconnectMs must be at least 0, and is ${reconnectMs}`);
  const requestBytesMax = options.requestBytesMax ?? REQUEST_BYTES_MAX;
  if (!(requestBytesMax > 0)) throw new InvalidArgumentError(`requestBytesMax must be more than 0, and is ${requestBytesMax}`);
  options.signal?.throwIfAborted();
  const { info, origin, path } = await findConnectionInfo(options);
  const address = resolveInterface(info);
  const url = `${address}:${info.registration}`;
  const server = options.transport === undefined ? sshServerOf(info, options.sshServer) : undefined;
  if (options.transport === undefined && server === undefined) await probe(url, origin, Math.min(timeoutMs, PROBE_MS), options.signal);
  const hopeless = new AbortController();
  const onRefused = watchRefusals({ url, serverKey: info.curve_serverkey, origin }, (sentence) => hopeless.abort(new ConfigError(sentence)));
  const link = new ClientLink({
    endpoint: {
      info,
      interface: address,
      transport: new PackingTransport(options.transport ?? (await reach(info, { ...options, server, timeoutMs }))),
      session: openSession(info),
      onRefused,
    },
    findEndpoint: path === undefined ? undefined : (current) => findEndpoint(path, current, options),
    reconnectMs,
    logger: options.logger ?? SILENT,
    window,
    requestBytesMax,
  });
  try {
    const signal = options.signal === undefined ? hopeless.signal : AbortSignal.any([options.signal, hopeless.signal]);
    await link.listEngines({ timeoutMs, signal });
  } catch (cause) {
    await link.close("connecting failed");
    if (!(cause instanceof TimeoutError || cause instanceof ClosedError)) throw cause;
    throw new TimeoutError(noAnswer(url, origin, timeoutMs, link.firstDrop), { cause });
  }
  return link;
}

/** A transport that reaches a controller, through an ssh server or directly. */
async function reach(info: ClientConnectionInfo, options: ConnectOptions & { readonly server: string | undefined }): Promise<Transport> {
  const direct = (): Transport => new ZeromqTransport(curveOf(info));
  const { server, sshKey: key, signal } = options;
  if (server === undefined) return direct();
  const host = resolveInterface(info).replace(/^[a-z]+:\/\/\[?|\]$/g, "");
  const { registration, control, mux, task, iopub, notification, broadcast } = info;
  const ports = [registration, control, mux, task, iopub, notification, broadcast];
  // Loaded here: most clients connect directly.
  const [{ SshTunnel }, { TunnelledTransport }] = await Promise.all([import("../launch/index.ts"), import("./tunnelled-transport.ts")]);
  return new TunnelledTransport(direct(), await SshTunnel.open({ server, key, host, ports, timeoutMs: options.timeoutMs ?? TIMEOUT_MS, signal }));
}

/** A session with a controller. */
function openSession(info: ClientConnectionInfo, own: { readonly sessionId?: string; readonly processTag?: string } = {}): Session {
  return createSession({ key: info.key, signatureScheme: info.signature_scheme, username: userName(), ...own });
}

/** Distinguishes the sessions of one client in message ids. */
let endpointsFound = 0;

/** What a connection file says now, if that is something else than before. */
async function findEndpoint(path: string, current: Endpoint, options: ConnectOptions): Promise<Endpoint | undefined> {
  try {
    const info = withServerKey(await readConnectionFile("client", path, { waitMs: 0 }));
    if (JSON.stringify(info) === JSON.stringify(current.info)) return undefined;
    endpointsFound += 1;
    return {
      info,
      interface: resolveInterface(info),
      transport:
        options.transport === undefined
          ? new PackingTransport(await reach(info, { ...options, server: sshServerOf(info, options.sshServer) }))
          : current.transport,
      session: openSession(info, { sessionId: current.session.sessionId, processTag: `${process.pid}e${endpointsFound}` }),
    };
  } catch {
    // Gone, half-written or of no use: the controller that comes back writes it again, and it is read again.
    return undefined;
  }
}

function noAnswer(url: string, origin: string, timeoutMs: number, drop: DropReason | undefined): string {
  if (drop !== undefined) return `the controller at ${url}, which ${origin} names, ${explainDrop(drop)}`;
  return (
    `the controller at ${url} did not answer within ${timeoutMs / 1000} s; it is busy or stopped, or its key is not the one of ${origin}` +
    " (a controller drops messages with a wrong key silently: use the file it wrote at its last start)"
  );
}

async function findConnectionInfo(options: ConnectOptions): Promise<Found> {
  if (options.connectionInfo !== undefined) {
    const info = readClientConnectionInfo(options.connectionInfo);
    if (typeof info === "string") throw new ConfigError(`connectionInfo: ${info}`);
    return { info: withServerKey(info), origin: "the given connection information" };
  }
  const path = options.file === undefined ? profileFile(options) : resolve(options.file);
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  return { info: withServerKey(await readConnectionFile("client", path, { waitMs: options.waitForFileMs ?? 0, ...signal })), origin: path, path };
}

function profileFile(options: ConnectOptions): string {
  const profile = resolveProfile({ profile: options.profile, profileDir: options.profileDir });
  return connectionFilePath(profile, "client", resolveClusterId(options.clusterId));
}

/** Finds out at once, not after the whole timeout, that nobody listens. Whatever else it meets is left to the real attempt. */
function probe(url: string, origin: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
  const match = /^tcp:\/\/\[?([^\]]+?)\]?:(\d+)$/.exec(url);
  if (match === null) return Promise.resolve();
  return new Promise((done, reject) => {
    const socket = createConnection({ host: match[1] as string, port: Number(match[2]) });
    const end = (error?: Error): void => {
      signal?.removeEventListener("abort", onAbort);
      socket.destroy();
      if (error === undefined) done();
      else reject(error);
    };
    const onAbort = (): void => end(signal?.reason as Error);
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.setTimeout(timeoutMs, () => end());
    socket.once("connect", () => end());
    socket.once("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ECONNREFUSED") return end();
      const text = `no controller listens at ${url}; ${origin} is left from one that ended: start a cluster with \`ipcluster start\`, or remove the file with \`ipcluster clean\``;
      return end(new ControllerUnreachableError(text, { cause }));
    });
  });
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in the password file, as in some containers; the name is informational.
    return "username";
  }
}
