// The kernel's side thread: heartbeat, control channel, signals. It answers while a cell keeps the main thread busy.

import { setTimeout as sleep } from "node:timers/promises";
import { workerData } from "node:worker_threads";
import { DropCounts, INSIST_MS_MAX, listenForSignals, MainReins, within } from "../../execution/side/index.ts";
import { createLogger, fdWriter, type Logger } from "../../log/index.ts";
import { createSession, ZeromqTransport, type BoundSocket } from "../../net/index.ts";
import { watchParent } from "../../programs/index.ts";
import { notebookKernelInfo, readRestart, replyType, type Dict, type Message, type Session } from "../../wire/index.ts";
import type { KernelConnection } from "../connection-file.ts";
import { SHARED, type KernelMainMessage, type KernelSideConfig, type KernelSideMessage } from "./protocol.ts";

const SIGHUP = 1;
const SIGINT = 2;
const SIGTERM = 15;
/** Farewells wait this long for the network. */
const LINGER_MS = 500;
/** Time for an answer to reach the network before the process is killed. */
const ANSWER_OUT_MS = 50;

class KernelSide {
  readonly #config: KernelSideConfig;
  readonly #words: Int32Array;
  readonly #log: Logger;
  readonly #transport = new ZeromqTransport();
  readonly #session: Session;
  readonly #reins: MainReins;
  readonly #drops: DropCounts;
  #control: BoundSocket | undefined;
  #endParentWatch: () => void = () => undefined;
  #isClosing = false;
  /** A socket must not be closed in the middle of being bound. */
  #binding: Promise<void> = Promise.resolve();

  constructor(config: KernelSideConfig) {
    this.#config = config;
    this.#words = new Int32Array(config.shared);
    this.#log = createLogger("kernel", fdWriter(config.log.fd), config.log.level);
    this.#drops = new DropCounts(this.#log, "control");
    this.#reins = new MainReins(
      this.#log,
      () => Atomics.load(this.#words, SHARED.runningSerial),
      () => this.#post({ type: "ping" }),
    );
    const { connection, sessionId } = config;
    this.#session = createSession({ key: connection.key, signatureScheme: connection.signatureScheme, sessionId, processTag: `${process.pid}s` });
  }

  async start(): Promise<void> {
    const { port, parentPid, connection } = this.#config;
    port.on("message", ({ type }: KernelMainMessage) => {
      if (type === "turned") this.#reins.turned();
      else void this.#close(); // Tells by `isClosed` when it is done.
    });
    if (!listenForSignals([SIGTERM, SIGHUP, SIGINT], (signal) => this.#onSignal(signal))) this.#post({ type: "signalsMissing" });
    if (!this.#reins.canInterrupt)
      this.#log.warn("this Node cannot interrupt a running cell; it is given up while its code runs on", { node: process.version });
    this.#binding = this.#bind(connection);
    try {
      await this.#binding;
    } catch (error) {
      return this.#post({ type: "failed", reason: error instanceof Error ? error.message : String(error) });
    }
    if (this.#isClosing) return;
    if (parentPid !== null) this.#endParentWatch = watchParent(parentPid, () => this.#leave({ reason: "the process that started this kernel has ended" }));
    this.#post({ type: "ready" });
  }

  async #bind(connection: KernelConnection): Promise<void> {
    const bind = (port: number): Promise<BoundSocket> =>
      this.#transport.bind("router", { interface: connection.interface, port }, { lingerMs: LINGER_MS, replacesPeers: true });
    const [heart, control] = await Promise.all([bind(connection.heartbeatPort), bind(connection.controlPort)]);
    if (this.#isClosing) return;
    heart.receive((frames) => void heart.send(frames));
    this.#control = control;
    control.receive((frames) => {
      const parsed = this.#session.parse(frames);
      if (parsed.ok) this.#handle(parsed.value);
      else this.#drops.count(parsed.reason);
    });
  }

  #post(message: KernelSideMessage): void {
    this.#config.port.postMessage(message);
  }

  #handle(request: Message): void {
    const { header, content } = request;
    switch (header.msg_type) {
      case "interrupt_request":
        return void this.#answerInterrupt(request);
      case "shutdown_request": {
        const restart = readRestart(content);
        this.#reply(request, { status: "ok", restart });
        return this.#leave({ reason: "shut down", header, restart });
      }
      case "kernel_info_request":
        this.#reply(request, notebookKernelInfo(process.versions.node));
        return this.#post({ type: "control", header });
      default:
        return this.#post({ type: "control", header }); // Types we do not know, the debugger's for example, have no reply.
    }
  }

  async #answerInterrupt(request: Message): Promise<void> {
    const serial = await this.#stop();
    this.#reply(request, { status: "ok" });
    this.#post({ type: "control", header: request.header });
    await this.#insist(serial);
  }

  #onSignal(signal: number): void {
    if (signal !== SIGINT) return this.#leave({ reason: signal === SIGHUP ? "hung up" : "terminated" });
    void this.#stop().then((serial) => this.#insist(serial)); // Neither fails: what goes wrong there is logged.
  }

  /** Tells the running cell to stop; 0: none runs. `undefined`: the main thread does not answer, as within a call into the system that does not return. */
  async #stop(): Promise<number | undefined> {
    const serial = await within(this.#reins.interrupt(0, false), INSIST_MS_MAX);
    if (serial !== undefined && serial !== 0) this.#post({ type: "interrupted", serial });
    return serial;
  }

  async #insist(serial: number | undefined): Promise<void> {
    if (serial === 0) return;
    if (serial === undefined || !(await this.#reins.insist(serial, false)))
      this.#log.warn("an interrupted cell goes on: its code could not be cut; restart the kernel to end it");
  }

  /** Has the main thread end the process: cuts a cell that does not let it, and ends the process from here at last. */
  #leave(how: Omit<KernelSideMessage & { readonly type: "leave" }, "type">): void {
    this.#post({ type: "leave", ...how });
    void this.#seeThemLeave().catch((error: unknown) => this.#log.error("the kernel could not end in order", { error }));
  }

  async #seeThemLeave(): Promise<void> {
    await this.#reins.outlastUserCode();
    this.#log.warn("a cell does not let the kernel end; killed");
    await this.#close();
    await sleep(ANSWER_OUT_MS);
    process.kill(process.pid, "SIGKILL");
  }

  #reply({ idents, header }: Message, content: Dict): void {
    if (this.#isClosing) return;
    this.#control?.send(this.#session.build(replyType(header.msg_type), content, { idents, parent: header }));
  }

  async #close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#drops.logSummary();
    this.#endParentWatch();
    await this.#binding.catch(() => undefined); // Told already.
    await this.#transport.close();
    this.#reins.close();
    Atomics.store(this.#words, SHARED.isClosed, 1);
    Atomics.notify(this.#words, SHARED.isClosed);
  }
}

void new KernelSide(workerData as KernelSideConfig).start(); // A rejection is this thread's `error` event.
