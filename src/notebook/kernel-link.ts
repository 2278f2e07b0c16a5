// The front end's side of a kernel's sockets: requests go out on shell and control, answers and what the kernel publishes are
// handed on by the request they belong to. And its heartbeat.

import type { KernelConnection } from "../kernel/index.ts";
import type { MessageSocket, Transport } from "../net/index.ts";
import { isDict, type Dict, type Message, type Session } from "../wire/index.ts";

const BEAT_MS = 5000;
/** Beats in a row without an answer until the heart counts as stopped. */
const MISSED_MAX = 12;

/** Called with what arrives, in order. */
export interface KernelListener {
  /** A request of `execute` by its number. */
  published(request: number, msgType: string, content: Dict, date: string): void;
  replied(request: number, content: Dict, date: string): void;
  /** Something was published that is too large, or nonsense. */
  unreadable(): void;
  /** The heart beat beside a running cell before, and has been silent for so long. */
  heartStopped(silentMs: number): void;
}

/** A connection to a kernel. */
export class KernelLink implements AsyncDisposable {
  readonly #transport: Transport;
  readonly #session: Session;
  readonly #shell: MessageSocket;
  readonly #control: MessageSocket;
  readonly #heart: MessageSocket;
  readonly #listener: KernelListener;
  readonly #requests = new Map<string, number>();
  #onInfo: (content: Dict) => void = () => undefined;
  #onPublished: () => void = () => undefined;
  #isBusy = false;
  #beatsBesideCells = false;
  #missed = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(transport: Transport, session: Session, connection: KernelConnection, listener: KernelListener) {
    this.#transport = transport;
    this.#session = session;
    this.#listener = listener;
    const connect = (kind: "dealer" | "sub", port: number): MessageSocket =>
      transport.connect(kind, [`${connection.interface}:${port}`], { identity: session.sessionId, lingerMs: 0 });
    this.#shell = connect("dealer", connection.shellPort);
    this.#control = connect("dealer", connection.controlPort);
    this.#heart = connect("dealer", connection.heartbeatPort);
    const iopub = connect("sub", connection.iopubPort);
    this.#shell.receive((frames) => void this.#read(frames, (message) => this.#replied(message))); // An answer that is none is waited for.
    this.#control.receive(() => undefined); // Its answers change nothing: the cell ends, or the process does.
    iopub.receive((frames) => (this.#read(frames, (message) => this.#published(message)) ? undefined : listener.unreadable()));
    this.#heart.receive(() => {
      this.#missed = 0;
      if (this.#isBusy) this.#beatsBesideCells = true;
    });
  }

  /**
   * Waits until the kernel answers and is heard publishing: a subscription takes its time to reach it, and what is published
   * before is lost.
   *
   * @returns the content of its `kernel_info_reply`
   */
  async ready(signal: AbortSignal): Promise<Dict> {
    let info: Dict | undefined;
    let isHeard = false;
    for (;;) {
      signal.throwIfAborted();
      this.#send(this.#shell, "kernel_info_request", {});
      await new Promise<void>((resolve) => {
        const go = (): void => {
          signal.removeEventListener("abort", go);
          clearTimeout(timer);
          resolve();
        };
        const goIfReady = (): void => (info !== undefined && isHeard ? go() : undefined);
        // Unanswered, it waits for the kernel; answered and not heard, it is asked again soon, for that makes it publish.
        const timer = setTimeout(go, info === undefined ? 1000 : 50);
        signal.addEventListener("abort", go, { once: true });
        this.#onInfo = (content) => {
          const isFirst = info === undefined;
          info = content;
          if (isFirst && !isHeard) go();
          else goIfReady();
        };
        this.#onPublished = () => {
          isHeard = true;
          goIfReady();
        };
      });
      if (info !== undefined && isHeard) break;
    }
    [this.#onInfo, this.#onPublished] = [() => undefined, () => undefined];
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
    return info;
  }

  /** Sends a cell. */
  execute(request: number, code: string): void {
    const header = this.#session.header("execute_request");
    this.#requests.set(header.msg_id, request);
    this.#isBusy = true;
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false, stop_on_error: true };
    this.#shell.send(this.#session.build("execute_request", content, { header }));
  }

  /** Asks to interrupt what runs. */
  interrupt(): void {
    this.#send(this.#control, "interrupt_request", {});
  }

  /** Asks the kernel to end. */
  shutdown(): void {
    this.#isBusy = false;
    this.#send(this.#control, "shutdown_request", { restart: false });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#transport.close();
  }

  #send(socket: MessageSocket, msgType: string, content: Dict): void {
    socket.send(this.#session.build(msgType, content));
  }

  #read(frames: Parameters<Session["parse"]>[0], take: (message: Message) => void): boolean {
    const parsed = this.#session.parse(frames);
    if (parsed.ok) take(parsed.value);
    return parsed.ok;
  }

  #replied({ header, parentHeader, content }: Message): void {
    if (header.msg_type === "kernel_info_reply") return this.#onInfo(content);
    const request = this.#requestOf(parentHeader);
    if (request === undefined || header.msg_type !== "execute_reply") return;
    this.#isBusy = false;
    this.#listener.replied(request, content, header.date);
  }

  #published({ header, parentHeader, content }: Message): void {
    this.#onPublished();
    const request = this.#requestOf(parentHeader);
    if (request !== undefined) this.#listener.published(request, header.msg_type, content, header.date);
  }

  #requestOf(parent: Dict): number | undefined {
    const id = isDict(parent) ? parent["msg_id"] : undefined;
    return typeof id === "string" ? this.#requests.get(id) : undefined;
  }

  /** Some kernels' hearts do not beat while a cell runs: silence means something only after one has. */
  #beat(): void {
    if (this.#isBusy && this.#beatsBesideCells && this.#missed >= MISSED_MAX) this.#listener.heartStopped(this.#missed * BEAT_MS);
    this.#missed += 1;
    this.#heart.send([new Uint8Array(0), new TextEncoder().encode("ping")]);
  }
}
