// Every message that ipyparallel's programs were recorded sending: read by our wire code, and built by it again, byte for byte.

import { describe, expect, it } from "vitest";
import { hmacSigner } from "../../../src/net/index.ts";
import type { Dict, Header, Session } from "../../../src/wire/index.ts";
import { everyRecorded, PACKERS, recording, wholeFrames, type Packer, type Recorded } from "../../support/recordings.ts";
import { testSession } from "../../support/sessions.ts";

const text = (frame: Uint8Array | undefined): string => Buffer.from(frame ?? []).toString("utf8");
const hex = (frames: readonly Uint8Array[]): string[] => frames.map((frame) => Buffer.from(frame).toString("hex"));
const KEY = recording("json", "connection").key;
const session = (): Session => testSession({ key: KEY });
const isSigned = ({ message }: { readonly message: Recorded }): boolean => message.type !== "heartbeat";

/** Where a message goes, as one text. */
const directions = (message: Recorded): string[] =>
  message.hops.filter((hop) => hop.way === "in").map((hop) => `${message.channel} ${message.type} at ${hop.at === "nanny" ? "engine" : hop.at}`);

const EXPECTED = [
  ...["connection", "queue", "load", "result", "history", "db", "purge", "resubmit", "shutdown", "become_dask", "stop_distributed"].flatMap((name) => [
    `registration ${name}_request at controller`,
    `registration ${name}_reply at client`,
  ]),
  "registration registration_request at controller",
  "registration registration_reply at engine",
  "registration unregistration_request at controller",
  "registration hub_error at client",
  ...["registration", "unregistration", "shutdown"].map((name) => `notification ${name}_notification at client`),
  "hb_pong heartbeat at controller",
  ...[
    ...["apply", "execute", "kernel_info", "comm_info", "is_complete", "complete", "inspect", "history"].map((name) => `mux ${name}`),
    ...["clear", "abort", "shutdown", "kernel_info", "interrupt"].map((name) => `control ${name}`),
  ].flatMap((name) => [`${name}_request at engine`, `${name}_reply at client`]),
  ...["comm_open", "comm_msg", "comm_close"].map((name) => `mux ${name} at engine`),
  "mux sing_request at engine",
  "control sing_request at engine",
  "control signal_request at engine",
  "control _request at client",
  ...["task apply", "task execute", "broadcast apply", "broadcast execute"].flatMap((name) => [
    `${name}_request at controller`,
    `${name}_request at engine`,
    `${name}_reply at controller`,
    `${name}_reply at client`,
  ]),
  ...[
    "status",
    "stream",
    "execute_input",
    "execute_result",
    "display_data",
    "update_display_data",
    "clear_output",
    "error",
    "data_message",
    "comm_open",
    "comm_msg",
    "comm_close",
    "shutdown_reply",
    "iopub_welcome",
  ].map((name) => `iopub ${name} at client`),
];

