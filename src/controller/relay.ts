// The mux and control channels: client → engine by the engine's identity, engine → client by the prefix the engine
// echoes (protocol §3.3). Every message is authenticated and then forwarded unchanged; nothing is unpacked but the
// headers of mux messages, for the books.
//
// Where the reference loses a request silently (no such engine, an engine that stopped reading), the sender gets an
// error reply here: a client that waits without a time limit must not wait for nothing.

import { engineUuid, isoMicros, type Clock, type EngineUuid } from "../base/index.ts";
import { MuxLedger } from "../core/index.ts";
import type { BoundSocket } from "../net/index.ts";
import {
  CONTROLLER_IDENTITY,
  errorContent,
  framesBytes,
  isHeader,
  MAJOR_VERSION,
  majorVersion,
  replyType,
  splitFrames,
  type Dict,
  type Frame,
  type Header,
  type RawMessage,
  type Session,
} from "../wire/index.ts";
import { CodeSieve } from "./code-sieve.ts";
import type { CodeTable } from "./code-table.ts";
import type { Drops } from "./drops.ts";
import type { RoutedEngine } from "./hub-link.ts";
import type { Monitor } from "./monitor.ts";

/** What a relay works with. */
export interface RelayParts {
  readonly channel: "mux" | "control";
  readonly clientSide: BoundSocket;
  readonly engineSide: BoundSocket;
  readonly session: Session;
  /** Reads what engines send. */
  readonly engineSession: Session;
  readonly clock: Clock;
  readonly drops: Drops;
  readonly monitor: Monitor;
  /** Bytes of unanswered messages an engine may owe. */
  readonly engineBytesMax: number;
  /** An engine answered a recall (control channel). */
  readonly onRecalled: (engine: EngineUuid, content: Dict) => void;
  /** An engine sent replies of the task channel, packed, by the control channel. */
  readonly onHeldReplies: (engine: Frame, packed: Frame) => void;
  /** A client asks the controller itself (control channel); the content of the answer, or `undefined` for a question nobody here knows. */
  readonly onAsked: (msgType: string, content: Dict) => Dict | undefined;
  /** An engine misses code of a request (control channel). */
  readonly onCodeMissing: (engine: EngineUuid, requestId: string) => void;
  readonly codes: CodeTable;
}

const RECORDED_REQUESTS: ReadonlySet<string> = new Set(["apply_request", "execute_request"]);
const REQUEST_SUFFIX = "_request";

/** Relays one channel. */
export class Relay {
  readonly #parts: RelayParts;
  readonly #ledger: MuxLedger;
  readonly #sieve: CodeSieve;
  readonly #ownIdentity: Frame;
  #forwarded = 0;
  #fromEngines = 0;

  constructor(parts: RelayParts) {
    this.#parts = parts;
    this.#ledger = new MuxLedger(parts.engineBytesMax);
    this.#sieve = new CodeSieve(parts.codes);
    this.#ownIdentity = parts.session.text.encode(CONTROLLER_IDENTITY);
  }

  /** Messages forwarded, both ways. */
  get forwarded(): number {
    return this.#forwarded;
  }

  /** Messages received from engines. */
  get fromEngines(): number {
    return this.#fromEngines;
  }

  /** Starts to receive. */
  start(): void {
    this.#parts.clientSide.receive((frames) => this.#fromClient(frames));
    this.#parts.engineSide.receive((frames) => this.#fromEngine(frames));
  }

  engineJoined({ uuid, keepsCode }: RoutedEngine): void {
    this.#ledger.open(uuid);
    this.#sieve.engineJoined(uuid, keepsCode);
  }

  engineLeft(engine: EngineUuid): void {
    this.#ledger.close(engine);
    this.#sieve.engineLeft(engine);
  }

  /** Requests that an engine has not answered. */
  requestsOf(engine: EngineUuid): number {
    return this.#ledger.requestsOf(engine);
  }

