// Why a request is not running: who is asked, and what is made of the answers.

import { describe, expect, it } from "vitest";
import { ControllerLostError, InvalidArgumentError } from "../../../src/base/index.ts";
import type { AsyncResult, Explanation } from "../../../src/client/index.ts";
import type { Dict } from "../../../src/wire/index.ts";
import type { ScriptedController } from "../../support/scripted-controller.ts";
import { connectScripted } from "./helpers.ts";

const OURS = { control: "tsp-controller" };

/** A client with one load-balanced task that was sent, and what it makes of a scheduler's answer about it. */
async function explained(...answers: readonly Dict[]): Promise<{ readonly id: string; readonly explanation: Explanation }> {
  const { client, peer } = await connectScripted([0, 1], {}, OURS);
  const result = client.loadBalancedView().apply(() => 1);
  const id = (await peer.next("task")).header.msg_id;
  const explaining = client.explain(result.msgIds[0] as string);
  for (const answer of answers) {
    const question = await peer.next("control");
    expect([question.header.msg_type, question.idents.map(String)]).toEqual(["explain_request", ["tsp-controller"]]);
    const asked = question.content["msg_ids"] as string[];
    peer.reply(question, { status: "ok", tasks: Object.fromEntries(asked.map((one) => [one, answer])) });
  }
  return { id, explanation: await explaining };
}

/** Answers the next question to the Hub with this. */
async function hubSays(peer: ScriptedController, msgType: string, content: Dict): Promise<void> {
  const question = await peer.next("registration");
  expect(question.header.msg_type).toBe(msgType);
  peer.reply(question, { status: "ok", ...content });
}

const since = 1_767_323_045_000;
const at = new Date(since);

