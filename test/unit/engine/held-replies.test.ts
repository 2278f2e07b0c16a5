import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HELD_BYTES_MAX, HeldReplies, takeHeld } from "../../../src/engine/held-replies.ts";
import { SHARED, SHARED_BYTES } from "../../../src/engine/side/side-protocol.ts";
import { unpackMessages, type Frame } from "../../../src/wire/index.ts";

interface Setup {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly held: HeldReplies;
  /** What was sent at a time. */
  readonly sent: string[][];
  readonly taken: string[];
  readonly watches: { count: number };
  readonly take: () => void;
}

const text = (frames: readonly Frame[]): string => frames.map((frame) => Buffer.from(frame).toString()).join("|");

function setUp(): Setup {
  const words = new Int32Array(new SharedArrayBuffer(SHARED_BYTES));
  const bytes = new Uint8Array(new SharedArrayBuffer(HELD_BYTES_MAX));
  const sent: string[][] = [];
  const taken: string[] = [];
  const watches = { count: 0 };
  const held = new HeldReplies({ words, bytes, send: (replies) => sent.push(replies.map(text)), watch: () => (watches.count += 1) });
  const take = (): void => {
    const packed = takeHeld(words, bytes);
    if (packed !== undefined) taken.push(...(unpackMessages(packed) ?? []).map(text));
  };
  return { words, bytes, held, sent, taken, watches, take };
}

const reply = (name: string): Frame[] => [Buffer.from(name), Buffer.from("x")];

describe("held replies", () => {
  it("leave together when the turn of the loop ends", async () => {
    const { held, sent } = setUp();
    held.add(reply("a"));
    held.add(reply("b"));
    expect(sent).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toEqual([["a|x", "b|x"]]);
    held.release();
    expect(sent.length).toBe(1);
  });

  it("ask once to be watched, until the watch has ended", () => {
    const { held, words, watches } = setUp();
    for (const name of ["a", "b"]) held.add(reply(name));
    held.release();
    held.add(reply("c"));
    expect(watches.count).toBe(1);
    Atomics.store(words, SHARED.heldWatched, 0);
    held.add(reply("d"));
    expect(watches.count).toBe(2);
  });

  it("that the side thread takes are not sent by the main thread as well", () => {
    const { held, sent, taken, take } = setUp();
    held.add(reply("a"));
    held.add(reply("b"));
    take();
    take();
    expect(taken).toEqual(["a|x", "b|x"]);
    held.add(reply("c"));
    held.release();
    expect(sent).toEqual([["c|x"]]);
    take();
    expect(taken.length).toBe(2);
  });

  it("leave at once when there are many or they are large", () => {
    const { held, sent, take, taken } = setUp();
    held.add(reply("small"));
    held.add([Buffer.alloc(HELD_BYTES_MAX, "y")]);
    expect(sent.map((replies) => replies.map((one) => one.length))).toEqual([[7, HELD_BYTES_MAX]]);
    for (let i = 0; i < 33; i += 1) held.add(reply(String(i)));
    expect(sent[1]?.length).toBe(33);
    take();
    expect(taken).toEqual([]);
  });

  it("are sent exactly once, in order of each way, whatever the two threads do one after the other", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("add", "release", "take"), { maxLength: 60 }), (steps) => {
        const { held, sent, taken, take } = setUp();
        const added: string[] = [];
        for (const step of steps) {
          if (step === "take") take();
          else if (step === "release") held.release();
          else {
            added.push(`${added.length}|x`);
            held.add(reply(String(added.length - 1)));
          }
        }
        held.release();
        const numbers = [...sent.flat(), ...taken].map((one) => Number.parseInt(one, 10)).toSorted((a, b) => a - b);
        expect(numbers).toEqual(added.map((_, i) => i));
        for (const way of [sent.flat(), taken]) expect(way).toEqual(way.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)));
      }),
    );
  });
});
