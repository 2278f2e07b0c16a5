// How the side thread stops a request: what it tells the main thread, and when it cuts in.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Canceller } from "../../../src/engine/side/canceller.ts";
import type { SideMessage } from "../../../src/engine/side/side-protocol.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A canceller, and a main thread that runs `running` and gives in when it was cut so often. */
function setUp(running: string | undefined, cutsNeeded = 0) {
  const log: string[] = [];
  let now = running;
  const canceller = new Canceller({
    post: (message: SideMessage) => log.push(message.type === "cancelled" ? `give up ${message.serial}` : message.type),
    runs: (ids) => now !== undefined && ids.includes(now),
    cut: async (ids) => {
      log.push(`cut ${ids.join(",")}`);
      if (log.filter((line) => line.startsWith("cut")).length >= cutsNeeded) now = undefined;
      return Promise.resolve(running !== undefined && ids.includes(running) ? `7 ${running}` : "");
    },
  });
  return { canceller, log };
}

describe("cancelling", () => {
  it("cuts nothing when the main thread stops the request by itself", async () => {
    const { canceller, log } = setUp("a");
    const answer = canceller.cancel(["a"], (token) => queueMicrotask(() => canceller.answered(token, "a")));
    expect(await answer).toEqual(["a"]);
    expect(log).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("cuts in when the main thread does not answer in time, as often as it needs, and has the request given up", async () => {
    const { canceller, log } = setUp("a", 2);
    const answer = canceller.cancel(["b", "a"], () => undefined);
    await vi.advanceTimersByTimeAsync(99);
    expect(log).toEqual([]);
    await vi.advanceTimersByTimeAsync(300);
    expect(await answer).toEqual(["a"]);
    expect(log).toEqual(["cut b,a", "give up 7", "cut b,a", "give up 7"]);
  });

  it("leaves alone what else the main thread runs, and answers without waiting for it", async () => {
    const { canceller, log } = setUp("somebody-else");
    const answer = canceller.cancel(["a"], () => undefined);
    await vi.advanceTimersByTimeAsync(100);
    expect(await answer).toEqual([]);
    expect(log).toEqual([]);
  });

  it("says so when the request cannot be stopped", async () => {
    const { canceller } = setUp("a", Infinity);
    const answer = canceller.cancel(["a"], () => undefined);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await answer).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("says so, too, when a cut does not come back", async () => {
    const canceller = new Canceller({ post: () => undefined, runs: () => true, cut: () => new Promise(() => undefined) });
    const answer = canceller.cancel(["a"], () => undefined);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await answer).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("takes an answer that comes late, or twice, for nothing", async () => {
    const { canceller } = setUp(undefined);
    const answer = canceller.cancel(["a"], () => undefined);
    await vi.advanceTimersByTimeAsync(100);
    expect(await answer).toEqual([]);
    canceller.answered(1, "a");
    canceller.answered(99, undefined);
  });
});
