// The router: all sockets whose messages are only passed on, with the machines that say where to. Its thread is
// for this alone: nothing here waits for the Hub, the store or a disk.

import type { Clock, EngineUuid, MsgId } from "../base/index.ts";
import { BroadcastScheduler, TaskScheduler, type TaskSchedulerOptions, type Workload } from "../core/index.ts";
import type { Logger } from "../log/index.ts";
import type { BoundSocket, SocketOptions, Transport } from "../net/index.ts";
import type { Dict, DrainRequest, Frame, Session } from "../wire/index.ts";
import { BroadcastRouter } from "./broadcast-router.ts";
import { CodeTable } from "./code-table.ts";
import { Drops } from "./drops.ts";
import type { RoutedEngine, RouterEnd, ToRouter } from "./hub-link.ts";
import { IntakeGate } from "./intake-gate.ts";
import { IopubRelay } from "./iopub-relay.ts";
import { Monitor } from "./monitor.ts";
import type { PortPair, RouterPorts } from "./ports.ts";
import { Relay } from "./relay.ts";
import type { TaskPayload } from "./task-payload.ts";
import { TaskRouter } from "./task-router.ts";
import { answerAboutWork } from "./work-desk.ts";

/** What a router is made of. */
export interface RouterParts {
  readonly transport: Transport;
  readonly link: RouterEnd;
  readonly session: Session;
  /** Reads what engines send. Its own memory of signatures keeps that of clients' requests as long as it says. */
  readonly engineSession: Session;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `tcp://127.0.0.1` */
  readonly interface: string;
  readonly ports: RouterPorts;
  readonly scheduler: TaskSchedulerOptions;
  /** See `Monitor`. */
  readonly recordBufferBytesMax: number;
  /** Bytes of unanswered mux messages an engine may owe; default 1 GiB. */
  readonly engineBytesMax: number;
}

/** Numbers of a router. */
export interface RouterStats {
  readonly engines: number;
  readonly muxMessages: number;
  readonly controlMessages: number;
  readonly iopubMessages: number;
  readonly tasks: ReturnType<TaskScheduler["counters"]>;
  readonly taskLoad: ReturnType<TaskScheduler["load"]>;
  /** Messages dropped, by `<socket>.<reason>`. */
  readonly dropped: { readonly [kind: string]: number };
  readonly monitorBytesWaiting: number;
}

/** Messages of the Hub that the router takes; the others concern the controller as a whole. */
export type HubOrder = ToRouter & { readonly type: "credit" | "sync" | "admitEngine" | "expelEngine" | "outcomes" | "submit" };

interface SocketPair {
  readonly client: BoundSocket;
  readonly engine: BoundSocket;
}

interface RouterSockets {
  readonly mux: SocketPair;
  readonly control: SocketPair;
  readonly task: SocketPair;
  readonly iopub: SocketPair;
  readonly broadcast: { readonly client: BoundSocket; readonly leaves: readonly BoundSocket[] };
}

/** After the last message from any engine, this long counts as "it holds nothing more"; and never longer than the other. */
const QUIET_MS = 5;
const QUIET_MS_MAX = 100;
/** How long clients of a controller that was restarted get to connect again; they try every 100 ms. */
const CLIENTS_BACK_MS = 1000;

/** Binds a router's sockets; nothing is received yet. */
export async function openRouter(parts: RouterParts): Promise<Router> {
  return new Router(parts, await bindSockets(parts));
}

async function bindSockets(parts: RouterParts): Promise<RouterSockets> {
  const { ports, transport } = parts;
  const bind = (kind: "router" | "pub" | "sub", port: number, options?: SocketOptions): Promise<BoundSocket> =>
    transport.bind(kind, { interface: parts.interface, port }, options);
  // No bound of their own: towards engines the machines and the ledger set it, towards clients what they asked for. A reply
  // that finds no room would be lost, and its client wait for ever.
  const unlimited: SocketOptions = { queueMessagesMax: Number.MAX_SAFE_INTEGER, queueBytesMax: Number.MAX_SAFE_INTEGER };
  // A client that lost its connection without ending it comes back under its name.
  const forClients: SocketOptions = { ...unlimited, replacesPeers: true };
  const pair = async (channel: "mux" | "control" | "task"): Promise<SocketPair> => ({
    client: await bind("router", ports[channel].client, forClients),
    engine: await bind("router", ports[channel].engine, unlimited),
  });
  const leaves: BoundSocket[] = [];
  for (const port of ports.broadcast.leaves) leaves.push(await bind("router", port, unlimited));
  return {
    mux: await pair("mux"),
    control: await pair("control"),
    task: await pair("task"),
    iopub: { client: await bind("pub", ports.iopub.client), engine: await bind("sub", ports.iopub.engine) },
    broadcast: { client: await bind("router", ports.broadcast.client, forClients), leaves },
  };
}

