// The sockets of one client to one controller. The registration socket stays as long as the client wants this controller, and
// tells when it goes and comes. The channels stand on the controller that is there now: they are dropped, with all that has not left
// them, when it goes, so that no request reaches another one unawares.

import type { MessageSocket, SocketOptions, Transport } from "../net/index.ts";
import type { ClientConnectionInfo, Frame, Session } from "../wire/index.ts";
import type { RequestChannel } from "../core/client/index.ts";
import { Outlet } from "./outlet.ts";

/** Where a controller is, and how to speak with it. */
export interface Endpoint {
  readonly info: ClientConnectionInfo;
  /** Where to connect, `info.interface` with its wildcard resolved. */
  readonly interface: string;
  /** Closed with the connection. */
  readonly transport: Transport;
  readonly session: Session;
  /** Hears of each refusal of the connection to the Hub. */
  readonly onRefused?: SocketOptions["onRefused"];
}

/** Who hears what comes. */
export interface ConnectionHandlers {
  readonly onReply: (frames: Frame[]) => void;
  readonly onAnswer: (frames: Frame[]) => void;
  readonly onIopub: (frames: Frame[]) => void;
  readonly onNotification: (frames: Frame[]) => void;
  readonly onConnected: () => void;
  readonly onDisconnected: () => void;
}

interface Channels {
  readonly outlets: Readonly<Record<RequestChannel | "control", Outlet>>;
  readonly subscriptions: readonly MessageSocket[];
}

const SHELL_CHANNELS = ["mux", "task", "broadcast"] as const;
/** How often the controller is asked for a sign of life; after three that are missing the connection counts as gone. */
const ALIVE_CHECK_MS = 5000;

/** Sockets to one controller. */
export class Connection {
  readonly session: Session;
  readonly endpoint: Endpoint;
  readonly #handlers: ConnectionHandlers;
  readonly #registration: Outlet;
  #channels: Channels | undefined;
  #isClosed = false;

  constructor(endpoint: Endpoint, handlers: ConnectionHandlers) {
    this.session = endpoint.session;
    this.endpoint = endpoint;
    this.#handlers = handlers;
    this.#registration = this.#open(endpoint.info.registration, handlers.onAnswer, {
      aliveCheckMs: ALIVE_CHECK_MS,
      onConnected: () => (this.#isClosed ? undefined : handlers.onConnected()),
      onDisconnected: () => (this.#isClosed ? undefined : handlers.onDisconnected()),
      ...(endpoint.onRefused === undefined ? {} : { onRefused: endpoint.onRefused }),
    });
  }

  /** Where the Hub is reached, for messages. */
  get url(): string {
    return `${this.endpoint.interface}:${this.endpoint.info.registration}`;
  }

  /** Opens the channels, unless they are open. */
  openChannels(): void {
    this.#openChannels(() => ({}));
  }

  /** Opens the channels and resolves when all of them are connected, at the latest after the given time: what is sent then waits in its socket. */
  async standChannels(timeoutMs: number): Promise<void> {
    const standing: Promise<void>[] = [];
    this.#openChannels(() => {
      let onConnected = (): void => undefined;
      standing.push(new Promise((resolve) => (onConnected = resolve)));
      return { onConnected };
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([Promise.all(standing), late]);
    clearTimeout(timer);
  }

  #openChannels(listeners: () => Pick<SocketOptions, "onConnected">): void {
    if (this.#channels !== undefined || this.#isClosed) return;
    const { info } = this.endpoint;
    const { onReply, onAnswer, onIopub, onNotification } = this.#handlers;
    // Replies are routed by this name: under the same one they find a client that has connected again.
    const identity = this.session.sessionId;
    const named = (port: number, onMessage: (frames: Frame[]) => void): Outlet => this.#open(port, onMessage, { identity, ...listeners() });
    const subscribe = (port: number, onMessage: (frames: Frame[]) => void): MessageSocket => {
      const socket = this.endpoint.transport.connect("sub", this.#urls(port), listeners());
      socket.receive(onMessage);
      return socket;
    };
    this.#channels = {
      subscriptions: [subscribe(info.notification, onNotification), subscribe(info.iopub, onIopub)],
      outlets: {
        mux: named(info.mux, onReply),
        task: named(info.task, onReply),
        broadcast: named(info.broadcast, onReply),
        control: named(info.control, onAnswer),
      },
    };
  }

  /** Drops the channels with all that has not left them. */
  dropChannels(): void {
    const channels = this.#channels;
    this.#channels = undefined;
    // Nobody waits for it: nothing is delivered any more, and the sockets do not fail to close.
    if (channels !== undefined) void Promise.all(socketsOf(channels).map((socket) => socket.abort()));
  }

  /** The router's sockets read packed frames. */
  startPacking(): void {
    for (const channel of SHELL_CHANNELS) this.#channels?.outlets[channel].socket.startPacking();
  }

  /** Sends; while the channels are dropped, what is for them is lost. */
  send(channel: RequestChannel | "control" | "registration", frames: readonly Frame[]): void {
    if (channel === "registration") this.#registration.send(frames);
    else this.#channels?.outlets[channel].send(frames);
  }

  /** Lets messages that wait for company leave now. */
  flush(channel: RequestChannel): void {
    this.#channels?.outlets[channel].socket.flush();
  }

  /** Delivers what is queued, then closes. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const channels = this.#channels;
    const outlets = [this.#registration, ...(channels === undefined ? [] : Object.values(channels.outlets))];
    await Promise.all([...outlets.map((outlet) => outlet.close()), ...(channels?.subscriptions ?? []).map((socket) => socket.close())]);
    await this.endpoint.transport.close();
  }

  /** Closes at once, and the transport with it unless `successor` uses it too. */
  async abort(successor?: Endpoint): Promise<void> {
    this.#isClosed = true;
    this.dropChannels();
    await this.#registration.abort();
    if (successor?.transport !== this.endpoint.transport) await this.endpoint.transport.close();
  }

  #urls(port: number): readonly string[] {
    return [`${this.endpoint.interface}:${port}`];
  }

  #open(port: number, onMessage: (frames: Frame[]) => void, options: SocketOptions): Outlet {
    const socket = this.endpoint.transport.connect("dealer", this.#urls(port), options);
    socket.receive(onMessage);
    return new Outlet(socket);
  }
}

function socketsOf({ outlets, subscriptions }: Channels): readonly { abort(): Promise<void> }[] {
  return [...Object.values(outlets), ...subscriptions];
}
