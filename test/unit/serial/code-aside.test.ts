import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noteCode, packCall, packValue, unpackCall, unpackCallNow, unpackValue } from "../../../src/serial/index.ts";
import { codeKeyOf, countCodeFrames, type Frame } from "../../../src/wire/index.ts";
import { longFunction } from "../../support/long-function.ts";
import { engineEnv, received } from "./support.ts";

let seed = 0;
/** A function that nobody has seen: what was built once stays in the cache of this process. */
const fresh = (): ((x: number) => number) => longFunction((seed += 1));
const env = engineEnv();

/** The frames of a call, cut into what it is and the code of its functions. */
function packed(fn: unknown, ...args: readonly unknown[]): { readonly frames: Frame[]; readonly own: Frame[]; readonly code: Frame[] } {
  const frames = received(packCall(fn, args));
  const at = frames.length - countCodeFrames(frames);
  return { frames, own: frames.slice(0, at), code: frames.slice(at) };
}

describe("the code of a long function", () => {
  it("is a frame of its own behind the others, once for each text; that of a short one is not", async () => {
    const long = fresh();
    expect(packed((x: number) => x + 1, 1).code).toEqual([]);
    const { own, code, frames } = packed(long, 1);
    expect(own[0]?.length).toBeLessThan(200);
    expect(code.map((frame) => Buffer.from(frame).includes("case 39"))).toEqual([true]);
    const { code: shared } = packed((a: number) => a, [long, long, new Float64Array(500)]);
    expect(shared.map(codeKeyOf)).toEqual(code.map(codeKeyOf));
    const call = await unpackCall(frames, env);
    expect(call.fn(...call.args)).toBe(1 + seed);
  });

  it("stays inside a value, which may go where nobody can be asked", () => {
    const frames = received(packValue({ f: fresh() }));
    expect([frames.length, countCodeFrames(frames)]).toEqual([1, 0]);
    expect((unpackValue(frames, env) as { f: (x: number) => number }).f(0)).toBe(seed);
  });

  it("may be left out once it was seen", () => {
    const { own, frames } = packed(fresh(), 1);
    expect(unpackCallNow(own, env)).toBeUndefined();
    expect(unpackCallNow(frames, env)?.fn(1)).toBe(1 + seed);
    expect(unpackCallNow(own, env)?.fn(1)).toBe(1 + seed);
  });

  it("is fetched when it is missing, and only then", async () => {
    const { own, code, frames } = packed(fresh(), 1);
    await expect(unpackCall(own, env)).rejects.toThrow("the code of a function was left out");
    await expect(unpackCall(own, env, () => Promise.resolve([]))).rejects.toThrow("the code of a function was left out");
    expect((await unpackCall(own, env, () => Promise.resolve(code))).fn(1)).toBe(1 + seed);
    const never = (): never => {
      throw new Error("asked");
    };
    for (const known of [own, frames]) expect((await unpackCall(known, env, never)).fn(1)).toBe(1 + seed);
  });

  it("is kept when its call is only noted; what is no call of ours, or damaged, is passed over", () => {
    const { own, code, frames } = packed(fresh(), 1);
    for (const odd of [[], own, [...own, new Uint8Array(30)], [new Uint8Array(3), ...code], [Uint8Array.of(0x80), ...code]]) noteCode(odd);
    expect(unpackCallNow(own, env)).toBeUndefined();
    noteCode(frames);
    expect(unpackCallNow(own, env)?.fn(1)).toBe(1 + seed);
  });

  it("that was damaged, or is none of this call, is refused", async () => {
    const { own, code } = packed(fresh(), 1);
    const damaged = Uint8Array.from(code[0] as Frame);
    damaged[200] = (damaged[200] as number) ^ 1;
    await expect(unpackCall([...own, damaged], env)).rejects.toThrow("damaged");
    await expect(unpackCall([...own, ...code, new Uint8Array(40)], env)).rejects.toThrow("left over");
    await expect(unpackCall([...own, ...packed(fresh(), 1).code], env)).rejects.toThrow("left out");
  });
});

describe("code frames of a message", () => {
  it("are told only where the message is a whole call of ours", () => {
    const { frames } = packed((a: unknown) => a, [fresh(), new Float64Array(500)]);
    expect([frames.length, countCodeFrames(frames)]).toEqual([3, 1]);
    expect(
      [[], frames.slice(0, 2), [...frames, new Uint8Array(100)], frames.slice(1), [Uint8Array.of(0x80, 4), new Uint8Array(9)]].map(countCodeFrames),
    ).toEqual([0, 0, 0, 0, 0]);
  });

  it("may be left out in any choice: what is missing is fetched, and the call is the same", async () => {
    const choice = fc.array(fc.record({ goes: fc.boolean(), isKnown: fc.boolean() }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(choice, async (codes) => {
        const functions = codes.map(() => fresh());
        const last = seed;
        const all = (fs: ((x: number) => number)[]): number[] => fs.map((f) => f(0));
        for (const [i, { isKnown }] of codes.entries()) if (isKnown) await unpackCall(packed(functions[i], 0).frames, env);
        const { own, code } = packed(all, functions);
        expect(code.length).toBe(codes.length);
        const call = await unpackCall([...own, ...code.filter((_, i) => codes[i]?.goes === true)], env, () => Promise.resolve(code));
        expect(call.fn(...call.args)).toEqual(codes.map((_, i) => last - codes.length + 1 + i));
      }),
      { numRuns: 15 },
    );
  });
});
