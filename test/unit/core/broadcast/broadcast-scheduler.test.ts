// Broadcasts (protocol §3.5): derived messages, relayed replies, merged replies, engines that leave.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { engineUuid, millis } from "../../../../src/base/index.ts";
import { BroadcastScheduler, type BroadcastEffect, type BroadcastSchedulerOptions } from "../../../../src/core/broadcast/index.ts";
import type { Dict, Header, Message } from "../../../../src/wire/index.ts";

type Effect = BroadcastEffect<string>;

const header = (msgId: string, msgType = "apply_request"): Header => ({
  msg_id: msgId,
  msg_type: msgType,
  username: "u",
  session: "S",
  date: "2026-01-01T00:00:00.000000Z",
  version: "5.3",
});

const IDS: Readonly<Record<string, number>> = { A: 0, B: 1, C: 2 };
const pairs = (...engines: string[]): [string, number][] => engines.map((engine) => [engine, IDS[engine] ?? 9]);

function request(msgId: string, targets: unknown, isCoalescing: boolean, more: Dict = {}): Message {
  const metadata = { targets, is_broadcast: true, is_coalescing: isCoalescing, ...more };
  return { idents: [], header: header(msgId), parentHeader: {}, metadata, content: { a: 1 }, buffers: [Uint8Array.of(1)] };
}

function reply(msgId: string, engine: string, facts: { isCoalescing?: boolean; status?: string; bytes?: number[] } = {}): Message {
  const { isCoalescing = true, status = "ok", bytes = [] } = facts;
  return {
    idents: [],
    header: header(`reply-${engine}`, "apply_reply"),
    parentHeader: header(`${msgId}_${engine}`),
    metadata: { engine, status, is_broadcast: true, is_coalescing: isCoalescing, original_msg_id: msgId },
    content: { status },
    buffers: bytes.map((byte) => Uint8Array.of(byte)),
  };
}

class Driver {
  readonly scheduler: BroadcastScheduler<string>;
  now = 1000;

  constructor(options: BroadcastSchedulerOptions = {}, engines = ["A", "B", "C"]) {
    this.scheduler = new BroadcastScheduler<string>(options);
    for (const engine of engines) this.join(engine);
  }

  join(engine: string): Effect[] {
    return this.handle({ type: "engineJoined", at: millis(this.now), engine: engineUuid(engine) });
  }

  leave(engine: string): Effect[] {
    return this.handle({ type: "engineLeft", at: millis(this.now), engine: engineUuid(engine) });
  }

  request(message: Message): Effect[] {
    return this.handle({ type: "requested", at: millis(this.now), client: "K", message });
  }

  reply(engine: string, message: Message): Effect[] {
    return this.handle({ type: "replied", at: millis(this.now), engine: engineUuid(engine), client: "K", message });
  }

  tick(afterMs: number): Effect[] {
    this.now += afterMs;
    return this.handle({ type: "ticked", at: millis(this.now) });
  }

  private handle(event: Parameters<BroadcastScheduler<string>["handle"]>[0]): Effect[] {
    const effects = this.scheduler.handle(event);
    this.scheduler.validate();
    return effects;
  }
}

const copy = (message: Message, engine: string, original: string): Effect => ({
  type: "sendToEngine",
  engine: engineUuid(engine),
  engineId: IDS[engine] ?? 9,
  client: "K",
  message: { ...message, header: { ...message.header, msg_id: `${original}_${engine}` }, metadata: { ...message.metadata, original_msg_id: original } },
});

const failure = (parentHeader: Header, metadata: Dict, ename: string, evalue: string): Effect => ({
  type: "replyFailure",
  client: "K",
  failure: { msgType: "apply_reply", parentHeader, metadata, content: { status: "error", ename, evalue, traceback: [], engine_info: {} } },
});

const died = (msgId: string, engine: string, targets: string[]): Effect =>
  failure(
    header(`${msgId}_${engine}`),
    { status: "error", is_broadcast: true, is_coalescing: true, original_msg_id: msgId, broadcast_targets: pairs(...targets), engine },
    "EngineError",
    `Engine '${engine}' died while running task '${msgId}_${engine}'`,
  );

const merged = (last: Message, targets: string[], bytes: number[]): Effect => ({
  type: "sendReply",
  client: "K",
  message: { ...last, metadata: { ...last.metadata, broadcast_targets: pairs(...targets) }, buffers: bytes.map((byte) => Uint8Array.of(byte)) },
});

