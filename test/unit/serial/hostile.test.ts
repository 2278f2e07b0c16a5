import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { ParallelError } from "../../../src/base/index.ts";
import { packCall, packValue, unpackCall, unpackValues } from "../../../src/serial/index.ts";
import { engineEnv } from "./support.ts";

// Payloads of every form, damaged at random: reading them gives a value or one of our errors, and runs nothing.

class Item {
  n = 1;
}
const outer = { k: 2 };
const SAMPLES: readonly Uint8Array<ArrayBuffer>[][] = [
  packValue(1.5),
  packValue("text"),
  packValue({ a: 1 }),
  packValue([1n, new Map([[1, { a: [new Date(0)] }]]), new Uint8Array(3000)]),
  packValue({ f: () => outer, e: new TypeError("x", { cause: new Item() }), s: Symbol.for("s"), u: new URL("http://h/") }),
  packCall((x: number) => x + outer.k, [1, new Item(), Item]),
  packCall(() => 1, [1, "two"]),
].map((frames) => frames.map((frame) => Uint8Array.from(frame)));

const damage = fc.record({
  sample: fc.nat(SAMPLES.length - 1),
  edits: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
  cut: fc.option(fc.nat()),
  dropFrame: fc.boolean(),
});

function damaged({
  sample,
  edits,
  cut,
  dropFrame,
}: {
  sample: number;
  edits: readonly (readonly [number, number])[];
  cut: number | null;
  dropFrame: boolean;
}): Uint8Array[] {
  const frames: Uint8Array[] = (SAMPLES[sample] as Uint8Array<ArrayBuffer>[]).map((frame) => Uint8Array.from(frame));
  const first = frames[0] as Uint8Array;
  for (const [at, byte] of edits) first[at % first.length] = byte;
  if (cut !== null) frames[0] = first.subarray(0, cut % first.length);
  if (dropFrame) frames.pop();
  return frames;
}

describe("damaged payloads", () => {
  const env = { ...engineEnv({ x: () => 1 }), importModule: async () => ({}), evaluate: () => 1 };

  test("read as a value they give a value or a named error", () => {
    fc.assert(
      fc.property(damage, fc.boolean(), (how, isEngine) => {
        expect(foreignErrorOf(() => unpackValues(damaged(how), isEngine ? env : undefined))).toBeUndefined();
      }),
      { numRuns: 3000 },
    );
  });

  test("read as a call they give a call or a named error", async () => {
    await fc.assert(
      fc.asyncProperty(damage, async (how) => {
        const outcome = await unpackCall(damaged(how), env).then(
          (call) => typeof call.fn === "function",
          (error: unknown) => error instanceof ParallelError || error instanceof TypeError,
        );
        expect(outcome).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("random frames are refused in one sentence", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { minLength: 1, maxLength: 3 }), (frames) => {
        expect(() => unpackValues(frames)).toThrow(ParallelError);
      }),
    );
  });

  test("a function whose text was changed on the way is not built", async () => {
    const frames = packCall(() => "harmless text", []).map((frame) => Buffer.from(frame));
    const at = (frames[0] as Buffer).indexOf("harmless");
    (frames[0] as Buffer).write("harmfull", at);
    await expect(unpackCall(frames, env)).rejects.toThrow("the text of a function is damaged");
  });
});

/** What `run` threw, unless it is an error of ours. */
function foreignErrorOf(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof ParallelError ? undefined : error;
  }
}
