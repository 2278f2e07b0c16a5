// The side thread: registration, heart, control channel, signals. It answers while user code keeps the main thread busy.

import { isatty } from "node:tty";
import { setTimeout as sleep } from "node:timers/promises";
import { workerData } from "node:worker_threads";
import { DropCounts, INSIST_MS_MAX, listenForSignals, MainReins, within } from "../../execution/side/index.ts";
import { createLogger, fdWriter, type Logger } from "../../log/index.ts";
import { createSession, curveOf, watchRefusals, ZeromqTransport, type MessageSocket, type SocketOptions } from "../../net/index.ts";
import type { Header, Session } from "../../wire/index.ts";
import { watchParent } from "../../programs/index.ts";
import { countRecall } from "../task-claims.ts";
import { Canceller } from "./canceller.ts";
import { ControlChannel } from "./control.ts";
import { Heart } from "./heart.ts";
import { HeldWatch } from "./held-watch.ts";
import { Registration, type Registered } from "./registration.ts";
import { idMark, SHARED, type MainMessage, type SideConfig, type SideMessage } from "./side-protocol.ts";

const SIGHUP = 1;
const SIGINT = 2;
const SIGTERM = 15;
/** Time for an answer to reach the network before a signal ends the process. */
const ANSWER_OUT_MS = 50;
/** Why the engine ends when nothing else ends a request. */
const OVER_LIMIT = `a request ran past its timeLimitMs and could not be stopped for ${INSIST_MS_MAX} ms`;
/** Farewells wait this long for the network. */
const LINGER_MS = 500;

class SideThread {
  readonly #config: SideConfig;
  readonly #words: Int32Array;
  readonly #log: Logger;
  readonly #transport: ZeromqTransport;
  readonly #session: Session;
  readonly #registration: Registration;
  readonly #reins: MainReins;
  readonly #drops: DropCounts;
  readonly #heldWatch: HeldWatch;
  readonly #canceller: Canceller;
  #control: ControlChannel | undefined;
  #heart: Heart | undefined;
  /** Of the registration. */
  #heartPeriodMs = 0;
  #endParentWatch: () => void = () => undefined;
  /** Until the time of the last request that had a limit is over. */
  #limit: NodeJS.Timeout | undefined;
  #isClosing = false;