describe.each(PACKERS)("messages recorded with the packer %s", (packer) => {
  const all = everyRecorded(packer);

  it("are of every type that the protocol has, in both directions", () => {
    const recorded = new Set(all.flatMap(({ message }) => directions(message)));
    expect(EXPECTED.filter((direction) => !recorded.has(direction))).toEqual([]);
  });

  it("are read completely: prefix, signature, dictionaries, buffers", () => {
    for (const { message } of all.filter(isSigned)) {
      for (const hop of message.hops) {
        const parsed = session().parse(wholeFrames(message, hop.prefix));
        if (!parsed.ok) throw new Error(`${message.channel} ${message.type} at ${hop.at} was dropped: ${parsed.reason}`);
        const { idents, header, parentHeader, metadata, content, buffers } = parsed.value;
        expect(hex(idents)).toEqual(hex(hop.prefix));
        expect({ header, parentHeader, metadata, content }).toEqual({
          header: message.header,
          parentHeader: message.parent,
          metadata: message.metadata,
          content: message.content,
        });
        expect(hex(buffers)).toEqual(hex(message.buffers));
      }
    }
  });

  it("carry the very signature that our signer makes", () => {
    const signer = hmacSigner(KEY, "hmac-sha256");
    for (const { message } of all.filter(isSigned)) {
      const [signature, header, parent, metadata, content] = message.frames as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
      expect(text(signer.sign(header, parent, metadata, content))).toBe(text(signature));
    }
  });

  it("are dropped when one byte of a signed frame is changed, under another key, and when they come twice", () => {
    for (const { message } of all.filter(isSigned)) {
      for (const index of [1, 2, 3, 4, 5]) {
        const frames = wholeFrames(message).map((frame) => Uint8Array.from(frame));
        const frame = frames[index] as Uint8Array;
        frame[frame.length >> 1] = (frame[frame.length >> 1] as number) ^ 1;
        expect(session().parse(frames)).toEqual({ ok: false, reason: "badSignature" });
      }
      expect(testSession({ key: "another" }).parse(wholeFrames(message))).toEqual({ ok: false, reason: "badSignature" });
      const once = session();
      expect(once.parse(wholeFrames(message)).ok).toBe(true);
      expect(once.parse(wholeFrames(message))).toEqual({ ok: false, reason: "duplicate" });
    }
  });

  it("13.3: have headers of the six fields, in this order, of version 5.x", () => {
    for (const { message } of all.filter(isSigned)) {
      expect(Object.keys(message.header).toSorted()).toEqual(["date", "msg_id", "msg_type", "session", "username", "version"]);
      expect(message.header["version"]).toMatch(/^5\.\d+$/);
      expect(message.header["date"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    }
    const own = session().header("apply_request");
    expect(Object.keys(all.find(isSigned)?.message.header ?? {})).toEqual(Object.keys(own));
    expect(own.date).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });
});

/** Values that Python writes with a point and JavaScript without: `30.0`, `0.0`. */
const hasWholeFloat = (message: Recorded): boolean => message.frames.slice(1, 5).some((frame) => /[:[,] ?-?\d+\.0[,\]}]/.test(text(frame)));
/** Engine ids as keys, which JavaScript moves to the front of a dictionary. */
const hasIdKey = (message: Recorded): boolean => /"\d+": ?/.test(text(message.frames[4]));
/** A `load_reply` has keys of bytes, which orjson refuses: its sender falls back on the other packer, message by message. */
const isFallback = (message: Recorded): boolean => message.type === "load_reply";
/** What each packer writes in its own way is read below. */
const ODD_STEP = "mux-odd-values";
const isExact = ({ step, message }: { readonly step: string; readonly message: Recorded }): boolean =>
  step !== ODD_STEP && message.type !== "heartbeat" && !hasWholeFloat(message) && !hasIdKey(message) && !isFallback(message);

const rebuilt = (message: Recorded, prefix: readonly Uint8Array[]): Uint8Array[] =>
  session().build(message.type, message.content, {
    header: message.header as Header,
    idents: prefix,
    buffers: message.buffers,
    metadata: message.metadata,
    parent: message.parent,
  });

describe("our session, given the facts of a recorded message", () => {
  it("makes the very frames that Python made with orjson", () => {
    const exact = everyRecorded("orjson").filter(isExact);
    expect(exact.length).toBeGreaterThan(150);
    for (const { message } of exact) {
      for (const { prefix } of message.hops) expect(hex(rebuilt(message, prefix))).toEqual(hex(wholeFrames(message, prefix)));
    }
  });

  it("differs only in `1.0` for `1` where Python sent a whole number as a float", () => {
    const floats = everyRecorded("orjson").filter((one) => isSigned(one) && hasWholeFloat(one.message));
    expect(floats.map(({ message }) => message.type)).toContain("apply_request");
    for (const { message } of floats) {
      const ours = rebuilt(message, []).slice(2, 6).map(text);
      expect(ours).toEqual(message.frames.slice(1, 5).map((frame) => text(frame).replaceAll(/([:[,]-?\d+)\.0(?=[,\]}])/g, "$1")));
    }
  });

  it("differs only in the order of the keys where engine ids are keys", () => {
    const keyed = everyRecorded("orjson").filter(({ step, message }) => step !== ODD_STEP && hasIdKey(message));
    expect(keyed.map(({ message }) => message.type)).toContain("queue_reply");
    for (const { message } of keyed) {
      const ours = rebuilt(message, []).slice(2, 6).map(text);
      expect(ours.slice(0, 3)).toEqual(message.frames.slice(1, 4).map(text));
      const letters = (content: string | undefined): string[] => (content ?? "").split("").toSorted();
      expect(letters(ours[3])).toEqual(letters(text(message.frames[4])));
    }
  });

  it("with Python's json packer differs only in the blank after colon and comma", () => {
    for (const { message } of everyRecorded("json").filter(isExact)) {
      const ours = rebuilt(message, []).slice(2, 6);
      const theirs = message.frames.slice(1, 5);
      expect(ours.map((frame) => JSON.parse(text(frame)) as unknown)).toEqual(theirs.map((frame) => JSON.parse(text(frame)) as unknown));
      expect(ours.map((frame) => text(frame).replaceAll(/[\s]/g, ""))).toEqual(theirs.map((frame) => text(frame).replaceAll(/[\s]/g, "")));
    }
  });
});

