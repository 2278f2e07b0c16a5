// Any order of events: invariants hold after each, every request is sent and settled at most once, in this order, and at
// the close everything ends.

import fc from "fast-check";
import { expect, it } from "vitest";
import { engineUuid, msgId } from "../../../../src/base/index.ts";
import type { RequestRecord } from "../../../../src/core/client/index.ts";
import { AT, engine, idle, machine, message, okReply, request, uuids, type Effect, type Machine } from "./builders.ts";

type Step = {
  readonly name: "task" | "mux" | "broadcast" | "coalesced" | "reply" | "error" | "idle" | "abort" | "leave" | "join" | "lose" | "back" | "recover" | "fence";
  readonly pick: number;
};

const ENGINES = 3;
const step: fc.Arbitrary<Step> = fc.record({
  name: fc.constantFrom("task", "mux", "broadcast", "coalesced", "reply", "error", "idle", "abort", "leave", "join", "lose", "back", "recover", "fence"),
  pick: fc.nat(30),
});

function once(seen: Set<string>, id: string, what: string): void {
  if (seen.has(id)) throw new Error(`${id} was ${what} twice`);
  seen.add(id);
}

class Run {
  readonly machine: Machine = machine({ messagesMax: 3, bytesMax: 50 });
  readonly requests: RequestRecord<string>[] = [];
  readonly sent = new Set<string>();
  readonly settled = new Set<string>();
  readonly completed = new Set<string>();
  #next = 0;
  #isAway = false;

  feed(event: Parameters<Machine["handle"]>[0]): void {
    const effects = this.machine.handle(event);
    this.machine.validate();
    for (const effect of effects) this.#check(effect);
  }

  #check(effect: Effect): void {
    if (effect.type === "send") {
      const { msgId: id } = effect.request;
      if (this.#isAway) throw new Error(`${id} was sent to nobody`);
      if (this.settled.has(id)) throw new Error(`${id} was sent after it was settled`);
      once(this.sent, id, "sent");
    } else if (effect.type === "settle") once(this.settled, effect.request.msgId, "settled");
    else if (effect.type === "outputCompleted") once(this.completed, effect.request.msgId, "completed");
  }

  submit(name: Step["name"], pick: number): void {
    const id = `r${this.#next++}`;
    const all = uuids(...Array.from({ length: ENGINES }, (_, i) => `E${i}`));
    const made =
      name === "task"
        ? [request(id)]
        : name === "mux"
          ? [request(id, { channel: "mux", targets: [all[pick % ENGINES] ?? engineUuid("E0")] })]
          : name === "broadcast"
            ? all.map((uuid) => request(`${id}_${uuid}`, { channel: "broadcast", targets: [uuid] }))
            : [request(id, { channel: "broadcast", targets: all })];
    this.requests.push(...made);
    this.feed({ type: "submitted", requests: made });
  }

  perform({ name, pick }: Step): void {
    const chosen = this.requests[pick % Math.max(1, this.requests.length)];
    switch (name) {
      case "task":
      case "mux":
      case "broadcast":
      case "coalesced":
        return this.submit(name, pick);
      case "join":
        return this.feed({ type: "engineJoined", engine: engine(pick % ENGINES) });
      case "leave":
        return this.feed({ type: "engineLeft", uuid: engineUuid(`E${pick % ENGINES}`) });
      case "lose":
        this.#isAway = true;
        return this.feed({ type: "controllerLost", reason: "it went" });
      case "back":
        return this.#comeBack(pick);
      case "fence":
        return this.feed({ type: "fenceReached", msgIds: this.requests.slice(pick).map((made) => made.msgId) });
      case "recover":
        if (chosen !== undefined) this.feed({ type: "recovered", msgId: chosen.msgId, message: okReply(chosen.msgId), at: AT });
        return;
      case "reply":
      case "error":
      case "idle":
      case "abort":
        if (chosen !== undefined) this.#answer(name, chosen);
    }
  }

  /** As the shell does it: what was under way is judged before anything is sent. */
  #comeBack(pick: number): void {
    if (!this.#isAway) return;
    const pending = new Set([...this.machine.outstanding.keys()].filter((_, i) => (i + pick) % 2 === 0));
    this.feed({ type: "inquired", isSameLife: pick % 3 > 0, pending });
    this.#isAway = false;
    this.feed({ type: "controllerBack" });
  }

  #answer(name: "reply" | "error" | "idle" | "abort", { msgId: id, targets }: RequestRecord<string>): void {
    if (name === "abort") this.feed({ type: "aborted", msgIds: [id] });
    else if (name === "reply") this.feed({ type: "replied", at: AT, message: okReply(id, { engine: "E0" }) });
    else if (name === "error") this.feed({ type: "replied", at: AT, message: message("apply_reply", id, { status: "error", engine_info: {} }) });
    else for (const parent of targets.length > 1 ? targets.map((uuid) => `${id}_${uuid}`) : [id]) this.feed({ type: "published", message: idle(parent) });
  }
}

it("keeps its invariants whatever happens, and forgets everything at the end", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const run = new Run();
      for (let id = 0; id < ENGINES; id += 1) run.feed({ type: "engineJoined", engine: engine(id) });
      for (const each of steps) run.perform(each);
      run.feed({ type: "closed", reason: "over", cause: "closed" });
      const ids = run.requests.map((made) => made.msgId);
      expect([...run.settled].sort()).toEqual([...ids].sort());
      expect([...run.completed].sort()).toEqual([...ids].sort());
      expect([run.machine.outstanding.size, run.machine.window]).toEqual([0, { messages: 0, bytes: 0, waiting: 0 }]);
      expect(ids.filter((id) => run.machine.awaitsOutput(msgId(id)))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
