// A Session makes and reads messages for one process: it knows the process's session id, signs, checks, numbers and
// dates, and remembers signatures against replay. Pure: cryptography, text coding and time are handed in.

import { isoMicros, type Clock } from "../base/index.ts";
import { DigestHistory } from "./digest-history.ts";
import { DELIMITER, findDelimiter, framesBytes, splitFrames, type Frame, type RawMessage } from "./frames.ts";
import { isDict, isHeader, MAJOR_VERSION, majorVersion, type Dict, type DropReason, type Header, type Message } from "./message.ts";
import { PLATFORM_TEXT, type Signer, type TextCodec } from "./signing.ts";

/** Message specification spoken; only the major number is interpreted by peers. */
export const PROTOCOL_VERSION = "5.3";
/** Largest message accepted by default, in bytes over all frames. */
export const MESSAGE_BYTES_MAX: number = 4 * 1024 ** 3;

/** What a Session is made of. */
export interface SessionParts {
  /** Text for `header.session`; for engines also their uuid. */
  readonly sessionId: string;
  readonly username: string;
  readonly signer: Signer;
  readonly clock: Clock;
  /** Distinguishes processes in message ids, e.g. the process id. */
  readonly processTag: string;
  /** Default: the platform's TextEncoder and TextDecoder. */
  readonly text?: TextCodec;
  /** Signatures remembered against replay, default 65536; 0 none. */
  readonly digestHistorySize?: number;
  /** Messages larger than this many bytes are dropped; default `MESSAGE_BYTES_MAX`. */
  readonly messageBytesMax?: number;
}

/** What `build` may add to a message. */
export interface BuildOptions {
  readonly idents?: readonly Frame[];
  readonly parent?: Dict;
  readonly metadata?: Dict;
  readonly buffers?: readonly Frame[];
  /** A ready header, e.g. from `header()`, when the caller needs the id before sending. */
  readonly header?: Header;
}

/** Outcome of reading: the thing, or why it was dropped. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: DropReason };

const dropped = (reason: DropReason): { readonly ok: false; readonly reason: DropReason } => ({ ok: false, reason });

/** Makes and reads the messages of one process. */
export class Session {
  readonly sessionId: string;
  readonly signer: Signer;
  readonly text: TextCodec;
  readonly #parts: SessionParts;
  readonly #history: DigestHistory;
  readonly #emptyDict: Frame;
  #counter = 0;

  constructor(parts: SessionParts) {
    this.sessionId = parts.sessionId;
    this.signer = parts.signer;
    this.text = parts.text ?? PLATFORM_TEXT;
    this.#parts = parts;
    this.#history = new DigestHistory(parts.digestHistorySize);
    this.#emptyDict = this.text.encode("{}");
  }

  /** A fresh header of the given type: next message id, now. */
  header(msgType: string): Header {
    return {
      msg_id: `${this.sessionId}_${this.#parts.processTag}_${this.#counter++}`,
      msg_type: msgType,
      username: this.#parts.username,
      session: this.sessionId,
      date: isoMicros(this.#parts.clock.now()),
      version: PROTOCOL_VERSION,
    };
  }

  /** Packs and signs a message into frames, ready to send. */
  build(msgType: string, content: Dict, options: BuildOptions = {}): Frame[] {
    return this.#assemble(options.header ?? this.header(msgType), content, options);
  }

  /** Packs and signs again a message whose header or metadata a relay had to change. */
  rebuild(message: Message): Frame[] {
    return this.#assemble(message.header, message.content, {
      idents: message.idents,
      parent: message.parentHeader,
      metadata: message.metadata,
      buffers: message.buffers,
    });
  }

  /** The frames of a message, with this added to its metadata, and signed anew; those of one that cannot be read as they are. */
  withMetadata(frames: readonly Frame[], added: Dict): readonly Frame[] {
    const raw = splitFrames(frames);
    const metadata = raw === undefined ? undefined : this.unpack(raw.metadata);
    if (raw === undefined || metadata === undefined) return frames;
    const { idents, header, parentHeader, content, buffers } = raw;
    const packed = this.pack({ ...metadata, ...added });
    return [...idents, DELIMITER, this.signer.sign(header, parentHeader, packed, content), header, parentHeader, packed, content, ...buffers];
  }

  #assemble(head: Header, body: Dict, options: BuildOptions): Frame[] {
    const header = this.pack(head);
    const parent = options.parent === undefined ? this.#emptyDict : this.pack(options.parent);
    const metadata = options.metadata === undefined ? this.#emptyDict : this.pack(options.metadata);
    const content = this.pack(body);
    const signature = this.signer.sign(header, parent, metadata, content);
    const frames = [...(options.idents ?? []), DELIMITER, signature, header, parent, metadata, content];
    if (options.buffers !== undefined) for (const buffer of options.buffers) frames.push(buffer);
    return frames;
  }

  /** Cuts and authenticates: size, shape, signature. Unpacks nothing and remembers nothing (what relays need). */
  open(frames: readonly Frame[]): Parsed<RawMessage> {
    if (framesBytes(frames) > (this.#parts.messageBytesMax ?? MESSAGE_BYTES_MAX)) return dropped("oversized");
    const raw = splitFrames(frames);
    if (raw === undefined) return dropped(findDelimiter(frames) < 0 ? "noDelimiter" : "tooFewFrames");
    if (!this.signer.verify(raw.signature, raw.header, raw.parentHeader, raw.metadata, raw.content)) return dropped("badSignature");
    return { ok: true, value: raw };
  }

  /** `open`, and refuses a signature that was seen before (what relays need where nothing else tells a second copy). */
  openOnce(frames: readonly Frame[]): Parsed<RawMessage> {
    const opened = this.open(frames);
    if (opened.ok && !this.#admit(opened.value)) return dropped("duplicate");
    return opened;
  }

  /** Reads a message completely: `openOnce`, then unpacks the four dictionaries. */
  parse(frames: readonly Frame[]): Parsed<Message> {
    const opened = this.open(frames);
    if (!opened.ok) return opened;
    const raw = opened.value;
    const header = this.unpack(raw.header);
    const parentHeader = this.unpack(raw.parentHeader);
    const metadata = this.unpack(raw.metadata);
    const content = this.unpack(raw.content);
    if (header === undefined || parentHeader === undefined || metadata === undefined || content === undefined) return dropped("badJson");
    if (!isHeader(header)) return dropped("badHeader");
    if (majorVersion(header) !== MAJOR_VERSION) return dropped("badVersion");
    if (!this.#admit(raw)) return dropped("duplicate");
    return { ok: true, value: { idents: raw.idents, header, parentHeader, metadata, content, buffers: raw.buffers } };
  }

  /** Lets the message of this signature come again: it was given back to its sender unused. */
  forget(signature: Frame): void {
    this.#history.forget(this.text.decode(signature));
  }

  /** Packs one dictionary. */
  pack(dict: Dict): Frame {
    return this.text.encode(JSON.stringify(dict));
  }

  /** Unpacks one dictionary; `undefined` when it is not one. */
  unpack(frame: Frame): Dict | undefined {
    try {
      const value: unknown = JSON.parse(this.text.decode(frame));
      return isDict(value) ? value : undefined;
    } catch {
      // Whatever a peer sent that is not JSON is one case to the callers: not a dictionary.
      return undefined;
    }
  }

  #admit(raw: RawMessage): boolean {
    return !this.signer.isEnabled || this.#history.admit(this.text.decode(raw.signature));
  }
}
