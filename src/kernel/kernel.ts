// A notebook's kernel: binds the request queue (the machine that engines have too) to Jupyter's sockets, the side thread and
// the running of cells, and ends in order. It owns its process: output, stray errors and the end are its business.

import { EventTurns, msgId, NotSupportedError, type Clock } from "../base/index.ts";
import { RequestQueue, type EngineEffect, type EngineEvent } from "../core/engine/index.ts";
import { Containment, failureOf, installHost, installProcessHooks, mimeBundle, Namespace, ownCodePaths, type DisplayChoice } from "../execution/index.ts";
import type { LogLevel, Logger } from "../log/index.ts";
import { createSession, SYSTEM_CLOCK, ZeromqTransport } from "../net/index.ts";
import { addCellVariable } from "../serial/index.ts";
import { displayContent, type Dict } from "../wire/index.ts";
import type { CellExtension, CellVoice } from "./cell-extension.ts";
import { CellRequests, inCellCoordinates, type CellEnd } from "./cell-requests.ts";
import type { KernelConnection } from "./connection-file.ts";
import { History } from "./history.ts";
import { answerPlain } from "./plain-requests.ts";
import { Publications } from "./publications.ts";
import { Questions } from "./questions.ts";
import { installKernelGlobals } from "./kernel-globals.ts";
import { KernelSideLink, type KernelMessage } from "./side-link.ts";
import { KernelSockets, type KernelRequest } from "./sockets.ts";

/** A kernel's settings, complete. */
export interface KernelConfig {
  readonly connection: KernelConnection;
  readonly sessionId: string;
  /** Informational, in message headers. */
  readonly username: string;
  /** Process whose end ends the kernel, or `null`. */
  readonly parentPid: number | null;
  /** File of what was typed; `null`: nothing is kept beyond this session. */
  readonly historyPath: string | null;
  readonly log: { readonly level: LogLevel; readonly fd: number };
}

/** Why and how a kernel ended. */
export interface KernelEnd {
  readonly exitCode: number;
  readonly reason: string;
}

interface Held extends KernelRequest {
  reply: Dict | undefined;
}

/** Messages on their way get this long when the kernel ends. */
const FAREWELL_MS = 300;

/** One kernel; one per process. */
export class Kernel {
  readonly #log: Logger;
  readonly #queue = new RequestQueue();
  readonly #turns = new EventTurns<EngineEvent, EngineEffect>(this.#queue, (effect) => this.#perform(effect));
  readonly #requests = new Map<number, Held>();
  readonly #namespace = new Namespace(addCellVariable);
  readonly #containment = new Containment(ownCodePaths());
  readonly #history: History;
  readonly #publications: Publications;
  readonly #questions: Questions;
  readonly #cells: CellRequests;
  readonly #side: KernelSideLink;
  readonly #extension: CellExtension | undefined;
  #sockets: KernelSockets | undefined;
  #nextSerial = 1;
  #isLeaving = false;
  #resolveClosed: (end: KernelEnd) => void = () => undefined;

  /** Settles when the kernel has ended; the process should then exit with the given status. */
  readonly closed: Promise<KernelEnd>;