describe("a broadcast", () => {
  it("13.9: becomes one message for each target, its id derived from the uuid", () => {
    const driver = new Driver();
    const message = request("M", pairs("B", "A"), false);
    expect(driver.request(message)).toEqual([copy(message, "B", "M"), copy(message, "A", "M")]);
  });

  it("keeps an original_msg_id that it has", () => {
    const driver = new Driver();
    const message = request("M", pairs("A"), false, { original_msg_id: "first" });
    expect(driver.request(message)).toEqual([copy(message, "A", "first")]);
  });

  it.each([null, [], "all", [["A"]], [[0, "A"]], [["A", -1]], [["A", 0.5]], ["A"]])("with targets %j is answered as an error", (targets) => {
    const [effect, ...rest] = new Driver().request(request("M", targets, true));
    expect(rest).toEqual([]);
    expect(effect).toMatchObject({
      type: "replyFailure",
      client: "K",
      failure: { parentHeader: header("M"), content: { ename: "ValueError" }, metadata: { original_msg_id: "M" } },
    });
  });

  it("that names an engine twice is answered as an error", () => {
    const expected = { status: "error", is_broadcast: true, is_coalescing: false, original_msg_id: "M" };
    expect(new Driver().request(request("M", [...pairs("A", "A")], false))).toEqual([
      failure(header("M"), expected, "ValueError", "metadata.targets names engine 'A' twice"),
    ]);
  });
});

describe("a plain broadcast", () => {
  it("has each reply relayed as it comes, the very message", () => {
    const driver = new Driver();
    driver.request(request("M", pairs("A", "B"), false));
    const answer = reply("M", "B", { isCoalescing: false, bytes: [7] });
    const [effect, ...rest] = driver.reply("B", answer);
    expect(rest).toEqual([]);
    expect(effect).toEqual({ type: "relayReply", client: "K", message: answer });
    expect(effect?.type === "relayReply" && effect.message).toBe(answer);
    expect(driver.scheduler.load()).toEqual({ pending: 0, heldBytes: 0, engines: 3 });
  });

  it("is answered for a target that is not here", () => {
    const driver = new Driver();
    const message = request("M", pairs("A", "X"), false);
    const metadata = { status: "error", is_broadcast: true, is_coalescing: false, original_msg_id: "M", engine: "X" };
    expect(driver.request(message)).toEqual([
      copy(message, "A", "M"),
      failure(header("M_X"), metadata, "EngineError", "Engine 'X' died while running task 'M_X'"),
    ]);
  });
});

describe("a coalescing broadcast", () => {
  it("is answered once, when all have answered: the last reply, pairs and buffers in the order of the request", () => {
    const driver = new Driver();
    driver.request(request("M", pairs("C", "A", "B"), true));
    expect(driver.reply("B", reply("M", "B", { bytes: [3, 4] }))).toEqual([]);
    expect(driver.reply("C", reply("M", "C", { bytes: [1] }))).toEqual([]);
    expect(driver.scheduler.load()).toEqual({ pending: 1, heldBytes: 3, engines: 3 });
    const last = reply("M", "A", { bytes: [2] });
    expect(driver.reply("A", last)).toEqual([merged(last, ["C", "A", "B"], [1, 2, 3, 4])]);
    expect(driver.scheduler.load()).toEqual({ pending: 0, heldBytes: 0, engines: 3 });
  });

  it("ends as the last reply says, a failed engine adding no buffers", () => {
    const driver = new Driver();
    driver.request(request("M", pairs("A", "B"), true));
    driver.reply("A", reply("M", "A", { bytes: [1] }));
    const last = reply("M", "B", { status: "error" });
    expect(driver.reply("B", last)).toEqual([merged(last, ["A", "B"], [1])]);
  });

  it("fails as EngineError when a target leaves and does not answer within 5 s", () => {
    const driver = new Driver();
    driver.request(request("M", pairs("A", "B"), true));
    driver.reply("A", reply("M", "A", { bytes: [1] }));
    expect(driver.leave("B")).toEqual([{ type: "wakeAt", at: 6000 }]);
    expect(driver.tick(4999)).toEqual([{ type: "wakeAt", at: 6000 }]);
    expect(driver.tick(1)).toEqual([died("M", "B", ["A", "B"])]);
    expect(driver.reply("B", reply("M", "B"))).toEqual([{ type: "dropped", reason: "lateReply", msgId: "M_B", engine: "B" }]);
  });

  it("waits for the others when a target is lost", () => {
    const driver = new Driver();
    driver.request(request("M", pairs("A", "B"), true));
    driver.leave("B");
    expect(driver.tick(5000)).toEqual([]);
    expect(driver.reply("A", reply("M", "A"))).toEqual([died("M", "B", ["A", "B"])]);
  });

  it("takes a reply that was on its way when the engine left", () => {
    const driver = new Driver();
    driver.request(request("M", pairs("A"), true));
    driver.leave("A");
    const last = reply("M", "A", { bytes: [5] });
    expect(driver.reply("A", last)).toEqual([merged(last, ["A"], [5])]);
    expect(driver.tick(5000)).toEqual([]);
  });

  it("fails at once when none of its targets is here", () => {
    expect(new Driver().request(request("M", pairs("X", "Y"), true))).toEqual([died("M", "X", ["X", "Y"])]);
  });

  it("sent again while it is pending is dropped", () => {
    const driver = new Driver();
    driver.request(request("M", pairs("A"), true));
    expect(driver.request(request("M", pairs("A"), true))).toEqual([{ type: "dropped", reason: "duplicateRequest", msgId: "M", engine: null }]);
    expect(driver.scheduler.dropped().duplicateRequest).toBe(1);
  });

  it("takes no engine's reply twice, nor one from another engine", () => {
    const driver = new Driver();
    driver.request(request("M", pairs("A", "B"), true));
    driver.reply("A", reply("M", "A"));
    expect(driver.reply("A", reply("M", "A"))).toEqual([{ type: "dropped", reason: "lateReply", msgId: "M_A", engine: "A" }]);
    expect(driver.reply("C", reply("M", "B"))).toEqual([{ type: "dropped", reason: "foreignReply", msgId: "M_B", engine: "C" }]);
  });

  it("above pendingMax is refused with an error", () => {
    const driver = new Driver({ pendingMax: 1 });
    driver.request(request("M", pairs("A"), true));
    expect(driver.request(request("N", pairs("A"), true))).toMatchObject([
      { type: "replyFailure", failure: { parentHeader: header("N"), content: { ename: "QueueFullError" } } },
    ]);
    expect(driver.scheduler.load().pending).toBe(1);
  });

  it("fails when the replies held exceed heldBytesMax, and lets go of them", () => {
    const driver = new Driver({ heldBytesMax: 2 });
    driver.request(request("M", pairs("A", "B"), true));
    expect(driver.reply("A", reply("M", "A", { bytes: [1, 2, 3] }))).toMatchObject([
      { type: "replyFailure", failure: { content: { ename: "QueueFullError" }, metadata: { original_msg_id: "M" } } },
    ]);
    expect(driver.scheduler.load()).toEqual({ pending: 0, heldBytes: 0, engines: 3 });
  });
});

