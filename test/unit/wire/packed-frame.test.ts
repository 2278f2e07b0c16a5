import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPacked, packedBytes, packMessages, unpackMessages, writeHead, writeMessage, type Frame } from "../../../src/wire/index.ts";

const message = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 9 });
const sum = (messages: readonly (readonly Frame[])[]): number => messages.reduce((bytes, one) => bytes + packedBytes(one), 0);
const pack = (messages: readonly (readonly Frame[])[]): Frame => packMessages(messages, sum(messages), (length) => new Uint8Array(length).fill(0xaa));

describe("a packed frame", () => {
  it("gives back the messages that were packed, each behind the prefix, and has exactly the length that was told", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 2 }), (messages, prefix) => {
        const packed = pack(messages);
        expect(packed.length).toBe(8 + sum(messages));
        expect(isPacked(packed)).toBe(true);
        expect(unpackMessages(packed, prefix)).toEqual(messages.map((one) => [...prefix, ...one]));
      }),
    );
  });

  it("is the same when it is written message by message", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), (messages) => {
        const target = new Uint8Array(8 + sum(messages));
        let at = writeHead(target);
        for (const one of messages) at = writeMessage(target, at, one);
        expect(at).toBe(target.length);
        expect(target).toEqual(pack(messages));
      }),
    );
  });

  it("begins with NUL, TSP and the version, and its numbers are little-endian", () => {
    expect(Buffer.from(pack([[Uint8Array.of(7, 8), new Uint8Array(0)]])).toString("hex")).toBe(
      `0054535001000000${"02000000"}${"02000000"}${"00000000"}${"0708"}`,
    );
  });

  it("is not mistaken for a frame of the protocol", () => {
    for (const text of ["", "<IDS|MSG>", "{}", "engine.0.status", "\0TSP"]) expect(isPacked(Buffer.from(text))).toBe(false);
  });

  it("that is cut short or damaged gives nothing, or whole messages, and never more bytes than it has", () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), fc.nat(), fc.nat(255), fc.boolean(), (messages, position, byte, cuts) => {
        const whole = pack(messages);
        const at = 8 + (position % (whole.length - 8));
        const damaged = cuts ? whole.subarray(0, at) : whole.with(at, byte);
        const read = unpackMessages(damaged);
        if (read === undefined) return;
        expect(8 + sum(read)).toBe(damaged.length);
      }),
      { numRuns: 500 },
    );
  });

  it("whose numbers are huge is refused without taking memory", () => {
    for (const numbers of [[0xffffffff], [1, 0xffffffff], [0x3fffffff, 1], [0]]) {
      const packed = new Uint8Array(8 + 4 * numbers.length);
      writeHead(packed);
      const view = new DataView(packed.buffer);
      for (const [i, number] of numbers.entries()) view.setUint32(8 + 4 * i, number, true);
      expect(unpackMessages(packed)).toBeUndefined();
    }
  });

  it("of texts is a text", () => {
    const text = (length: number): Frame => new Uint8Array(length).fill(0x61);
    const packed = pack([
      [text(0), text(127), text(128)],
      [text(300), text(16_384)],
    ]);
    expect(packed.every((byte) => byte < 0x80)).toBe(true);
  });
});
