import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SerializationError } from "../../../src/base/index.ts";
import { MissingCode } from "../../../src/engine/missing-code.ts";

let asked: string[];
let missing: MissingCode;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  missing = new MissingCode((id) => asked.push(id));
});
afterEach(() => {
  missing.close();
  vi.useRealTimers();
});

describe("code that is missing", () => {
  it("is asked for once and handed to the request it was asked for", async () => {
    const [a, b] = [missing.fetch("a"), missing.fetch("b")];
    const frame = Uint8Array.of(1);
    missing.arrived("nobody's", [frame]);
    missing.arrived("b", [frame]);
    missing.arrived("a", []);
    expect([await a, await b, asked]).toEqual([[], [frame], ["a", "b"]]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(2);
  });

  it("is asked for again while there is no answer, and given up in the end", async () => {
    const code = missing.fetch("a");
    const outcome = code.catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked).toEqual(["a", "a"]);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(await outcome).toBeInstanceOf(SerializationError);
    expect(asked).toHaveLength(300);
  });

  it("that the controller does not have either fails with what to do", async () => {
    const code = missing.fetch("a");
    missing.arrived("a", undefined);
    await expect(code).rejects.toMatchObject({ remedy: "send the call again" });
  });

  it("is not asked for by an engine that ends", async () => {
    void missing.fetch("a");
    missing.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual(["a"]);
  });
});