describe("engines", () => {
  it("that join twice or leave unknown change nothing", () => {
    const driver = new Driver();
    expect(driver.join("A")).toEqual([{ type: "dropped", reason: "duplicateEngine", msgId: null, engine: "A" }]);
    expect(driver.leave("X")).toEqual([{ type: "dropped", reason: "unknownEngine", msgId: null, engine: "X" }]);
  });
});

describe("whatever happens", () => {
  it("each coalescing broadcast is answered exactly once, and nothing is held in the end", () => {
    const names = ["A", "B", "C"];
    const step = fc.oneof(
      fc.record({ kind: fc.constant("request" as const), targets: fc.shuffledSubarray(["A", "B", "C", "X"], { minLength: 1 }) }),
      fc.record({ kind: fc.constant("reply" as const), which: fc.nat(100), bytes: fc.array(fc.nat(255), { maxLength: 3 }) }),
      fc.record({ kind: fc.constantFrom("join" as const, "leave" as const), engine: fc.constantFrom(...names) }),
      fc.record({ kind: fc.constant("tick" as const), afterMs: fc.nat(6000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const driver = new Driver();
        const open: { msgId: string; engine: string }[] = [];
        const answers = new Map<string, number>();
        let count = 0;
        const take = (effects: readonly Effect[]) => {
          for (const effect of effects) {
            if (effect.type === "sendToEngine") open.push({ msgId: String(effect.message.metadata["original_msg_id"]), engine: effect.engine });
            const metadata = effect.type === "sendReply" ? effect.message.metadata : effect.type === "replyFailure" ? effect.failure.metadata : undefined;
            if (metadata !== undefined) answers.set(String(metadata["original_msg_id"]), (answers.get(String(metadata["original_msg_id"])) ?? 0) + 1);
          }
        };
        for (const item of steps) {
          if (item.kind === "request") take(driver.request(request(`M${count++}`, pairs(...item.targets), true)));
          else if (item.kind === "tick") take(driver.tick(item.afterMs));
          else if (item.kind === "reply") {
            const [one] = open.splice(item.which % Math.max(1, open.length), 1);
            if (one !== undefined) take(driver.reply(one.engine, reply(one.msgId, one.engine, { bytes: item.bytes })));
          } else take(item.kind === "join" ? driver.join(item.engine) : driver.leave(item.engine));
        }
        for (const engine of names) take(driver.leave(engine));
        take(driver.tick(5000));
        expect([...answers.values()]).toEqual(Array.from({ length: count }, () => 1));
        expect(driver.scheduler.load()).toEqual({ pending: 0, heldBytes: 0, engines: 0 });
      }),
      { numRuns: 200 },
    );
  });
});
