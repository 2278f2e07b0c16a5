// The engine: binds the request queue (the machine) to sockets, the side thread and the runner of user code, and ends in
// order. It owns its process: output, stray errors and the end of the process are its business.

import { EventTurns, msgId, type Clock } from "../base/index.ts";
import { abortIds, RequestQueue, type EngineEffect, type EngineEvent, type RequestKind } from "../core/engine/index.ts";
import {
  Containment,
  failureOf,
  installHost,
  installProcessHooks,
  mimeBundle,
  Namespace,
  OutputCapture,
  ownCodePaths,
  type DisplayChoice,
} from "../execution/index.ts";
import type { Logger } from "../log/index.ts";
import { createSession, curveOf, PackingTransport, SYSTEM_CLOCK, ZeromqTransport } from "../net/index.ts";
import { countsOutputs, iopub, type Dict, type Frame, type IopubMessage } from "../wire/index.ts";
import { Channels, type Incoming, type ReadyReply } from "./channels.ts";
import type { EngineConfig, EngineEnd } from "./engine-config.ts";
import { RequestRunner, type RunEnd } from "./request-runner.ts";
import { SideLink, type EngineMessage } from "./side-link.ts";
import { Stopping } from "./stopping.ts";
import type { ControlAction, SideMessage } from "./side/side-protocol.ts";

/** Exit status for a registration that failed, as ipyparallel has it. */
export const EXIT_REGISTRATION = 255;
/** Messages on their way get this long when the engine ends. */
const FAREWELL_MS = 300;

/** Lines of a request that leave at once, for the code behind them may spin; short tasks print no more than that, and cost no message more. */
const PROMPT_LINES = 1;

/** How long the shell's sockets may take to connect before the engine goes on without knowing. */
const CONNECT_MS = 2000;

interface Request extends Incoming {
  reply: ReadyReply | undefined;
  /** Output messages published for it so far. */
  outputs: number;
}

/** One engine; one per process. */
export class Engine {
  readonly #config: EngineConfig;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #queue = new RequestQueue();
  readonly #turns = new EventTurns<EngineEvent, EngineEffect>(this.#queue, (effect) => this.#perform(effect));
  readonly #requests = new Map<number, Request>();
  readonly #namespace = new Namespace();
  readonly #containment = new Containment(ownCodePaths());
  readonly #output: OutputCapture;
  readonly #side: SideLink;
  readonly #stopping: Stopping;
  #channels: Channels | undefined;
  #runner: RequestRunner | undefined;
  #engineId = -1;
  #nextSerial = 1;
  /** Header of the request that runs, or of the last one: output belongs to it. */
  #outputParent: Dict = {};
  /** The request that runs, or the last one that did: what is published for it is counted. */
  #running: Request | undefined;
  #resolveClosed: (end: EngineEnd) => void = () => undefined;
  #isLeaving = false;
  /** Header of the request to shut down: the farewell's parent, as in the reference. */
  #shutdownHeader: Dict = {};

  /** Settles when the engine has ended; the process should then exit with the given status. */
  readonly closed: Promise<EngineEnd>;