/** Moves messages. */
export class Router {
  readonly #parts: RouterParts;
  readonly #sockets: RouterSockets;
  readonly #drops: Drops;
  readonly #monitor: Monitor;
  readonly #mux: Relay;
  readonly #control: Relay;
  readonly #iopub: IopubRelay;
  readonly #scheduler: TaskScheduler<TaskPayload | readonly Frame[], Frame>;
  readonly #tasks: TaskRouter;
  readonly #broadcast: BroadcastRouter;
  readonly #engines = new Map<EngineUuid, RoutedEngine>();
  /** Timers of engines that are leaving. */
  readonly #timers = new Set<NodeJS.Timeout>();
  #lookupNumber = 0;

  constructor(parts: RouterParts, sockets: RouterSockets) {
    const { link, session, engineSession, clock } = parts;
    this.#parts = parts;
    this.#sockets = sockets;
    this.#drops = new Drops(parts.logger.child({ component: "router" }));
    const taskGate = new IntakeGate(sockets.task.client);
    const gates = [taskGate, new IntakeGate(sockets.mux.client), new IntakeGate(sockets.broadcast.client)];
    const onPressure = (isPressed: boolean): void => {
      for (const gate of gates) gate.set("hubBehind", isPressed);
    };
    this.#monitor = new Monitor({ link, now: () => clock.now(), bufferBytesMax: parts.recordBufferBytesMax, onPressure });
    const common = { session, clock, drops: this.#drops, monitor: this.#monitor, codes: new CodeTable() };
    const onRecalled = (engine: EngineUuid, content: Dict): void => this.#tasks.recalled(engine, content);
    const desk = {
      tasks: { drain: (request: DrainRequest): void => this.#tasks.drain(request), workload: (): Workload => this.#tasks.workload() },
      direct: (engine: EngineUuid): number => this.#mux.requestsOf(engine),
    };
    const relay = (channel: "mux" | "control"): Relay =>
      new Relay({
        ...common,
        engineSession,
        onRecalled,
        onHeldReplies: (engine, packed) => this.#tasks.heldReplies(engine, packed),
        onAsked: (msgType, content) => this.#tasks.asked(msgType, content) ?? answerAboutWork(msgType, content, desk),
        onCodeMissing: (engine, requestId) => this.#sendCode(engine, requestId),
        channel,
        clientSide: sockets[channel].client,
        engineSide: sockets[channel].engine,
        engineBytesMax: parts.engineBytesMax,
      });
    this.#mux = relay("mux");
    this.#control = relay("control");
    this.#iopub = new IopubRelay({ ...common, engineSession, clientSide: sockets.iopub.client, engineSide: sockets.iopub.engine });
    this.#scheduler = new TaskScheduler(parts.scheduler);
    const lookup = (msgIds: readonly MsgId[]): void => this.#lookup(msgIds);
    this.#tasks = new TaskRouter({
      ...common,
      clientSide: sockets.task.client,
      engineSide: sockets.task.engine,
      scheduler: this.#scheduler,
      gate: taskGate,
      lookup,
      recall: (engine, through) => this.#control.recall(engine, through),
    });
    this.#broadcast = new BroadcastRouter({ ...common, root: sockets.broadcast.client, leaves: sockets.broadcast.leaves, scheduler: new BroadcastScheduler() });
  }

  /** The ports that were bound. */
  get ports(): RouterPorts {
    const { mux, control, task, iopub, broadcast } = this.#sockets;
    const pair = (sockets: SocketPair): PortPair => ({ client: sockets.client.port, engine: sockets.engine.port });
    return {
      mux: pair(mux),
      control: pair(control),
      task: pair(task),
      iopub: pair(iopub),
      broadcast: { client: broadcast.client.port, leaves: broadcast.leaves.map((leaf) => leaf.port) },
    };
  }

