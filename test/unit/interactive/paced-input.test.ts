import { once } from "node:events";
import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PacedInput } from "../../../src/interactive/paced-input.ts";

interface Desk {
  readonly keyboard: PassThrough;
  readonly input: PacedInput;
  /** What was given, piece by piece. */
  readonly given: string[];
  readonly type: (keys: string) => Promise<void>;
}

/** A reader of the input; `onLine` is called for each piece that ends a line, within its delivery. */
async function desk(onLine: (input: PacedInput, line: string) => void = () => undefined): Promise<Desk> {
  const keyboard = new PassThrough();
  const input = new PacedInput(keyboard);
  const given: string[] = [];
  input.on("data", (chunk: Buffer) => {
    given.push(chunk.toString());
    if (/[\r\n]$/.test(chunk.toString())) onLine(input, chunk.toString());
  });
  await turn();
  return {
    keyboard,
    input,
    given,
    type: async (keys) => {
      keyboard.write(keys);
      await turn();
    },
  };
}

describe("input that is paced", () => {
  it("gives one line and keeps the next ones until the line has been dealt with", async () => {
    const { input, given, type } = await desk((held) => held.hold());
    await type("let a = 1\rlet b = 2\rb");
    expect(given).toEqual(["let a = 1\r"]);
    input.release();
    expect(given).toEqual(["let a = 1\r", "let b = 2\r"]);
    await type("ye\r");
    input.release();
    expect(given.slice(2)).toEqual(["b", "ye\r"]);
  });

  it("gives keys at once while nothing runs", async () => {
    const { given, type } = await desk();
    await type("a");
    await type("b\u001b[D");
    expect(given).toEqual(["a", "b\u001b[D"]);
  });

  it("forgets what waits", async () => {
    const { input, given, type } = await desk((held) => held.hold());
    await type("loop()\r1\r2\r");
    input.forget();
    input.release();
    await type("3\r");
    expect(given).toEqual(["loop()\r", "3\r"]);
  });

  it("ends with the keyboard's end, also in the middle of a cell", async () => {
    const { keyboard, input } = await desk((held) => held.hold());
    keyboard.write("forever()\r1\r");
    keyboard.end();
    await once(input, "end");
    expect(input.readableEnded).toBe(true);
  });

  it("lets the keyboard wait when a megabyte is held, and reads on then", async () => {
    const { keyboard, input, given, type } = await desk((held) => held.hold());
    await type(`go()\r${"x".repeat(1024 * 1024)}\r`);
    await type("y\r");
    expect(keyboard.isPaused()).toBe(true);
    input.release();
    input.release();
    await turn();
    expect(keyboard.isPaused()).toBe(false);
    expect(given.at(-1)).toBe("y\r");
  });

  it("destroys the keyboard with itself, so that the process can end", async () => {
    const { keyboard, input } = await desk();
    input.destroy();
    await turn();
    expect(keyboard.destroyed).toBe(true);
  });

  it("loses, doubles and reorders nothing, however the keys come and the lines take", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: fc.constantFrom("a", "é", "\r", "\n", "\r\n"), maxLength: 12 }), { maxLength: 8 }), async (chunks) => {
        const { input, given, type } = await desk((held) => {
          held.hold();
          setImmediate(() => held.release());
        });
        for (const chunk of chunks) await type(chunk);
        const all = chunks.join("");
        for (let i = 0; given.join("").length < all.length && i < 1000; i++) await turn();
        expect(given.join("")).toBe(all);
        expect(given.every((piece) => !/[\r\n]./s.test(piece.replace(/\r\n$/, "\n")))).toBe(true);
        input.destroy();
      }),
    );
  });
});