  constructor(config: EngineConfig, log: Logger, clock: Clock = SYSTEM_CLOCK) {
    this.#config = config;
    this.#log = log;
    this.#clock = clock;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#output = new OutputCapture((name, text) => this.#publish(iopub.stream(this.#engineId, name, text), this.#outputParent), {
      promptLines: PROMPT_LINES,
    });
    const { info, address, registrationUrl, uuid, properties, registrationTimeoutMs, heartMissesMax, parentPid } = config;
    this.#side = new SideLink(
      { info, address, registrationUrl, uuid, properties, registrationTimeoutMs, heartMissesMax, parentPid, log: config.log },
      (message) => this.#onSide(message),
      (error) => this.#leave({ exitCode: 1, reason: `the side thread failed: ${error.message}` }),
    );
    this.#stopping = new Stopping({
      queue: this.#queue,
      containment: this.#containment,
      runner: () => this.#runner,
      post: (message) => this.#side.post(message),
    });
    this.#namespace.prepare();
    this.#takeProcess();
  }

  #takeProcess(): void {
    installProcessHooks({
      write: (name, text) => this.#containment.guard(() => this.#output.write(name, text)),
      stray: (kind, error) => this.#onStray(kind, error),
      exit: () => {
        this.#output.flush();
        this.#channels?.release();
        this.#side.closeNow();
      },
      terminate: () => this.#leave({ exitCode: 0, reason: "terminated" }),
      log: this.#log,
    });
    installHost({
      currentTask: () => this.#runner?.task,
      display: (value, choice) => this.#display(value, choice),
      clearOutput: (wait) => this.#publish(iopub.clearOutput(this.#engineId, wait), this.#outputParent),
      interrupt: (only, isOverLimit) => this.#stopping.interrupt(only, isOverLimit),
      cancel: (msgIds) => this.#stopping.cancel(msgIds),
      runContained: () => this.#containment.runInside(),
    });
  }

  #onSide(message: EngineMessage): void {
    switch (message.type) {
      case "registered":
        void this.#join(message).catch((error: unknown) => this.#leave({ exitCode: 1, reason: `the engine could not start: ${String(error)}` }));
        return;
      case "registrationFailed":
        return this.#leave({ exitCode: EXIT_REGISTRATION, reason: message.reason });
      case "control":
        return this.#onControl(message.header, message.action);
      case "tasksRecalled":
        return this.#turns.handle({ type: "tasksRecalled", through: message.through });
      case "interrupted":
        return this.#runner?.giveUp(message.serial);
      case "limitReached":
        this.#runner?.noteLimit(message.serial);
        return this.#runner?.giveUp(message.serial);
      case "cancelled":
        this.#runner?.noteCancel(message.serial);
        return this.#runner?.giveUp(message.serial);
      case "signalsMissing":
        process.on("SIGINT", () => this.#runner?.giveUp(this.#runner.serial));
        return;
      case "ping":
        return this.#side.post({ type: "turned" });
      case "leave":
        return this.#leave({ exitCode: message.exitCode, reason: message.reason });
    }
  }

  /** Registered: connects everything, runs the start-up cells, and only then becomes visible (protocol §6.3). */
  async #join({ engineId, packs }: SideMessage & { type: "registered" }): Promise<void> {
    const { info, address, uuid, host, username, resultBytesMax } = this.#config;
    this.#engineId = engineId;
    const session = createSession({ key: info.key, signatureScheme: info.signature_scheme, sessionId: uuid, username, clock: this.#clock });
    const transport = new PackingTransport(new ZeromqTransport(curveOf(info)));
    this.#channels = new Channels({
      transport,
      session,
      info,
      address,
      uuid,
      engineId,
      packs,
      holdReplies: (send) => this.#side.holdReplies(send),
      log: this.#log,
    });
    this.#runner = new RequestRunner({ engineId, uuid, host, resultBytesMax }, this.#namespace, this.#containment, this.#clock, {
      publish: (message, parent, buffers) => this.#publish(message, parent, buffers),
      flushOutput: () => this.#containment.guard(() => this.#output.flush()),
      watchLimit: (serial, limitMs) => this.#side.post({ type: "limit", serial, limitMs }),
      ended: (serial, end) => this.#onEnded(serial, end),
      fetchCode: (id) => this.#side.fetchCode(id),
      shutdown: (header) => {
        this.#shutdownHeader = header;
        this.#turns.handle({ type: "shutdownRequested" });
      },
    });
    this.#containment.prepare();
    await this.#runStartup(this.#runner);
    if (!(await this.#channels.stand(CONNECT_MS))) this.#log.warn("some of the controller's sockets are not reached yet; going on", { address });
    const { claims } = this.#side;
    const hooks = {
      arrived: () => this.#side.drain(), // What was told to the side thread before this request came is in force for it.
      get recalledThrough() {
        return claims.recalledThrough;
      },
    };
    this.#channels.receive(hooks, (incoming) => this.#onRequest(incoming));
    this.#turns.handle({ type: "started" });
    this.#side.post({ type: "connected" });
    this.#log.info(`Completed registration with id ${engineId}`, { uuid });
  }

  async #runStartup(runner: RequestRunner): Promise<void> {
    for (const { code, origin } of this.#config.startupCells) {
      const outcome = await new Promise<{ readonly status: string }>((resolve) => {
        const request = { code, silent: true, storeHistory: false, stopOnError: false, userExpressions: new Map<string, string>() };
        runner.cells.start(request, {
          isOver: () => false,
          begun: () => undefined,
          result: () => undefined,
          end: (end) => {
            if (end.status === "error") this.#log.error("start-up code failed", { origin, ename: end.failure.ename, evalue: end.failure.evalue });
            resolve(end);
          },
        });
      });
      this.#log.debug("start-up code ran", { origin, status: outcome.status });
    }
  }

  #onRequest(incoming: Incoming): void {
    const { message, bytes, ordinal } = incoming;
    const { header } = message;
    const serial = this.#nextSerial++;
    this.#requests.set(serial, { ...incoming, reply: undefined, outputs: 0 });
    const request = { serial, msgId: msgId(header.msg_id), kind: kindOf(header.msg_type), bytes, countsOutputs: countsOutputs(message.metadata) };
    this.#turns.handle({ type: "requestArrived", request: ordinal === undefined ? request : { ...request, ordinal } });
  }

  #onEnded(serial: number, end: RunEnd): void {
    this.#side.setRunning(0);
    const request = this.#requests.get(serial);
    if (request !== undefined) request.reply = end.reply;
    this.#side.drain(); // Likewise for the request that is reached next.
    if (this.#isLeaving) return; // Cut short for that: whoever asked hears that the engine is gone.
    this.#stopping.ended(serial);
    this.#turns.handle({ type: "requestFinished", serial, status: end.status, stopsQueue: end.stopsQueue });
  }

  #onControl(header: Dict, action: ControlAction): void {
    this.#publish(iopub.status(this.#engineId, "busy"), header);
    switch (action.type) {
      case "abort":
        this.#turns.handle({ type: "abortRequested", msgIds: abortIds(action.msgIds) });
        break;
      case "cancel":
        this.#stopping.answer(action.token, action.msgIds); // Before the machine acts: then it has ended, perhaps.
        this.#turns.handle({ type: "cancelRequested", msgIds: action.msgIds.map(msgId) });
        break;
      case "clear":
        this.#namespace.clear();
        this.#side.post({ type: "cleared", token: action.token });
        break;
      case "shutdown":
        this.#shutdownHeader = header;
        this.#turns.handle({ type: "shutdownRequested" });
        break;
      case "none":
    }
    this.#publish(iopub.status(this.#engineId, "idle"), header);
  }

  #perform(effect: EngineEffect): void {
    switch (effect.type) {
      case "publishStatus":
        return this.#publishStatus(effect.state, effect.serial);
      case "claim":
        return this.#claim(effect.serial, effect.ordinal);
      case "giveBack":
        return this.#giveBack(effect.serial);
      case "run":
        return this.#run(effect.serial);
      case "stop":
        return this.#runner?.cancel(effect.serial);
      case "sendReply":
        this.#output.endRequest();
        return this.#send(effect.serial, (request) => request.reply, effect.tellsOutputs);
      case "sendAborted":
        return this.#send(effect.serial, (request) => this.#runner?.abortedReply(request), effect.tellsOutputs);
      case "forget":
        return this.#forget(effect.serial);
      case "settleIntake":
        void this.#channels?.settle().then(() => this.#turns.handle({ type: "intakeSettled" }));
        return;
      case "pauseIntake":
        return this.#channels?.pause();
      case "resumeIntake":
        return this.#channels?.resume();
      case "leave":
        this.#publish(iopub.shutdown(this.#engineId), this.#shutdownHeader);
        return this.#leave({ exitCode: 0, reason: "shut down" });
    }
  }

  #publishStatus(state: "starting" | "busy" | "idle", serial: number | null): void {
    const request = serial === null ? undefined : this.#requests.get(serial);
    this.#publish(iopub.status(this.#engineId, state), request?.message.header ?? {});
  }

  #forget(serial: number): void {
    if (this.#running === this.#requests.get(serial)) this.#running = undefined;
    this.#requests.delete(serial);
  }

  #claim(serial: number, ordinal: number): void {
    const { claims } = this.#side;
    if (claims.claim(ordinal)) this.#turns.handle({ type: "claimed", serial });
    else this.#turns.handle({ type: "tasksRecalled", through: claims.recalledThrough });
  }

  #giveBack(serial: number): void {
    const request = this.#requests.get(serial);
    if (request !== undefined) this.#channels?.giveBack(request);
  }

  #run(serial: number): void {
    const request = this.#requests.get(serial);
    if (request === undefined || this.#isLeaving) return;
    this.#output.endRequest(); // What the last request's leftovers wrote since is still the last request's.
    this.#outputParent = request.message.header;
    this.#running = request;
    this.#side.setRunning(serial, request.message.header.msg_id);
    this.#runner?.start(serial, request);
    this.#side.drain(); // A cancel that came before it ran, and found nothing to cut, is in force before its code begins.
  }

  #send(serial: number, replyTo: (request: Request) => ReadyReply | undefined, tellsOutputs: boolean): void {
    const request = this.#requests.get(serial);
    const reply = request === undefined ? undefined : replyTo(request);
    if (request === undefined || reply === undefined) return;
    const metadata = tellsOutputs ? { ...reply.metadata, outputs: request.outputs } : reply.metadata;
    this.#channels?.reply(request, { ...reply, metadata, mayWait: this.#queue.waiting > 0 });
  }

  #publish(message: IopubMessage, parent: Dict, buffers?: readonly Frame[]): void {
    this.#containment.guard(() => {
      if (this.#running?.message.header === parent && message.msgType !== "status") this.#running.outputs += 1;
      this.#channels?.publish(message, parent, buffers);
    });
  }

  #display(value: unknown, { update, ...facts }: DisplayChoice): void {
    const data = mimeBundle(value);
    this.#containment.guard(() => {
      this.#output.flush();
      this.#publish(iopub.displayData(this.#engineId, data, { ...facts, isUpdate: update === true }), this.#outputParent);
    });
  }

  #onStray(kind: string, error: unknown): void {
    const { ename, evalue, traceback } = failureOf(error);
    this.#output.write("stderr", `${kind} outside of any request: ${(traceback ?? []).join("\n") || `${ename}: ${evalue}`}\n`);
    this.#log.warn(`${kind} outside of any request`, { ename, evalue });
  }

  #leave(end: EngineEnd): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#runner?.abandon();
    this.#output.flush();
    // On a later turn, behind what this one still has to say.
    setImmediate(() => {
      const deadline = new Promise<void>((resolve) => setTimeout(resolve, FAREWELL_MS));
      void Promise.race([this.#channels?.close(), deadline]).then(() => this.#resolveClosed(end));
    });
  }
}

function kindOf(type: string): RequestKind {
  if (type === "apply_request") return "apply";
  return type === "execute_request" ? "execute" : "other";
}