  /**
   * Starts to receive. Replies that engines kept for a controller before this one would be dropped as long as the clients they are
   * for have not connected again: so they are left with the engines for a moment.
   */
  start(followsAnother: boolean): void {
    if (followsAnother) {
      const { engine } = this.#sockets.mux;
      engine.pause();
      this.#later(() => engine.resume(), CLIENTS_BACK_MS);
    }
    for (const part of [this.#mux, this.#control, this.#iopub, this.#tasks, this.#broadcast]) part.start();
  }

  /** Takes a word of the Hub that concerns routing. */
  handle(message: HubOrder): void {
    switch (message.type) {
      case "credit":
        return this.#monitor.credit(message.bytes);
      case "sync":
        this.#monitor.flush();
        return this.#parts.link.post({ type: "synced", number: message.number });
      case "admitEngine":
        return this.#admit(message.engine);
      case "expelEngine":
        return this.#expel(message.engine);
      case "outcomes":
        return this.#tasks.outcomesFound(message.outcomes);
      case "submit":
        return this.#tasks.resubmit(message.frames);
    }
  }

  /** What was counted. */
  get stats(): RouterStats {
    return {
      engines: this.#engines.size,
      muxMessages: this.#mux.forwarded,
      controlMessages: this.#control.forwarded,
      iopubMessages: this.#iopub.forwarded,
      tasks: this.#scheduler.counters(),
      taskLoad: this.#scheduler.load(),
      dropped: this.#drops.counts,
      monitorBytesWaiting: this.#monitor.unacknowledgedBytes,
    };
  }

  #lookup(msgIds: readonly MsgId[]): void {
    // What was routed before the question must be known when it is answered.
    this.#monitor.flush();
    this.#parts.link.post({ type: "lookup", number: this.#lookupNumber, msgIds });
    this.#lookupNumber += 1;
  }

  #sendCode(engine: EngineUuid, requestId: string): void {
    const codes = this.#tasks.codeOf(engine, requestId) ?? this.#mux.codeOf(engine, requestId) ?? this.#broadcast.codeOf(engine, requestId);
    this.#control.sendCode(engine, requestId, codes);
  }

  #admit(engine: RoutedEngine): void {
    // First the answer: what is routed to the engine from here on must find it known.
    this.#parts.link.post({ type: "engineAdmitted", id: engine.id });
    this.#engines.set(engine.uuid, engine);
    for (const part of [this.#mux, this.#control, this.#broadcast]) part.engineJoined(engine);
    this.#tasks.engineJoined(engine);
  }

  #expel(engine: RoutedEngine): void {
    // An engine of the same uuid may have registered meanwhile; then this one is gone already.
    if (this.#engines.get(engine.uuid)?.id === engine.id) {
      this.#engines.delete(engine.uuid);
      for (const part of [this.#mux, this.#control, this.#tasks, this.#broadcast]) part.engineLeft(engine.uuid);
    }
    this.#whenQuiet(() => {
      this.#monitor.flush();
      this.#parts.link.post({ type: "engineExpelled", id: engine.id });
    });
  }

  /** Waits until what engines sent before has been forwarded: no message of theirs for a moment, or long enough. */
  #whenQuiet(then: () => void): void {
    const deadline = this.#parts.clock.now() + QUIET_MS_MAX;
    let seen = this.#fromEngines;
    const look = (): void => {
      this.#later(() => {
        const isQuiet = this.#fromEngines === seen;
        seen = this.#fromEngines;
        if (isQuiet || this.#parts.clock.now() >= deadline) then();
        else look();
      });
    };
    look();
  }

  get #fromEngines(): number {
    return this.#mux.fromEngines + this.#tasks.fromEngines + this.#broadcast.fromEngines;
  }

  #later(then: () => void, delayMs: number = QUIET_MS): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      then();
    }, delayMs);
    this.#timers.add(timer);
  }

  /** Posts what was recorded and stops all timers; the sockets belong to the transport. */
  close(): void {
    this.#monitor.flush();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#tasks.close();
    this.#broadcast.close();
    this.#drops.logSummary();
  }
}