/** Values of Python programs as our session reads them, by packer where they differ. */
const ODD_VALUES: Readonly<Record<string, Readonly<Record<Packer, unknown>> | { readonly both: unknown }>> = {
  time: { both: "2026-01-02T03:04:05.000006Z" },
  "whole second": { both: "2026-01-02T03:04:05Z" },
  zone: { both: "2026-01-02T03:04:05.000006+01:00" },
  bytes: { both: "YWJj/w==" },
  nan: { json: "nan", orjson: null },
  infinity: { json: "inf", orjson: null },
  "whole float": { both: 2 },
  "small float": { both: 1e-7 },
  "64 bits": { both: 2 ** 63 },
  "more bits": { both: 2 ** 70 },
  "number as key": { both: { "1": 2 } },
  set: { both: [1] },
  numpy: { both: 1.5 },
  unicode: { both: "h\u00e9\u2028\u{1f600}\0\x7f" },
  "no unicode": { both: "a\ufffd" },
};

describe.each(PACKERS)("odd values that Python packed with %s", (packer) => {
  const published = recording(packer, ODD_STEP).messages.filter(({ type }) => type === "display_data");
  const nameOf = ({ content }: { readonly content: Dict }): string => (content["data"] as { readonly "text/plain": string })["text/plain"];

  it("are read, those that are no JSON of ours or no UTF-8 included", () => {
    const read = published.map((message) => {
      const parsed = session().parse(wholeFrames(message));
      if (!parsed.ok) throw new Error(`${nameOf(message)} was dropped: ${parsed.reason}`);
      return [nameOf(message), parsed.value.content["value"]];
    });
    const expected = Object.entries(ODD_VALUES).map(([name, value]) => [name, "both" in value ? value.both : value[packer]]);
    expect(read).toEqual(expected);
  });

  it("make orjson leave a message to the other packer, which puts blanks, only where it must", () => {
    const blank = published.filter(({ frames }) => text(frames[4]).includes(`"data": `)).map(nameOf);
    expect(blank).toEqual(packer === "json" ? Object.keys(ODD_VALUES) : ["more bits", "number as key", "no unicode"]);
  });
});

it.each(PACKERS)("a pong is the ping's frame behind the engine's uuid (%s)", (packer: Packer) => {
  const { messages } = recording(packer, "registration");
  const [ping] = messages.filter(({ channel }) => channel === "hb_ping");
  const pongs = messages.filter(({ channel }) => channel === "hb_pong");
  const uuids = messages.filter(({ type }) => type === "registration_request").map(({ content }) => content["uuid"]);
  expect(pongs).toHaveLength(1);
  expect(text(ping?.frames[0])).toMatch(/^\d+\.\d+$/);
  expect(hex(pongs[0]?.frames ?? [])).toEqual(hex(ping?.frames ?? []));
  expect(uuids).toContain(text(pongs[0]?.hops[0]?.prefix[0]));
});
