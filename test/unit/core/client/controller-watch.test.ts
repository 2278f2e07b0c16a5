import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { millis } from "../../../../src/base/index.ts";
import { ControllerWatch, type WatchEffect, type WatchEvent } from "../../../../src/core/client/index.ts";

const T0 = 1_000_000;
type Facts = WatchEvent extends infer E ? (E extends WatchEvent ? Omit<E, "at"> : never) : never;

/** Feeds events at times counted from the start, and names the effects in short. */
function watch(reconnectMs = 60_000): { readonly feed: (afterMs: number, event: Facts) => string[]; readonly machine: ControllerWatch } {
  const machine = new ControllerWatch({ reconnectMs });
  const feed = (afterMs: number, event: Facts): string[] => {
    const effects = machine.handle({ ...event, at: millis(T0 + afterMs) } as WatchEvent);
    machine.validate();
    return effects.map(describeEffect);
  };
  return { feed, machine };
}

function describeEffect(effect: WatchEffect): string {
  switch (effect.type) {
    case "wakeAt":
      return `wake at ${effect.at - T0}`;
    case "resume":
    case "tellBack":
      return `${effect.type} ${effect.isSameLife ? "the same" : "another"}`;
    case "tellLost":
    case "look":
    case "ask":
    case "giveUp":
      return effect.type;
  }
}

const listed = (life: string): Facts => ({ type: "listed", life });
const heard = (life: string): Facts => ({ type: "heard", life });
const CONNECTED: Facts = { type: "connected" };
const DISCONNECTED: Facts = { type: "disconnected" };
const UNANSWERED: Facts = { type: "unanswered" };
const RESUMED: Facts = { type: "resumed" };
const TICKED: Facts = { type: "ticked" };