  constructor(config: KernelConfig, log: Logger, extend?: (voice: CellVoice) => CellExtension, clock: Clock = SYSTEM_CLOCK) {
    this.#log = log;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    const { connection, sessionId, username, parentPid } = config;
    this.#history = new History(config.historyPath, log);
    this.#publications = new Publications((type, content, parent) => this.#containment.guard(() => this.#sockets?.publish(type, content, parent) ?? 0));
    this.#questions = new Questions((message, prompt, isPassword) => this.#sockets?.ask(message, prompt, isPassword));
    this.#cells = new CellRequests({
      namespace: this.#namespace,
      containment: this.#containment,
      publications: this.#publications,
      history: this.#history,
      ended: (serial, end) => this.#finish(serial, end),
      expand: (code) => this.#extension?.expand(code) ?? code,
      ready: (cell) => this.#extension?.ready(cell),
    });
    this.#side = new KernelSideLink(
      { connection, sessionId, parentPid, log: config.log },
      (message) => this.#onSide(message),
      (error) => this.#leave({ exitCode: 1, reason: `the side thread failed: ${error.message}` }),
    );
    installKernelGlobals();
    this.#namespace.prepare();
    this.#extension = extend?.({
      write: (name, text) => this.#publications.write(name, text),
      display: (data, metadata, place) =>
        this.#publications.display(
          place?.update === true ? "update_display_data" : "display_data",
          displayContent(data, { metadata, displayId: place?.displayId }),
        ),
    });
    this.#takeProcess();
    const session = createSession({ key: connection.key, signatureScheme: connection.signatureScheme, sessionId, username, clock });
    // No cell runs before the side thread can interrupt it.
    void Promise.all([KernelSockets.bind(new ZeromqTransport(), session, connection, log), this.#side.ready]).then(
      ([sockets]) => this.#begin(sockets),
      (error: unknown) => this.#leave({ exitCode: 1, reason: error instanceof Error ? error.message : String(error) }),
    );
  }

  #takeProcess(): void {
    installProcessHooks({
      write: (name, text) => this.#containment.guard(() => this.#publications.write(name, text)),
      stray: (kind, error) => this.#onStray(kind, error),
      exit: () => this.#onExit(),
      terminate: () => this.#leave({ exitCode: 0, reason: "terminated" }),
      log: this.#log,
    });
    installHost({
      currentTask: () => undefined,
      display: (value, choice) => this.#display(value, choice),
      clearOutput: (wait) => this.#publications.clear(wait),
      interrupt: (only) => this.#interrupt(only),
      cancel: () => "", // Nobody cancels single requests of a notebook.
      runContained: () => this.#containment.runInside(),
      ask: (prompt, isPassword) => this.#ask(prompt, isPassword),
    });
  }

  #begin(sockets: KernelSockets): void {
    this.#sockets = sockets;
    this.#containment.prepare();
    sockets.receive(
      (request) => this.#onRequest(request),
      (parentId, text) => this.#questions.answered(parentId, text),
    );
    this.#turns.handle({ type: "started" });
    this.#cells.warmUp();
  }

  #onSide(message: KernelMessage): void {
    switch (message.type) {
      case "failed":
        return this.#leave({ exitCode: 1, reason: message.reason });
      case "control":
        this.#publications.status("busy", message.header);
        return this.#publications.status("idle", message.header);
      case "interrupted":
        return this.#cells.giveUp(message.serial);
      case "ping":
        return this.#side.post({ type: "turned" });
      case "signalsMissing":
        process.on("SIGINT", () => this.#cells.giveUp(this.#cells.serial));
        return;
      case "leave":
        if (message.header !== undefined) this.#publications.shutdown(message.restart === true, message.header);
        return this.#leave({ exitCode: 0, reason: message.reason });
    }
  }

  #onRequest(request: KernelRequest): void {
    const { header } = request.message;
    const serial = this.#nextSerial++;
    this.#requests.set(serial, { ...request, reply: undefined });
    const kind = header.msg_type === "execute_request" ? "execute" : "other";
    this.#turns.handle({ type: "requestArrived", request: { serial, msgId: msgId(header.msg_id), kind, bytes: request.bytes, countsOutputs: false } });
  }

  #perform(effect: EngineEffect): void {
    switch (effect.type) {
      case "publishStatus":
        return this.#publications.status(effect.state, this.#headerOf(effect.serial));
      case "run":
        return this.#run(effect.serial);
      case "sendReply":
        this.#publications.end();
        return this.#reply(effect.serial, this.#requests.get(effect.serial)?.reply);
      case "sendAborted":
        return this.#reply(effect.serial, { status: "aborted" });
      case "forget":
        this.#requests.delete(effect.serial);
        return;
      case "settleIntake":
        void this.#sockets?.settle().then(() => this.#turns.handle({ type: "intakeSettled" })); // Only waits for turns of the loop.
        return;
      case "pauseIntake":
        return this.#sockets?.pause();
      case "resumeIntake":
        return this.#sockets?.resume();
      case "leave":
        return this.#leave({ exitCode: 0, reason: "shut down" });
      case "claim":
      case "giveBack":
      case "stop":
        return; // Of a cluster's task channel and its cancels; a notebook has neither.
    }
  }

  #headerOf(serial: number | null): Dict {
    return (serial === null ? undefined : this.#requests.get(serial)?.message.header) ?? {};
  }

  #run(serial: number): void {
    const request = this.#requests.get(serial);
    if (request === undefined || this.#isLeaving) return;
    const { message } = request;
    this.#side.setRunning(serial);
    if (message.header.msg_type === "execute_request") {
      this.#publications.begin(message.header); // What earlier cells' timers write from now on is this one's, as ever in notebooks.
      return this.#cells.start(serial, message);
    }
    if (message.header.msg_type === "shutdown_request") {
      this.#publications.shutdown(message.content["restart"] === true, message.header);
      this.#turns.handle({ type: "shutdownRequested" });
    }
    if (message.header.msg_type === "comm_open") this.#publications.closeComm(message);
    void answerPlain(message, this.#history).then(
      (reply) => this.#finish(serial, { reply, stopsQueue: false }),
      (error: unknown) => this.#finish(serial, { reply: { status: "error", ...failureOf(error) }, stopsQueue: false }),
    );
  }

  #finish(serial: number, { reply, stopsQueue }: CellEnd): void {
    this.#side.setRunning(0);
    this.#questions.drop();
    const request = this.#requests.get(serial);
    if (request !== undefined) request.reply = reply;
    if (!this.#isLeaving) this.#turns.handle({ type: "requestFinished", serial, status: "ok", stopsQueue });
  }

  #reply(serial: number, content: Dict | undefined): void {
    const request = this.#requests.get(serial);
    if (request !== undefined && content !== undefined) this.#sockets?.reply(request.message, content);
  }

  #display(value: unknown, { update, ...facts }: DisplayChoice): void {
    const data = mimeBundle(value);
    this.#publications.display(update === true ? "update_display_data" : "display_data", displayContent(data, facts));
  }

  async #ask(prompt: string, isPassword: boolean): Promise<string> {
    const message = this.#cells.message;
    if (message === undefined) throw new NotSupportedError("nobody can be asked when no cell runs; call input within a cell, and await it");
    return this.#containment.guard(() => {
      this.#publications.flush();
      return this.#questions.ask(message, prompt, isPassword);
    });
  }

  /** Called by the side thread in the middle of whatever runs here: nothing may be called behind the containment's interrupt. */
  #interrupt(only: number): number {
    const { state } = this.#queue;
    const serial = state.name === "running" ? state.request.serial : 0;
    if (only !== 0 && serial !== 0 && serial !== only) return 0;
    const extension = this.#extension;
    if (serial !== 0 && extension?.takesInterrupts === true) {
      setImmediate(() => extension.interrupt());
      return 0;
    }
    if (serial !== 0) this.#cells.noteInterrupt(serial);
    this.#containment.interrupt();
    return serial;
  }

  #onStray(kind: string, error: unknown): void {
    const { ename, evalue, traceback } = inCellCoordinates(failureOf(error));
    this.#publications.write("stderr", `${kind} outside of any cell: ${(traceback ?? []).join("\n") || `${ename}: ${evalue}`}\n`);
  }

  /** The process ends, perhaps because a cell wants it to: the front end hears that instead of wondering. */
  #onExit(): void {
    const message = this.#cells.message;
    if (message !== undefined && !this.#isLeaving) {
      const evalue = `the cell ended the kernel, by process.exit or the like, with status ${String(process.exitCode ?? 0)}`;
      const failure = { ename: "KernelExit", evalue, traceback: [`KernelExit: ${evalue}`] };
      this.#publications.flush();
      this.#publications.error(failure);
      this.#sockets?.reply(message, { status: "error", ...failure, execution_count: this.#cells.executionCount, user_expressions: {}, payload: [] });
      this.#publications.status("idle", message.header);
    }
    this.#publications.flush();
    this.#side.closeNow();
  }

  #leave(end: KernelEnd): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#cells.abandon();
    this.#publications.flush();
    // On a later turn, behind what this one still has to say.
    setImmediate(() => {
      const deadline = new Promise<void>((resolve) => setTimeout(resolve, FAREWELL_MS));
      void Promise.race([this.#sockets?.close(), deadline]).then(() => this.#resolveClosed(end));
    });
  }
}