  constructor(config: SideConfig) {
    this.#config = config;
    this.#words = new Int32Array(config.shared);
    this.#log = createLogger("engine", fdWriter(config.log.fd), config.log.level);
    this.#reins = new MainReins(
      this.#log,
      () => Atomics.load(this.#words, SHARED.runningSerial),
      () => this.#post({ type: "ping" }),
    );
    this.#drops = new DropCounts(this.#log, "control");
    const { info, uuid } = config;
    this.#transport = new ZeromqTransport(curveOf(info));
    this.#session = createSession({ key: info.key, signatureScheme: info.signature_scheme, sessionId: uuid, processTag: `${process.pid}s` });
    this.#canceller = new Canceller({
      post: (message) => this.#post(message),
      runs: (msgIds) => this.#runs(msgIds),
      cut: (msgIds) => this.#reins.cancel(msgIds, () => this.#runs(msgIds)),
    });
    this.#heldWatch = new HeldWatch(this.#words, new Uint8Array(config.held), (packed) => this.#control?.sendHeld(packed));
    const registrationUrl = config.registrationUrl ?? `${config.address}:${info.registration}`;
    const reached = { url: registrationUrl, serverKey: info.curve_serverkey, origin: "the engine's connection file" };
    const onRefused = watchRefusals(reached, (sentence) => this.#registration.refused(sentence));
    this.#registration = new Registration(this.#connect("dealer", registrationUrl, { onRefused }), this.#session, { uuid, url: registrationUrl });
  }

  async start(): Promise<void> {
    this.#config.port.on("message", (message: MainMessage) => this.#onMain(message));
    if (!listenForSignals([SIGTERM, SIGHUP, SIGINT], (signal) => this.#onSignal(signal))) this.#post({ type: "signalsMissing" });
    if (!this.#reins.canInterrupt)
      this.#log.warn("this Node cannot interrupt running code; an interrupted request is given up while its code runs on", { node: process.version });
    if (this.#config.parentPid !== null)
      this.#endParentWatch = watchParent(this.#config.parentPid, () => this.#leave("the process that started this engine has ended", 0));
    try {
      this.#onRegistered(await this.#registration.register(this.#config.properties, this.#config.registrationTimeoutMs));
    } catch (error) {
      this.#post({ type: "registrationFailed", reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #onRegistered(registered: Registered): void {
    const { info, address } = this.#config;
    this.#control = new ControlChannel(this.#connect("dealer", `${address}:${info.control}`), this.#session, {
      post: (request, action) => this.#post({ type: "control", header: request.header, action }),
      recall: (through) => {
        this.#post({ type: "tasksRecalled", through });
        return countRecall(this.#words, SHARED.taskClaims, through);
      },
      cancel: (request, msgIds) => this.#cancel(request.header, msgIds),
      signal: (number) => void this.#deliver(number).catch((error: unknown) => this.#log.error("a signal could not be delivered", { signal: number, error })),
      code: (msgId, frames) => this.#post({ type: "code", msgId, frames }),
      drop: (reason) => this.#drops.count(reason),
    });
    this.#heartPeriodMs = registered.heartbeatPeriodMs;
    this.#post({ type: "registered", engineId: registered.engineId, packs: registered.packs });
  }

  /** Begins to beat: the engine becomes visible, so the shell's sockets must stand (protocol §6.3). */
  #beat(): void {
    if (this.#heart !== undefined || this.#isClosing) return;
    const { info, address, heartMissesMax } = this.#config;
    this.#heart = new Heart(this.#connect("sub", `${address}:${info.hb_ping}`), this.#connect("dealer", `${address}:${info.hb_pong}`), {
      periodMs: this.#heartPeriodMs,
      missesMax: heartMissesMax,
      onSilence: (silentMs) => this.#leave(`the controller has been silent for ${Math.round(silentMs / 1000)} s`, 0),
    });
  }

  #connect(kind: "dealer" | "sub", endpoint: string, options: SocketOptions = {}): MessageSocket {
    return this.#transport.connect(kind, [endpoint], { ...options, lingerMs: LINGER_MS, ...(kind === "dealer" ? { identity: this.#config.uuid } : {}) });
  }

  #post(message: SideMessage): void {
    this.#config.port.postMessage(message);
    Atomics.add(this.#words, SHARED.posted, 1);
  }

  #onMain(message: MainMessage): void {
    switch (message.type) {
      case "connected":
        return this.#beat();
      case "watchHeld":
        return this.#isClosing ? undefined : this.#heldWatch.start();
      case "limit":
        return this.#setLimit(message.serial, message.limitMs);
      case "codeMissing":
        return this.#control?.askForCode(message.msgId);
      case "cleared":
        return this.#control?.cleared(message.token);
      case "turned":
        return this.#reins.turned();
      case "cancelled":
        return this.#canceller.answered(message.token, message.stopped);
      case "close":
        void this.#close(); // Tells by `isClosed` when it is done.
    }
  }

  #onSignal(signal: number): void {
    if (signal === SIGINT) void this.#interrupt(isatty(0)).catch((error: unknown) => this.#log.error("an interrupt failed", { error }));
    else this.#leave(signal === SIGHUP ? "hung up" : "terminated", 0);
  }

  /** Delivers a signal that a client sent. */
  async #deliver(number: number): Promise<void> {
    if (number === SIGINT) return this.#interrupt(false);
    await sleep(number === 0 ? 0 : ANSWER_OUT_MS);
    process.kill(process.pid, number);
  }

  async #cancel(header: Header, msgIds: readonly string[]): Promise<readonly string[] | undefined> {
    const stopped = await this.#canceller.cancel(msgIds, (token) => this.#post({ type: "control", header, action: { type: "cancel", token, msgIds } }));
    if (stopped !== undefined && stopped.length > 0) void this.#free(); // The client need not wait for it.
    return stopped;
  }

  /** Sees that nothing of a request that was cut keeps the main thread. Does not reject. */
  async #free(): Promise<void> {
    if (!(await this.#reins.free()))
      this.#log.warn("something that a cancelled request left behind keeps this engine busy; shut the engine down to end it", { afterMs: INSIST_MS_MAX });
  }

  /** Stops the running request; a user at the terminal may mean the engine itself. */
  async #interrupt(leavesWhenIdle: boolean): Promise<void> {
    // A main thread within a call into the system that does not return never answers.
    const serial = await within(this.#reins.interrupt(0, false), INSIST_MS_MAX);
    if (serial === 0) return leavesWhenIdle ? this.#leave("interrupted at the terminal", 0) : undefined;
    if (serial !== undefined) this.#post({ type: "interrupted", serial });
    if (serial === undefined || !(await this.#reins.insist(serial, false)))
      this.#log.warn("an interrupted request goes on: its code could not be cut, and keeps this engine busy; shut the engine down to end it", {
        afterMs: INSIST_MS_MAX,
      });
  }

  /** A request that ended in time is not there any more when the timer ends: requests need not tell. */
  #setLimit(serial: number, limitMs: number): void {
    clearTimeout(this.#limit);
    if (this.#isClosing) return;
    const reached = async (): Promise<void> => {
      if (Atomics.load(this.#words, SHARED.runningSerial) !== serial) return;
      const stopped = await within(this.#reins.interrupt(serial, true), INSIST_MS_MAX);
      if (stopped === undefined && Atomics.load(this.#words, SHARED.runningSerial) === serial) return this.#leave(OVER_LIMIT, 1);
      if (stopped !== serial) return;
      this.#post({ type: "limitReached", serial });
      if (!(await this.#reins.insist(serial, true))) this.#leave(OVER_LIMIT, 1);
    };
    this.#limit = setTimeout(
      () => void reached().catch((error: unknown) => this.#log.error("a request could not be stopped at its limit", { error })),
      limitMs,
    );
  }

  #runs(msgIds: readonly string[]): boolean {
    if (this.#isClosing) return false;
    const running = Atomics.load(this.#words, SHARED.runningId);
    return msgIds.some((id) => idMark(id) === running);
  }

  /** Has the main thread end the process: cuts user code that does not let it, and ends the process from here at last. */
  #leave(reason: string, exitCode: number): void {
    this.#post({ type: "leave", reason, exitCode });
    void this.#seeThemLeave().catch((error: unknown) => this.#log.error("the engine could not end in order", { error }));
  }

  async #seeThemLeave(): Promise<void> {
    await this.#reins.outlastUserCode();
    await this.#die();
  }

  async #die(): Promise<void> {
    this.#log.warn("user code does not let the engine end; killed");
    await this.#close();
    await sleep(ANSWER_OUT_MS);
    process.kill(process.pid, "SIGKILL");
  }

  async #close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#drops.logSummary();
    this.#heart?.stop();
    this.#heldWatch.stop();
    this.#control?.close();
    clearTimeout(this.#limit);
    this.#endParentWatch();
    this.#registration.unregister();
    await this.#transport.close();
    this.#reins.close();
    Atomics.store(this.#words, SHARED.isClosed, 1);
    Atomics.notify(this.#words, SHARED.isClosed);
  }
}

void new SideThread(workerData as SideConfig).start(); // A rejection is this thread's `error` event.
