// Both threads' sides of the word of shared memory, run step by step on one thread: a step of the other thread can be made
// to fall between a load of the word and its exchange, where a race would lose or double a request.

import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { msgId } from "../../../src/base/index.ts";
import { RequestQueue, type EngineEvent } from "../../../src/core/index.ts";
import { countRecall, TaskClaims } from "../../../src/engine/task-claims.ts";

const WRAP = 2 ** 20;
const RECALLS_WRAP = 2 ** 11;

afterEach(() => vi.restoreAllMocks());

/** Runs `between` each time the word has been read and not yet exchanged. */
function onLoad(between: () => void): void {
  const load = Atomics.load as (words: Int32Array, index: number) => number;
  const loadAndStep = (words: Int32Array, index: number): number => {
    const word = load(words, index);
    between();
    return word;
  };
  vi.spyOn(Atomics, "load").mockImplementation(loadAndStep as typeof Atomics.load);
}

/** A word whose last claim was `claimed`. */
const wordAfter = (claimed: number): Int32Array => Int32Array.of(claimed % WRAP);

describe("a claim", () => {
  it("succeeds while nothing is recalled, and a recall then tells it", () => {
    const words = wordAfter(0);
    const claims = new TaskClaims(words, 0, () => undefined);
    expect([claims.claim(1), claims.claim(2)]).toEqual([true, true]);
    expect(countRecall(words, 0, 5)).toBe(2);
  });

  it("fails for what was recalled before, and succeeds for what came after the recall", () => {
    const words = wordAfter(0);
    const claims = new TaskClaims(words, 0, () => undefined);
    claims.recalled(3);
    expect(countRecall(words, 0, 3)).toBe(0);
    expect([claims.claim(1), claims.claim(3), claims.claim(4)]).toEqual([false, false, true]);
  });

  it("fails when the recall was told but not counted yet: that request will count as not started", () => {
    const words = wordAfter(0);
    const claims = new TaskClaims(words, 0, () => undefined);
    claims.recalled(3);
    expect(claims.claim(1)).toBe(false);
    expect(countRecall(words, 0, 3)).toBe(0);
  });

  it("that meets a recall it was not told of takes the message, and fails", () => {
    const words = wordAfter(0);
    const claims: TaskClaims = new TaskClaims(words, 0, () => claims.recalled(2));
    expect(countRecall(words, 0, 2)).toBe(0);
    expect([claims.claim(1), claims.recalledThrough]).toEqual([false, 2]);
  });

  it("fails when the recall is counted after it has looked at the word", () => {
    const words = wordAfter(0);
    const claims: TaskClaims = new TaskClaims(words, 0, () => claims.recalled(2));
    let recalled: number | undefined;
    onLoad(() => {
      if (recalled !== undefined) return;
      recalled = -1; // From here on: the recall looks at the word as well.
      recalled = countRecall(words, 0, 2);
    });
    expect([claims.claim(1), recalled]).toEqual([false, 0]);
  });

  it("that comes between a recall's look and its count belongs to the engine", () => {
    const words = wordAfter(0);
    const claims = new TaskClaims(words, 0, () => undefined);
    const claimed: boolean[] = [];
    onLoad(() => {
      if (claimed.length > 0) return;
      claimed.push(false);
      claimed[0] = claims.claim(1);
    });
    expect([countRecall(words, 0, 2), claimed]).toEqual([1, [true]]);
  });
});

describe("a recall", () => {
  it("tells the last claim across the wrap of ordinals", () => {
    for (const claimed of [WRAP - 2, WRAP - 1, WRAP, WRAP + 1, 3 * WRAP - 1]) {
      expect(countRecall(wordAfter(claimed), 0, claimed + 3)).toBe(claimed);
      expect(countRecall(wordAfter(claimed), 0, claimed)).toBe(claimed);
    }
  });

  it("whose requests are all claimed, and later ones too, tells its own last", () => {
    expect(countRecall(wordAfter(12), 0, 9)).toBe(9);
    expect(countRecall(wordAfter(WRAP + 1), 0, WRAP - 1)).toBe(WRAP - 1);
  });

  it("is noticed once after any number of recalls, beyond the wrap of their count", () => {
    const words = wordAfter(0);
    const told: number[] = [];
    let drains = 0;
    const claims: TaskClaims = new TaskClaims(words, 0, () => {
      drains += 1;
      for (const through of told.splice(0)) claims.recalled(through);
    });
    const wrong: number[] = [];
    for (let ordinal = 1; ordinal <= 2 * RECALLS_WRAP + 2; ordinal += 2) {
      told.push(ordinal);
      // One is recalled before it is claimed, the next is claimed.
      if (countRecall(words, 0, ordinal) === ordinal || claims.claim(ordinal) || !claims.claim(ordinal + 1)) wrong.push(ordinal);
    }
    expect([wrong, drains]).toEqual([[], RECALLS_WRAP + 1]);
  });
});

const ACTIONS = ["send", "receive", "finish", "listen", "tell", "count", "abortAll"] as const;
type Action = (typeof ACTIONS)[number];
/** What may fall between a load and an exchange: the other thread's steps. */
const OTHERS: Readonly<Record<"main" | "side", readonly Action[]>> = { main: ["tell", "count"], side: ["receive", "finish", "listen"] };

