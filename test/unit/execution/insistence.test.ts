// How the side thread sees to it that a request ends: how often it tries, what it takes for the end, and when it gives up.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Insistence } from "../../../src/execution/side/insistence.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Main {
  running: number;
  /** Cuts that the request needs, then what it left behind. */
  cutsNeeded: number;
  leftovers: number;
  isClosing?: boolean;
  /** The main thread answers no question at all. */
  isDeaf?: boolean;
}

/** A main thread that runs request 7 in a loop which is cut only now and then. */
function setUp(main: Main) {
  const log: string[] = [];
  const insistence: Insistence = new Insistence({
    runningSerial: () => main.running,
    isClosing: () => main.isClosing === true,
    cut: async (serial) => {
      log.push(`cut ${serial}`);
      if (main.isDeaf === true) await new Promise(() => {});
      if (main.running === 7 && (main.cutsNeeded -= 1) <= 0) main.running = 0;
      else if (main.running === 0 && (main.leftovers -= 1) === 0) insistence.turned();
    },
    ping: () => {
      log.push("ping");
      // What a request left in Node's queue goes on behind the first sign.
      if (main.leftovers <= 0 || log.filter((line) => line === "ping").length === 1) setTimeout(() => insistence.turned(), 1);
    },
  });
  return { insistence, log };
}

describe("insisting", () => {
  it("does nothing to a request that ends in its time of grace, but looks whether the main thread is free", async () => {
    const main: Main = { running: 7, cutsNeeded: 1, leftovers: 0 };
    const { insistence, log } = setUp(main);
    const end = insistence.end(7, false);
    main.running = 0;
    await vi.advanceTimersByTimeAsync(250);
    expect(await end).toBe(true);
    expect(log).toEqual(["ping", "ping"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("tries again, quickly, until the request has ended", async () => {
    const { insistence, log } = setUp({ running: 7, cutsNeeded: 20, leftovers: 0 });
    const end = insistence.end(7, true);
    await vi.advanceTimersByTimeAsync(200 + 20 * 5 + 10);
    expect(await end).toBe(true);
    expect(log.filter((line) => line === "cut 7")).toHaveLength(20);
  });

  it("cuts what a request has left behind, which lets one sign of life pass and not the second", async () => {
    const { insistence, log } = setUp({ running: 0, cutsNeeded: 0, leftovers: 2 });
    const free = insistence.free();
    await vi.advanceTimersByTimeAsync(500);
    expect(await free).toBe(true);
    expect(log).toEqual(["ping", "ping", "cut -1", "cut -1", "ping"]);
  });

  it("leaves alone a request that has begun since", async () => {
    const main: Main = { running: 7, cutsNeeded: 1, leftovers: 5 };
    const { insistence, log } = setUp(main);
    const end = insistence.end(7, false);
    main.running = 8;
    await vi.advanceTimersByTimeAsync(200);
    expect(await end).toBe(true);
    expect(log).toEqual([]);
  });

  it.each<[string, Partial<Main>]>([
    ["that is never cut", { cutsNeeded: Infinity }],
    ["whose main thread answers nothing", { isDeaf: true }],
  ])("gives up on a request %s after ten seconds, and says so", async (_, facts) => {
    const { insistence } = setUp({ running: 7, cutsNeeded: 1, leftovers: 0, ...facts });
    const end = insistence.end(7, true);
    await vi.advanceTimersByTimeAsync(10_300);
    expect(await end).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("gives up on what a request left behind after ten seconds", async () => {
    const { insistence } = setUp({ running: 0, cutsNeeded: 0, leftovers: Infinity });
    const free = insistence.free();
    await vi.advanceTimersByTimeAsync(10_300);
    expect(await free).toBe(false);
  });

  it("ends with the engine", async () => {
    const main: Main = { running: 7, cutsNeeded: Infinity, leftovers: 0 };
    const { insistence } = setUp(main);
    const end = insistence.end(7, false);
    await vi.advanceTimersByTimeAsync(1000);
    main.isClosing = true;
    await vi.advanceTimersByTimeAsync(10);
    expect(await end).toBe(true);
  });
});