describe("the watch over the controller", () => {
  it("tells a loss once, asks when a connection stands, and tells that the same one is back", () => {
    const { feed } = watch();
    expect(feed(0, listed("a"))).toEqual([]);
    expect(feed(10, DISCONNECTED)).toEqual(["tellLost", "wake at 110"]);
    expect(feed(20, DISCONNECTED)).toEqual([]);
    expect(feed(30, CONNECTED)).toEqual(["look", "ask", "wake at 230"]);
    expect(feed(40, listed("a"))).toEqual(["resume the same"]);
    expect(feed(50, RESUMED)).toEqual(["tellBack the same"]);
    expect(feed(60, DISCONNECTED)).toEqual(["tellLost", "wake at 160"]);
  });

  it("knows a restarted controller by its session", () => {
    const { feed } = watch();
    feed(0, listed("a"));
    feed(10, DISCONNECTED);
    feed(20, CONNECTED);
    expect(feed(30, listed("b"))).toEqual(["resume another"]);
    expect(feed(40, RESUMED)).toEqual(["tellBack another"]);
    expect(feed(50, heard("b"))).toEqual([]);
  });

  it("notices another life also where no connection was seen to end", () => {
    const { feed } = watch();
    feed(0, listed("a"));
    expect(feed(10, heard("b"))).toEqual(["tellLost", "wake at 110"]);
    expect(feed(110, TICKED)).toEqual(["look", "ask", "wake at 310"]);
    expect(feed(120, listed("b"))).toEqual(["resume another"]);
  });

  it("looks and asks after growing pauses of at most five seconds, and asks once at a time", () => {
    const { feed } = watch();
    feed(0, listed("a"));
    feed(0, DISCONNECTED);
    expect(feed(100, TICKED)).toEqual(["look", "wake at 300"]);
    expect(feed(200, TICKED)).toEqual(["wake at 300"]);
    expect(feed(300, TICKED)).toEqual(["look", "wake at 700"]);
    expect(feed(400, CONNECTED)).toEqual(["look", "ask", "wake at 600"]);
    expect(feed(600, TICKED)).toEqual(["look", "wake at 1000"]);
    expect(feed(900, UNANSWERED)).toEqual([]);
    expect(feed(1000, TICKED)).toEqual(["look", "ask", "wake at 1800"]);
    let at = 1800;
    for (const pauseMs of [1600, 3200, 5000, 5000]) {
      expect(feed(at, TICKED)).toEqual(["look", `wake at ${at + pauseMs}`]);
      at += pauseMs;
    }
  });

  it("gives up at the deadline, and nothing happens after", () => {
    const { feed, machine } = watch(150);
    feed(0, listed("a"));
    expect(feed(10, DISCONNECTED)).toEqual(["tellLost", "wake at 110"]);
    expect(feed(110, TICKED)).toEqual(["look", "wake at 160"]);
    expect(feed(160, TICKED)).toEqual(["giveUp"]);
    expect([feed(170, CONNECTED), feed(180, listed("b")), machine.state]).toEqual([[], [], "gone"]);
  });

  it("without patience gives up at once, and with endless patience never", () => {
    const none = watch(0);
    none.feed(0, listed("a"));
    expect(none.feed(10, DISCONNECTED)).toEqual(["tellLost", "giveUp"]);
    const endless = watch(Infinity);
    endless.feed(0, listed("a"));
    endless.feed(0, DISCONNECTED);
    expect(endless.feed(1e12, TICKED)).toEqual(["look", `wake at ${1e12 + 200}`]);
  });

  it("a controller that goes again while the client resumes is the same loss, and what comes then is another life", () => {
    const { feed } = watch(1000);
    feed(0, listed("a"));
    feed(0, DISCONNECTED);
    feed(100, CONNECTED);
    feed(200, listed("b"));
    expect(feed(300, DISCONNECTED)).toEqual(["wake at 400"]);
    feed(350, CONNECTED);
    // Requests of the first life were not looked after yet.
    expect(feed(360, listed("b"))).toEqual(["resume another"]);
    expect(feed(400, UNANSWERED)).toEqual(["wake at 500"]);
    expect(feed(500, TICKED)).toEqual(["look", "ask", "wake at 700"]);
    expect(feed(1000, TICKED)).toEqual(["giveUp"]);
  });

  it("a word of the controller that is read after its end brings it not back", () => {
    const { feed, machine } = watch();
    feed(0, listed("a"));
    feed(0, DISCONNECTED);
    expect([feed(1, listed("a")), feed(2, heard("a")), feed(3, RESUMED), machine.state]).toEqual([[], [], [], "lost"]);
  });

  it("before the first listing a connection that ends is for whoever waits for that", () => {
    const { feed, machine } = watch();
    expect([feed(0, CONNECTED), feed(1, DISCONNECTED), feed(2, CONNECTED), feed(3, listed("a")), machine.state]).toEqual([[], [], [], [], "here"]);
  });

  it("closed, it orders nothing any more", () => {
    const { feed } = watch();
    feed(0, listed("a"));
    feed(0, DISCONNECTED);
    expect([feed(1, { type: "closed" }), feed(100, TICKED), feed(200, CONNECTED)]).toEqual([[], [], []]);
  });

  it("whatever happens: losses and returns alternate, each loss has an end, and while it is lost there is a time to wake", () => {
    const facts: fc.Arbitrary<Facts> = fc.oneof(
      fc.constantFrom(CONNECTED, DISCONNECTED, UNANSWERED, RESUMED, TICKED, TICKED),
      fc.constantFrom("a", "b", "c").map(listed),
      fc.constantFrom("a", "b", "c").map(heard),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(400), facts), { maxLength: 60 }), (steps) => {
        const { feed, machine } = watch(2000);
        feed(0, listed("a"));
        let at = 0;
        let isLost = false;
        let wakeAt: number | undefined;
        const perform = (effects: readonly string[]): void => {
          for (const effect of effects) {
            if (isLost ? effect === "tellLost" : effect.startsWith("tellBack")) throw new Error(`${effect} came twice`);
            isLost = effect === "tellLost" || (isLost && !effect.startsWith("tellBack"));
            if (effect.startsWith("wake at ")) wakeAt = Number(effect.slice("wake at ".length));
          }
          if (machine.state === "lost" && !(wakeAt !== undefined && wakeAt <= at + 2000)) throw new Error(`nothing happens until ${wakeAt}`);
        };
        for (const [waitMs, event] of steps) {
          at += waitMs;
          perform(feed(at, event));
        }
        // Left to itself, a lost one is given up: nobody waits for ever.
        for (let wakes = 0; machine.state === "lost" && wakes < 100; wakes += 1) {
          at = Math.max(at, wakeAt ?? at);
          perform(feed(at, TICKED));
        }
        expect(machine.state).not.toBe("lost");
      }),
    );
  });
});
