import { describe, expect, it } from "vitest";
import { engineUuid, millis, type Millis } from "../../../../src/base/index.ts";
import { Hearts, type HeartEffect, type HeartEvent } from "../../../../src/core/hub/hearts.ts";

const T0 = 1_000_000;
const PERIOD_MS = 1000;
const A = engineUuid("a");
const B = engineUuid("b");

const at = (ms: number): Millis => millis(T0 + ms);

function machine(missesMax = 2): { hearts: Hearts; handle: (event: HeartEvent) => HeartEffect[] } {
  const hearts = new Hearts({ periodMs: PERIOD_MS, missesMax }, at(0));
  return {
    hearts,
    handle: (event) => {
      const effects = hearts.handle(event);
      hearts.validate();
      return effects;
    },
  };
}

const textOf = (effects: readonly HeartEffect[]): string => (effects.find((effect) => effect.type === "sendPing") as { text: string }).text;

/** Lets a heart beat for the first time and gives the machine at time 10. */
function beating(missesMax?: number): ReturnType<typeof machine> {
  const made = machine(missesMax);
  made.handle({ type: "watched", at: at(0), uuid: A });
  const text = textOf(made.handle({ type: "ticked", at: at(10) }));
  made.handle({ type: "ponged", at: at(11), uuid: A, text });
  return made;
}

describe("hearts", () => {
  it("with nobody to wait for, one ping goes out each period", () => {
    const { hearts, handle } = machine();
    expect(hearts.wakeAt).toBe(at(PERIOD_MS));
    expect(handle({ type: "ticked", at: at(999) })).toEqual([{ type: "wakeAt", at: at(1000) }]);
    expect(handle({ type: "ticked", at: at(1000) })).toEqual([
      { type: "sendPing", text: "1" },
      { type: "wakeAt", at: at(2000) },
    ]);
  });

  it("a heart that is waited for is pinged after 10 ms and then at doubling intervals, until it beats", () => {
    const { handle } = machine();
    expect(handle({ type: "watched", at: at(0), uuid: A })).toEqual([{ type: "wakeAt", at: at(10) }]);
    const first = handle({ type: "ticked", at: at(10) });
    expect(first).toEqual([
      { type: "sendPing", text: "0.01" },
      { type: "wakeAt", at: at(20) },
    ]);
    expect(handle({ type: "ticked", at: at(20) })).toEqual([
      { type: "sendPing", text: "0.02" },
      { type: "wakeAt", at: at(40) },
    ]);
    expect(handle({ type: "ponged", at: at(21), uuid: A, text: "0.01" })).toEqual([{ type: "heartStarted", uuid: A }]);
    expect(handle({ type: "ponged", at: at(22), uuid: A, text: "0.02" })).toEqual([]);
    expect(handle({ type: "ticked", at: at(40) })).toEqual([{ type: "wakeAt", at: at(1000) }]);
  });

  it("registrations that follow each other closely do not put the ping off", () => {
    const { hearts, handle } = machine();
    for (let ms = 0; ms < 10; ms += 1) handle({ type: "watched", at: at(ms), uuid: engineUuid(`e${ms}`) });
    expect(hearts.wakeAt).toBe(at(10));
  });

  it("a pong that no ping asked for, or of a heart nobody watches, means nothing", () => {
    const { handle } = machine();
    handle({ type: "watched", at: at(0), uuid: A });
    const text = textOf(handle({ type: "ticked", at: at(10) }));
    expect(handle({ type: "ponged", at: at(11), uuid: A, text: "9.9" })).toEqual([]);
    expect(handle({ type: "ponged", at: at(11), uuid: B, text })).toEqual([]);
  });

  it("a heart stops at the first silent period beyond those forgiven", () => {
    const { hearts, handle } = beating(2);
    const stops = [1000, 2000, 3000, 4000].map((ms) => handle({ type: "ticked", at: at(ms) }).filter((effect) => effect.type === "heartStopped"));
    // The pong at 11 ms counts for the first period; then come two that are forgiven.
    expect(stops).toEqual([[], [], [], [{ type: "heartStopped", uuid: A, misses: 3 }]]);
    expect(hearts.size).toBe(0);
  });

  it("any pong makes good for the silence before", () => {
    const { handle } = beating(2);
    handle({ type: "ticked", at: at(1000) });
    handle({ type: "ticked", at: at(2000) });
    const text = textOf(handle({ type: "ticked", at: at(3000) }));
    handle({ type: "ponged", at: at(3001), uuid: A, text });
    for (const ms of [4000, 5000, 6000]) expect(handle({ type: "ticked", at: at(ms) }).some((effect) => effect.type === "heartStopped")).toBe(false);
    expect(handle({ type: "ticked", at: at(7000) })[0]).toEqual({ type: "heartStopped", uuid: A, misses: 3 });
  });

  it("a tick that comes much too late counts no misses: the silence was ours", () => {
    const { handle } = beating(0);
    handle({ type: "ticked", at: at(1000) });
    expect(handle({ type: "ticked", at: at(60_000) }).some((effect) => effect.type === "heartStopped")).toBe(false);
    expect(handle({ type: "ticked", at: at(61_000) }).some((effect) => effect.type === "heartStopped")).toBe(true);
  });

  it("a heart that never beat has no misses: its registration has its own limit", () => {
    const { handle } = machine(0);
    handle({ type: "watched", at: at(0), uuid: A });
    for (let ms = 1000; ms < 20_000; ms += 1000) expect(handle({ type: "ticked", at: at(ms) }).some((effect) => effect.type === "heartStopped")).toBe(false);
  });

  it("a forgotten heart is not missed", () => {
    const { hearts, handle } = beating(0);
    handle({ type: "forgotten", at: at(20), uuid: A });
    expect(hearts.size).toBe(0);
    expect(handle({ type: "ticked", at: at(1000) })).toEqual([
      { type: "sendPing", text: "1" },
      { type: "wakeAt", at: at(2000) },
    ]);
  });

  it("two pings in a row never look the same, even at one time", () => {
    const { handle } = machine();
    const texts = new Set<string>();
    for (let index = 0; index < 20; index += 1) {
      handle({ type: "watched", at: at(0), uuid: A });
      texts.add(textOf(handle({ type: "ticked", at: at(10) })));
      handle({ type: "forgotten", at: at(0), uuid: A });
    }
    expect(texts.size).toBeGreaterThan(1);
  });
});