/** A controller that sends and recalls tasks, and an engine of two threads; ordinals begin behind `first`. */
class Race {
  readonly #first: number;
  readonly #words: Int32Array;
  readonly #claims: TaskClaims;
  readonly #machine = new RequestQueue();
  readonly #events: EngineEvent[] = [];
  #isHandling = false;
  #sent: number;
  #received: number;
  /** Recalls told by the side thread that the main thread has not taken. */
  #posted: number[] = [];
  /** The recall that was told and is not counted. */
  #counting: number | undefined;
  readonly started: number[] = [];
  readonly givenBack: number[] = [];
  /** What the controller has learned that it has back. */
  readonly returned: number[] = [];

  constructor(first: number) {
    this.#first = first;
    this.#sent = first;
    this.#received = first;
    this.#words = wordAfter(first);
    this.#claims = new TaskClaims(this.#words, 0, () => this.act("listen"));
    this.#feed({ type: "started" });
  }

  get ordinals(): number[] {
    return Array.from({ length: this.#sent - this.#first }, (_, i) => this.#first + 1 + i);
  }

  act(action: Action): void {
    switch (action) {
      case "send":
        // As the scheduler: nothing while a recall is outstanding.
        if (this.#counting === undefined) this.#sent += 1;
        return;
      case "receive":
        return this.#receive();
      case "finish":
        if (this.#machine.state.name === "running" && !this.#isHandling) this.#finish(this.#machine.state.request.serial);
        return;
      case "listen":
        for (const through of this.#posted.splice(0)) {
          this.#claims.recalled(through);
          this.#feed({ type: "tasksRecalled", through });
        }
        return;
      case "tell":
        if (this.#counting === undefined) this.#posted.push((this.#counting = this.#sent));
        return;
      case "count":
        return this.#count();
      case "abortAll":
        return this.#feed({ type: "abortRequested", msgIds: "all" });
    }
  }

  /** Everything on its way arrives, and everything that can run does. */
  end(): void {
    this.act("listen");
    while (this.#received < this.#sent) this.act("receive");
    while (this.#machine.state.name === "running") this.act("finish");
    this.act("count");
  }

  #receive(): void {
    if (this.#received === this.#sent) return;
    const ordinal = (this.#received += 1);
    if (ordinal <= this.#claims.recalledThrough) this.givenBack.push(ordinal);
    else {
      const request = {
        serial: ordinal,
        msgId: msgId(`m${ordinal}`),
        kind: ordinal % 3 === 0 ? "execute" : "apply",
        bytes: 1,
        countsOutputs: false,
        ordinal,
      } as const;
      this.#feed({ type: "requestArrived", request });
    }
  }

  #finish(serial: number): void {
    this.#feed({ type: "requestFinished", serial, status: "ok", stopsQueue: false });
  }

  #count(): void {
    const through = this.#counting;
    if (through === undefined) return;
    const last = countRecall(this.#words, 0, through);
    this.#counting = undefined;
    this.returned.push(...this.ordinals.filter((ordinal) => ordinal <= through && ordinal > last && !this.returned.includes(ordinal)));
  }

  #feed(event: EngineEvent): void {
    this.#events.push(event);
    if (this.#isHandling) return;
    this.#isHandling = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      const effects = this.#machine.handle(next);
      this.#machine.validate();
      for (const effect of effects) {
        if (effect.type === "run" || effect.type === "sendAborted") this.started.push(effect.serial);
        else if (effect.type === "giveBack") this.givenBack.push(effect.serial);
        else if (effect.type === "settleIntake") this.#events.push({ type: "intakeSettled" });
        else if (effect.type === "claim") {
          const isClaimed = this.#claims.claim(effect.ordinal);
          this.#events.push(isClaimed ? { type: "claimed", serial: effect.serial } : { type: "tasksRecalled", through: this.#claims.recalledThrough });
        }
      }
    }
    this.#isHandling = false;
  }
}

describe("claims and recalls in any order", () => {
  it.each([0, WRAP - 10, 5 * WRAP - 3])("start every request or give it back, never both, never neither (ordinals from %i)", (first) => {
    const actions = fc.array(fc.constantFrom(...ACTIONS), { maxLength: 80 });
    const between = fc.array(fc.option(fc.nat(5), { freq: 2 }), { maxLength: 60 });
    fc.assert(
      fc.property(actions, between, (steps, interruptions) => {
        const race = new Race(first);
        const chosen = interruptions.values();
        let isInside = false;
        let thread: "main" | "side" = "main";
        onLoad(() => {
          const choice = isInside ? undefined : chosen.next().value;
          if (choice === undefined || choice === null) return;
          isInside = true;
          const others = OTHERS[thread];
          race.act(others[choice % others.length] as Action);
          isInside = false;
        });
        for (const step of steps) {
          thread = step === "count" ? "side" : "main";
          race.act(step);
        }
        thread = "main";
        race.end();
        vi.restoreAllMocks();
        const sorted = (ordinals: readonly number[]): number[] => ordinals.toSorted((one, other) => one - other);
        expect(sorted([...race.started, ...race.returned])).toEqual(race.ordinals);
        expect(sorted(race.givenBack)).toEqual(sorted(race.returned));
      }),
      { numRuns: 500 },
    );
  });
});