describe("explain", () => {
  it.each<[string, Dict, Partial<Explanation>, string]>([
    ["no engine", { state: "waiting", reason: "noEngines" }, { state: "waiting", reason: "noEngines" }, "is waiting: no engine is registered"],
    [
      "full engines",
      { state: "waiting", reason: "allBusy", hwm: 1, engines: { count: 2, first: ["E0", "E1"] }, since },
      { state: "waiting", reason: "enginesFull", engines: [0, 1], hwm: 1, since: at },
      "is waiting: engines 0, 1 may run it, and each has as many tasks as hwm allows (1) since 2026-01-02T03:04:05.000000Z",
    ],
    [
      "engines that refuse it",
      {
        state: "waiting",
        reason: "allShunned",
        shunned: { count: 2, first: ["E0", "E1"] },
        attempts: { retried: 1, retriesLeft: 2, failedOn: { count: 1, first: ["E0"] }, declinedBy: { count: 1, first: ["gone"] } },
      },
      { reason: "enginesRefuse", attempts: { retried: 1, retriesLeft: 2, failedOn: [0], declinedBy: ["gone"] } },
      "the engines that are here have failed or declined it, and it waits for another one, after 1 failed attempt on engine 0 (2 left), declined by engine gone",
    ],
    ["its engine", { state: "running", engine: "E1", ahead: 0 }, { state: "running", reason: "engineHasIt", engines: [1] }, "is running: engine 1 has it"],
    [
      "others before it",
      { state: "running", engine: "E1", ahead: 3 },
      { state: "queued", reason: "engineBusy", engines: [1], ahead: 3 },
      "is queued: engine 1 has it, behind 3 other requests",
    ],
    ["an engine that left", { state: "stranded", engine: "E7" }, { state: "running", reason: "engineLeft", engines: ["E7"] }, "engine E7 left while it had it"],
  ])("tells of %s", async (_, answer, facts, sentence) => {
    const { id, explanation } = await explained(answer);
    expect(explanation).toMatchObject({ msgId: id, ...facts });
    expect(String(explanation)).toContain(`request ${id} is `);
    expect(String(explanation)).toContain(sentence);
  });

  it.each<[string, Dict, string]>([
    [
      "dependency",
      { state: "blocked", unfinished: { count: 22, first: ["a", "b"] } },
      "it comes after 22 unfinished tasks: a (running), b (running) and 20 more",
    ],
    ["follow", { state: "waiting", reason: "followUnfinished", unfinished: { count: 1, first: ["a"] } }, "it follows 1 unfinished task: a"],
    ["lookup", { state: "resolving", lookedUp: { count: 1, first: ["a"] } }, "asks the task store what became of 1 unfinished task: a"],
  ])("tells what it waits for and how that stands (%s)", async (reason, answer, sentence) => {
    const { explanation } = await explained(answer, { state: "running", engine: "E0", ahead: 0 });
    expect(explanation).toMatchObject({ state: "waiting", reason });
    expect(explanation.waitsFor[0]).toEqual({ msgId: "a", state: "running" });
    expect(String(explanation)).toContain(sentence);
  });

  it("asks nobody about what waits in this client or has ended", async () => {
    const { client, peer } = await connectScripted([0], { window: { messagesMax: 1 } });
    const view = client.directView(0);
    const [first, second] = [view.apply(() => 1), view.apply(() => 2)];
    const explain = async (result: AsyncResult<unknown>): Promise<Explanation> => (await client.explain(result))[0] as Explanation;
    const request = await peer.next("mux");
    expect(await explain(second)).toMatchObject({ state: "waiting", reason: "window" });
    peer.fail(request, "RangeError", "too\nmuch", { engine_uuid: "E0", engine_id: 0, method: "apply" });
    await first.wait();
    expect(await explain(first)).toMatchObject({ state: "done", reason: "failed", failure: "RemoteError: too" });
    peer.succeed(await peer.next("mux"), 2);
    await second;
    const ended = await explain(second);
    expect(ended).toMatchObject({ state: "done", reason: "succeeded", engines: [0] });
    expect(String(ended)).toMatch(/is done: it succeeded on engine 0 at \d{4}-/);
    expect(peer.sent).toEqual([]);
  });

  it("asks the Hub whose turn it is at the engine of a direct request", async () => {
    const { client, peer } = await connectScripted();
    const [first, second] = [client.directView(1).apply(() => 1), client.directView(1).apply(() => 2)];
    const ids = [...first.msgIds, ...second.msgIds];
    const explaining = client.explain([first, second]);
    await hubSays(peer, "queue_request", { 0: { queue: [], completed: [], tasks: [] }, 1: { queue: ids, completed: [], tasks: [] }, unassigned: [] });
    const [head, next] = await explaining;
    expect(head).toMatchObject({ state: "running", reason: "engineHasIt", engines: [1] });
    expect(next).toMatchObject({ state: "queued", reason: "engineBusy", engines: [1], ahead: 1 });
  });

  it("tells of a broadcast which engines have it", async () => {
    const { client } = await connectScripted();
    const [explanation] = await client.explain(client.broadcastView({ coalescing: true }).apply(() => 1));
    expect(explanation).toMatchObject({ state: "running", reason: "enginesHaveIt", engines: [0, 1] });
  });

  it("asks the Hub about what the scheduler does not have any more, or never had", async () => {
    const { client, peer } = await connectScripted([0], {}, OURS);
    const about = async (scheduler: Dict, records: readonly Dict[]): Promise<Explanation> => {
      const explaining = client.explain("theirs");
      peer.reply(await peer.next("control"), { status: "ok", tasks: { theirs: scheduler } });
      await hubSays(peer, "db_request", { records });
      return explaining;
    };
    const completed = at.toISOString();
    expect(await about({ state: "unknown" }, [])).toMatchObject({ state: "unknown", reason: "unknown" });
    const failed = { msg_id: "theirs", queue: "task", engine_uuid: "E0", completed, result_content: { status: "error", ename: "TypeError", evalue: "no" } };
    const explanation = await about({ state: "finished", outcome: "failed", engine: "E0" }, [failed]);
    expect(explanation).toMatchObject({ state: "done", reason: "failed", failure: "TypeError: no", engines: [0], since: at });
    expect(String(explanation)).toBe("request theirs is done: it failed on engine 0 with TypeError: no at 2026-01-02T03:04:05.000000Z");
    expect(await about({ state: "unknown" }, [{ ...failed, result_content: { status: "ok" } }])).toMatchObject({ reason: "succeeded" });
    expect(await about({ state: "unknown" }, [{ ...failed, completed: null, queue: "broadcast" }])).toMatchObject({
      state: "running",
      reason: "enginesHaveIt",
    });
  });

  it("says of its own task that nobody knows, after it has asked again, that it is on its way", async () => {
    const { client, peer } = await connectScripted([0], {}, OURS);
    const result = client.loadBalancedView().apply(() => 1);
    const explaining = client.explain(result);
    for (let attempt = 0; attempt < 5; attempt += 1) {
      peer.reply(await peer.next("control"), { status: "ok", tasks: { [result.msgIds[0] as string]: { state: "unknown" } } });
      await hubSays(peer, "db_request", { records: [] });
    }
    expect((await explaining)[0]).toMatchObject({ state: "waiting", reason: "onItsWay" });
  });

  it("makes do with the Hub where the controller does not explain", async () => {
    const { client, peer } = await connectScripted([0]);
    const lview = client.loadBalancedView();
    const [first, second] = [lview.apply(() => 1), lview.apply(() => 2)];
    const queues = { 0: { queue: [], completed: [], tasks: first.msgIds }, unassigned: second.msgIds };
    const [[assigned, unassigned]] = await Promise.all([client.explain([first, second]), hubSays(peer, "queue_request", queues)]);
    expect(assigned).toMatchObject({ state: "running", reason: "engineHasIt", engines: [0] });
    expect(unassigned).toMatchObject({ state: "waiting", reason: "unassigned" });
  });

  it("says of its own requests that the controller is away, and throws that for others", async () => {
    const { client, peer } = await connectScripted([0], {}, OURS);
    const result = client.loadBalancedView().apply(() => 1);
    await peer.next("task");
    const lost = new Promise((resolve) => client.on("controllerLost", resolve));
    peer.goAway();
    await lost;
    expect(await client.explain(result.msgIds[0] as string)).toMatchObject({ state: "waiting", reason: "controllerLost" });
    await expect(client.explain("theirs")).rejects.toBeInstanceOf(ControllerLostError);
  });

  it("refuses what names no request", async () => {
    const { client } = await connectScripted();
    await expect(client.explain(7)).rejects.toBeInstanceOf(InvalidArgumentError);
  });
});
