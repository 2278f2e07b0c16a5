// The recorded messages of test/fixtures/golden: what ipyparallel's own programs sent each other, step by step, with the
// key they were signed with. `npm run golden` records them anew.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DELIMITER, type Dict, type Frame } from "../../src/wire/index.ts";

const FOLDER = resolve(dirname(fileURLToPath(import.meta.url)), "../fixtures/golden");

/** Serialisation of the four dictionaries that the recorded programs used. */
export type Packer = "json" | "orjson";
export const PACKERS: readonly Packer[] = ["json", "orjson"];

/** One place where a message was seen. */
export interface Hop {
  readonly at: "client" | "controller" | "engine" | "nanny";
  readonly way: "in" | "out";
  /** Kind of the socket. */
  readonly socket: string;
  /** Frames before the delimiter, as that place saw or wrote them. */
  readonly prefix: readonly Frame[];
}

/** A message; its bytes from the delimiter on were the same at all its hops. */
export interface Recorded {
  readonly channel: string;
  /** `msg_type`; `heartbeat` for the one frame of a ping or pong. */
  readonly type: string;
  readonly hops: readonly Hop[];
  /** From the signature on; of a heartbeat the one frame. */
  readonly frames: readonly Frame[];
  readonly header: Dict;
  readonly parent: Dict;
  readonly metadata: Dict;
  readonly content: Dict;
  readonly buffers: readonly Frame[];
}

/** What went over the wire in one step. */
export interface Recording {
  readonly step: string;
  readonly packer: Packer;
  readonly key: string;
  readonly scheme: string;
  /** Versions of the programs. */
  readonly recordedWith: Readonly<Record<string, string>>;
  readonly messages: readonly Recorded[];
}

type StoredFrame = string | { readonly base64: string };
interface StoredMessage {
  readonly channel: string;
  readonly type: string;
  readonly hops: readonly (Omit<Hop, "prefix"> & { readonly prefix: readonly StoredFrame[] })[];
  readonly frames: readonly StoredFrame[];
}

const frameOf = (stored: StoredFrame): Frame => (typeof stored === "string" ? Buffer.from(stored, "utf8") : Buffer.from(stored.base64, "base64"));
const dictOf = (frame: Frame | undefined): Dict => JSON.parse(Buffer.from(frame ?? []).toString("utf8")) as Dict;

function restore(stored: StoredMessage): Recorded {
  const frames = stored.frames.map(frameOf);
  const hops = stored.hops.map((hop) => ({ ...hop, prefix: hop.prefix.map(frameOf) }));
  const dicts =
    stored.type === "heartbeat"
      ? { header: {}, parent: {}, metadata: {}, content: {} }
      : { header: dictOf(frames[1]), parent: dictOf(frames[2]), metadata: dictOf(frames[3]), content: dictOf(frames[4]) };
  return { channel: stored.channel, type: stored.type, hops, frames, ...dicts, buffers: frames.slice(5) };
}

/** Names of all steps. */
export function steps(packer: Packer): string[] {
  return readdirSync(join(FOLDER, packer))
    .map((name) => name.replace(/\.json$/, ""))
    .toSorted();
}

/** Reads one step. */
export function recording(packer: Packer, step: string): Recording {
  const file = JSON.parse(readFileSync(join(FOLDER, packer, `${step}.json`), "utf8")) as Omit<Recording, "messages"> & { readonly messages: StoredMessage[] };
  return { ...file, step, packer, messages: file.messages.map(restore) };
}

/** Every recorded message, with its step. */
export function everyRecorded(packer: Packer): { readonly step: string; readonly message: Recorded }[] {
  return steps(packer).flatMap((step) => recording(packer, step).messages.map((message) => ({ step, message })));
}

/** The message of a type in a step; `nth` counts from 0. */
export function theRecorded(found: Recording, type: string, channel?: string, nth = 0): Recorded {
  const fitting = found.messages.filter((message) => message.type === type && (channel === undefined || message.channel === channel));
  const message = fitting[nth];
  if (message === undefined) throw new Error(`${found.packer}/${found.step} holds ${fitting.length} messages ${type}, not ${nth + 1}`);
  return message;
}

/** Whole multipart message as a place saw it. */
export function wholeFrames(message: Recorded, prefix: readonly Frame[] = []): Frame[] {
  return message.type === "heartbeat" ? [...prefix, ...message.frames] : [...prefix, DELIMITER, ...message.frames];
}
