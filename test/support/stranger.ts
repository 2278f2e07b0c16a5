// A peer without the right key at every socket of a controller: it sends what could do harm if it were let in, and keeps
// what it hears.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createSession, type MessageSocket, type Refusal, type SocketOptions, type Transport } from "../../src/net/index.ts";
import type { ClientConnectionInfo, Dict, EngineConnectionInfo, Frame } from "../../src/wire/index.ts";
import { textFrame } from "./raw-peer.ts";

/** Stands in everything that the stranger sends. */
export const SPY = "the-spy";

/** One socket of the controller, with the stranger before it. */
export interface Door {
  readonly port: number;
  /** Why it was not let in, each time. */
  readonly refusals: Refusal[];
  /** What came out. */
  readonly heard: Frame[][];
  /** Sends its messages. */
  knock(): void;
}

/**
 * Connects to every port of both connection files.
 *
 * @param engineUuid the engine that it orders about, and that it claims to be at the engines' sockets
 */
export function openDoors(transport: Transport, client: ClientConnectionInfo, engine: EngineConnectionInfo, engineUuid: string): Door[] {
  const session = createSession({ key: "", sessionId: SPY });
  const message = (type: string, content: Dict, idents: readonly string[] = [], metadata: Dict = {}): Frame[] =>
    session.build(type, content, { idents: idents.map(textFrame), metadata });
  const code = { code: `globalThis.spied = "${SPY}"`, silent: false };
  const open = (kind: "dealer" | "sub" | "pub", port: number, knocks: () => Frame[][], options: SocketOptions = {}): Door => {
    const refusals: Refusal[] = [];
    const heard: Frame[][] = [];
    const socket: MessageSocket = transport.connect(kind, [`${client.interface}:${port}`], {
      ...options,
      lingerMs: 0,
      onRefused: (reason) => refusals.push(reason),
    });
    if (kind !== "pub") socket.receive((frames) => heard.push(frames));
    return { port, refusals, heard, knock: () => knocks().forEach((frames) => socket.send(frames)) };
  };
  const asEngine = (port: number, knocks: () => Frame[][]): Door => open("dealer", port, knocks, { identity: engineUuid });
  const replies = (): Frame[][] => [message("execute_reply", { status: "ok" }, ["somebody"])];
  const nothing = (): Frame[][] => [];
  return [
    open("dealer", client.registration, () => [
      message("connection_request", {}),
      message("registration_request", { uuid: SPY }),
      message("unregistration_request", { id: 0 }),
      message("shutdown_request", {}),
    ]),
    open("dealer", client.mux, () => [message("execute_request", code, [engineUuid])]),
    open("dealer", client.control, () => [message("execute_request", code, [engineUuid]), message("shutdown_request", {}, [engineUuid])]),
    open("dealer", client.task, () => [message("execute_request", code)]),
    open("dealer", client.broadcast, () => [message("execute_request", code, [], { targets: [[engineUuid, 0]], is_broadcast: true, is_coalescing: false })]),
    open("sub", client.notification, nothing),
    open("sub", client.iopub, nothing),
    ...[engine.mux, engine.control, engine.task, ...engine.broadcast].map((port) => asEngine(port, replies)),
    open("pub", engine.iopub, () => [message("stream", { name: "stdout", text: SPY }, ["engine.0.stream"])]),
    open("sub", engine.hb_ping, nothing),
    asEngine(engine.hb_pong, () => [[textFrame("1")]]),
  ];
}

/** The TCP ports that a process listens on, in order, from Linux's `/proc`. */
export function listeningPorts(pid: number): number[] {
  const descriptors = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ""; // closed in the meantime
    }
  });
  const LISTEN = "0A";
  return ["tcp", "tcp6"]
    .flatMap((name) => readFileSync(`/proc/net/${name}`, "utf8").trim().split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN && descriptors.includes(`socket:[${fields[9]}]`))
    .map((fields) => Number.parseInt(fields[1]?.split(":")[1] ?? "", 16))
    .toSorted((a, b) => a - b);
}