  /** Asks an engine for the tasks it was sent, up to this ordinal, and has not started; the answer comes by `onRecalled`. */
  recall(engine: EngineUuid, through: number): void {
    const { session, engineSide } = this.#parts;
    engineSide.send(session.build("recall_request", { through }, { idents: [session.text.encode(engine), this.#ownIdentity] }));
  }

  /** An engine misses code of this request: all of it, unless it was answered already. */
  codeOf(engine: EngineUuid, requestId: string): readonly Frame[] | undefined {
    return this.#sieve.asked(engine, requestId);
  }

  /** Tells an engine the code of a request that it asked for; without any, that nobody waits for the request. */
  sendCode(engine: EngineUuid, requestId: string, codes: readonly Frame[] | undefined): void {
    const { session, engineSide } = this.#parts;
    const idents = [session.text.encode(engine), this.#ownIdentity];
    engineSide.send(session.build("code_reply", { msg_id: requestId, status: codes === undefined ? "error" : "ok" }, { idents, buffers: codes ?? [] }));
  }

  #isOurs(identity: Frame): boolean {
    return identity.length === this.#ownIdentity.length && this.#parts.session.text.decode(identity) === CONTROLLER_IDENTITY;
  }

  /** A message of an engine for the controller itself. */
  #forUs(source: Frame, raw: RawMessage): void {
    const { channel, session, drops, onRecalled, onHeldReplies, onCodeMissing } = this.#parts;
    const type = session.unpack(raw.header)?.["msg_type"];
    const content = session.unpack(raw.content);
    const [packed] = raw.buffers;
    if (channel === "control" && type === "recall_reply" && content !== undefined) return onRecalled(engineUuid(session.text.decode(source)), content);
    if (channel === "control" && type === "held_replies" && packed !== undefined) return onHeldReplies(source, packed);
    const requestId = content?.["msg_id"];
    if (channel === "control" && type === "code_request" && typeof requestId === "string")
      return onCodeMissing(engineUuid(session.text.decode(source)), requestId);
    drops.count(`${channel}.engine`, "badForController");
  }

  #fromClient(frames: Frame[]): void {
    const { channel, session, drops } = this.#parts;
    const opened = session.openOnce(frames);
    if (!opened.ok) return drops.count(`${channel}.client`, opened.reason);
    const [client, target] = opened.value.idents;
    if (client === undefined || target === undefined) return drops.count(`${channel}.client`, "tooFewIdents");
    if (this.#isOurs(client)) return drops.count(`${channel}.client`, "reservedIdentity");
    const header = session.unpack(opened.value.header);
    if (header === undefined) return drops.count(`${channel}.client`, "badJson");
    if (!isHeader(header)) return drops.count(`${channel}.client`, "badHeader");
    if (majorVersion(header) !== MAJOR_VERSION) return drops.count(`${channel}.client`, "badVersion");
    if (channel === "control" && this.#isOurs(target)) this.#answer(opened.value, header);
    else this.#toEngine(frames, opened.value, header);
  }

  /** A request of a client to the controller itself. */
  #answer(raw: RawMessage, header: Header): void {
    const { clientSide, session, drops, onAsked } = this.#parts;
    const content = session.unpack(raw.content);
    if (content === undefined) return drops.count("control.client", "badJson");
    const known = onAsked(header.msg_type, content);
    const answer = known ?? errorContent({ ename: "NotImplementedError", evalue: `the controller does not know the request ${header.msg_type}` });
    const [client, target] = raw.idents as [Frame, Frame];
    clientSide.send(session.build(replyType(header.msg_type), answer, { idents: [client, target], parent: header }));
  }

  #toEngine(frames: Frame[], raw: RawMessage, header: Header): void {
    const { channel, engineSide, session, monitor } = this.#parts;
    const target = raw.idents[1] as Frame;
    const engine = session.text.decode(target);
    const bytes = framesBytes(frames);
    const refusal = this.#refusal(engine, bytes);
    if (refusal !== undefined) return this.#refuse(raw, header, engine, refusal);
    [frames[0], frames[1]] = [target, frames[0] as Frame];
    if (!engineSide.send(this.#sifted(frames, raw, header, engine))) {
      this.#sieve.answered(engineUuid(engine), header.msg_id);
      return this.#refuse(raw, header, engine, "the controller's queue to the engines is full");
    }
    this.#forwarded += 1;
    const isRecorded = RECORDED_REQUESTS.has(header.msg_type);
    if (channel === "mux" && isRecorded) monitor.request("muxRequest", target, raw);
    // Control requests are small and answered beside the queue; those without reply are counted as such.
    this.#ledger.sent(engine, isRecorded || (channel === "control" && header.msg_type.endsWith(REQUEST_SUFFIX)) ? header.msg_id : undefined, bytes);
  }

  /** What has a reply may go without the code that its engine has. */
  #sifted(frames: readonly Frame[], { buffers }: RawMessage, header: Header, engine: string): readonly Frame[] {
    if (buffers.length < 2 || this.#parts.channel === "control" || !RECORDED_REQUESTS.has(header.msg_type)) return frames;
    const sifted = this.#sieve.sift(engineUuid(engine), header.msg_id, buffers);
    return sifted === buffers ? frames : [...frames.slice(0, frames.length - buffers.length), ...sifted];
  }

  #refusal(engine: string, bytes: number): string | undefined {
    if (!this.#ledger.has(engine)) return `no engine '${engine}' is registered`;
    if (this.#ledger.hasRoom(engine, bytes)) return undefined;
    return `engine '${engine}' does not answer: ${this.#ledger.owed(engine)} bytes of requests wait for it, and no more than ${this.#ledger.bytesMax} may`;
  }

  #refuse(raw: RawMessage, header: Header, engine: string, reason: string): void {
    const { channel, clientSide, session, clock, drops, monitor } = this.#parts;
    drops.count(`${channel}.client`, "unknownEngine");
    // Python's client takes only apply and execute replies on mux; anything else would break its socket for good.
    const isAnswered = channel === "control" ? header.msg_type.endsWith(REQUEST_SUFFIX) : RECORDED_REQUESTS.has(header.msg_type);
    if (!isAnswered) return;
    const [client, target] = raw.idents as [Frame, Frame];
    const reply = session.build(replyType(header.msg_type), errorContent({ ename: "EngineError", evalue: reason }), {
      idents: [client, target],
      parent: header,
      metadata: { status: "error", engine, date: isoMicros(clock.now()) },
    });
    clientSide.send(reply);
    if (channel !== "mux") return;
    monitor.request("muxRequest", target, raw);
    monitor.reply("muxReply", target, header.msg_id, splitFrames(reply) as RawMessage);
  }

  #fromEngine(frames: Frame[]): void {
    this.#fromEngines += 1;
    const { channel, clientSide, session, engineSession, drops, monitor } = this.#parts;
    const opened = engineSession.openOnce(frames);
    if (!opened.ok) return drops.count(`${channel}.engine`, opened.reason);
    const [source, client] = opened.value.idents;
    if (source === undefined || client === undefined) return drops.count(`${channel}.engine`, "tooFewIdents");
    if (this.#isOurs(client)) return this.#forUs(source, opened.value);
    [frames[0], frames[1]] = [client, source];
    if (!clientSide.send(frames)) return drops.count(`${channel}.engine`, "queueFull");
    this.#forwarded += 1;
    const parent = session.unpack(opened.value.parentHeader);
    if (!isHeader(parent)) return;
    const engine = engineUuid(session.text.decode(source));
    this.#ledger.answered(engine, parent.msg_id);
    this.#sieve.answered(engine, parent.msg_id);
    if (channel === "mux" && RECORDED_REQUESTS.has(parent.msg_type)) monitor.reply("muxReply", source, parent.msg_id, opened.value);
  }
}
