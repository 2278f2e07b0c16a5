// Whom a client asks to stop its requests, and what it makes of the answers.

import { describe, expect, it } from "vitest";
import { InvalidArgumentError, NotSupportedError, TaskAborted, TimeoutError } from "../../../src/base/index.ts";
import type { Dict } from "../../../src/wire/index.ts";
import { connectScripted } from "./helpers.ts";

const idsOf = (order: { readonly content: Dict }): unknown => order.content["msg_ids"];

describe("cancel", () => {
  it("asks the one engine that has a direct request, and tells that it was stopped", async () => {
    const { client, peer } = await connectScripted();
    const result = client.directView(1).apply(() => 1);
    const request = await peer.next("mux");
    const cancelling = result.cancel();
    const order = await peer.next("control");
    expect([order.header.msg_type, order.idents.map(String), idsOf(order)]).toEqual(["cancel_request", ["E1"], [request.header.msg_id]]);
    peer.reply(order, { status: "ok", stopped: [request.header.msg_id] });
    peer.fail(request, "TaskAborted", "stopped", { engine_uuid: "E1", engine_id: 1, method: "apply" });
    expect(await cancelling).toEqual(new Map([[request.header.msg_id, "stopped"]]));
    expect(result.ready()).toBe(true);
    expect(await result.catch((error: unknown) => error)).toBeInstanceOf(TaskAborted);
    expect(await result.cancel()).toEqual(new Map([[request.header.msg_id, "ended"]]));
    expect(peer.sent).toEqual([]);
  });

  it("asks the controller for load-balanced tasks, then the engines that have them", async () => {
    const { client, peer } = await connectScripted([0, 1], {}, { control: "tsp-controller" });
    const lview = client.loadBalancedView();
    const results = [lview.apply(() => 1), lview.apply(() => 2), lview.apply(() => 3)];
    const [first, second, third] = [await peer.next("task"), await peer.next("task"), await peer.next("task")].map(({ header }) => header.msg_id);
    const cancelling = client.cancel(results);
    const question = await peer.next("control");
    expect([question.header.msg_type, question.idents.map(String), idsOf(question)]).toEqual(["cancel_request", ["tsp-controller"], [first, second, third]]);
    const tasks = {
      [first as string]: { state: "running", engine: "E1" },
      [second as string]: { state: "finished", outcome: "failed", engine: null },
      [third as string]: { state: "finished", outcome: "ok", engine: "E0" },
    };
    peer.reply(question, { status: "ok", tasks });
    const order = await peer.next("control");
    expect([order.idents.map(String), idsOf(order)]).toEqual([["E1"], [first]]);
    peer.reply(order, { status: "ok", stopped: [] });
    expect([...(await cancelling).values()]).toEqual(["aborted", "aborted", "ended"]);
    expect(peer.sent).toEqual([]);
  });

  it("asks all engines for load-balanced tasks of a controller that does not answer such questions", async () => {
    const { client, peer } = await connectScripted();
    const result = client.loadBalancedView().apply(() => 1);
    const request = await peer.next("task");
    const cancelling = result.cancel();
    const orders = [await peer.next("control"), await peer.next("control")];
    expect(orders.map((order) => [order.idents.map(String), idsOf(order)])).toEqual([
      [["E0"], [request.header.msg_id]],
      [["E1"], [request.header.msg_id]],
    ]);
    for (const order of orders) peer.reply(order, { status: "ok", stopped: [] });
    expect([...(await cancelling).values()]).toEqual(["aborted"]);
  });

  it("names the parts of a broadcast as its engines know them", async () => {
    const { client, peer } = await connectScripted();
    const plain = client.broadcastView().apply(() => 1);
    const coalescing = client.broadcastView({ coalescing: true }).apply(() => 2);
    const [first, second] = [await peer.next("broadcast"), await peer.next("broadcast")].map(({ header }) => header.msg_id) as [string, string];
    const cancelling = client.cancel([plain, coalescing]);
    for (const engine of ["E0", "E1"]) {
      const order = await peer.next("control");
      expect([order.idents.map(String), idsOf(order)]).toEqual([[engine], [`${first}_${engine}`, `${second}_${engine}`]]);
      peer.reply(order, { status: "ok", stopped: [] });
    }
    expect(await cancelling).toEqual(
      new Map([
        [`${first}_E0`, "aborted"],
        [`${first}_E1`, "aborted"],
        [second, "aborted"],
      ]),
    );
  });

  it("needs nobody for what waits in this client", async () => {
    const { client, peer } = await connectScripted([0], { window: { messagesMax: 1 } });
    const view = client.directView(0);
    const [sent, waiting] = [view.apply(() => 1), view.apply(() => 2)];
    await peer.next("mux");
    expect([...(await waiting.cancel()).values()]).toEqual(["aborted"]);
    expect(await waiting.catch((error: unknown) => error)).toBeInstanceOf(TaskAborted);
    expect([sent.ready(), peer.sent]).toEqual([false, []]);
  });

  it("aborts what waits at a Python engine, and refuses what may be running there, by name", async () => {
    const { client, peer: python } = await connectScripted([0], {}, {}, { 0: { language: "python" } });
    const view = client.directView(0);
    const [running, queued] = [view.call("time.sleep", 1), view.call("time.sleep", 2)];
    const [first, next] = [await python.next("mux"), await python.next("mux")].map(({ header }) => header.msg_id);
    const answer = async (): Promise<void> => {
      const order = await python.next("control");
      expect(order.header.msg_type).toBe("abort_request");
      python.reply(order, { status: "ok" });
      const question = await python.next("registration");
      python.reply(question, { status: "ok", 0: { queue: [first, next], completed: [], tasks: [] }, unassigned: [] });
    };
    const [outcomes] = await Promise.all([queued.cancel(), answer()]);
    expect([...outcomes.values()]).toEqual(["aborted"]);
    const [error] = await Promise.all([running.cancel().catch((reason: unknown) => reason), answer()]);
    expect(error).toBeInstanceOf(NotSupportedError);
    expect(String(error)).toContain(`${first} will not begin, but runs on if it has begun`);
  });

  it("tells what an engine answers with, and when it does not answer", async () => {
    const { client, peer } = await connectScripted();
    const result = client.directView(0).apply(() => 1);
    await peer.next("mux");
    const cancelling = result.cancel();
    const order = await peer.next("control");
    peer.fail(order, "TimeoutError", "it does not stop");
    await expect(cancelling).rejects.toThrow("it does not stop");
    await expect(result.cancel({ timeoutMs: 5 })).rejects.toBeInstanceOf(TimeoutError);
    await expect(result.cancel({ timeoutMs: -1 })).rejects.toBeInstanceOf(InvalidArgumentError);
  });

  it("does not mind an engine that leaves meanwhile: what it ran has ended", async () => {
    const { client, peer } = await connectScripted();
    const result = client.directView(0).apply(() => 1);
    await peer.next("mux");
    const cancelling = result.cancel();
    await peer.next("control");
    peer.notify("unregistration_notification", { id: 0, uuid: "E0" });
    await cancelling;
    expect(await result.catch((error: unknown) => (error as Error).name)).toBe("EngineError");
  });

  it("tells that a request had ended when its reply comes right behind the engine's word", async () => {
    const { client, peer } = await connectScripted();
    const [ended, failed] = [client.directView(0).apply(() => 1), client.directView(0).apply(() => 2)];
    const requests = [await peer.next("mux"), await peer.next("mux")] as const;
    const cancelling = client.cancel([ended, failed]);
    peer.reply(await peer.next("control"), { status: "ok", stopped: [] });
    peer.succeed(requests[0], 1);
    peer.fail(requests[1], "TypeError", "of its own", { engine_uuid: "E0", engine_id: 0, method: "apply" });
    expect([...(await cancelling).values()]).toEqual(["ended", "ended"]);
    await failed.wait();
  });

  it("reaches what this client had submitted again, once the Hub has told the new id", async () => {
    const { client, peer } = await connectScripted([0, 1], {}, { control: "tsp-controller" });
    const again = client.resubmit("old");
    const cancelling = again.cancel();
    const resubmission = await peer.next("registration");
    expect([resubmission.header.msg_type, idsOf(resubmission), peer.sent]).toEqual(["resubmit_request", ["old"], []]);
    peer.reply(resubmission, { status: "ok", resubmitted: { old: "new" } });
    const question = await peer.next("control");
    expect([question.header.msg_type, idsOf(question)]).toEqual(["cancel_request", ["new"]]);
    peer.reply(question, { status: "ok", tasks: { new: { state: "running", engine: "E1" } } });
    const order = await peer.next("control");
    expect([order.idents.map(String), idsOf(order)]).toEqual([["E1"], ["new"]]);
    peer.reply(order, { status: "ok", stopped: ["new"] });
    expect(await cancelling).toEqual(new Map([["new", "stopped"]]));
    await client.close();
    await again.wait();
  });

  it("tells of what the Hub did not submit again that it has ended", async () => {
    const { client, peer } = await connectScripted();
    const again = client.resubmit("nobody's");
    const cancelling = again.cancel();
    peer.reply(await peer.next("registration"), { status: "error", ename: "KeyError", evalue: "no such msg", traceback: [] });
    expect(await cancelling).toEqual(new Map([["nobody's", "ended"]]));
    await expect(again.get()).rejects.toThrow("no such msg");
    await expect(client.resubmit("other").cancel({ timeoutMs: 5 })).rejects.toThrow("the Hub did not tell the new ids");
  });

  it("refuses requests that are not of this client, before it asks anybody", async () => {
    const { client, peer } = await connectScripted();
    await expect(client.cancel("of-somebody-else")).rejects.toThrow("there is no request of-somebody-else of this client");
    expect(await client.cancel([])).toEqual(new Map());
    expect(peer.sent).toEqual([]);
  });
});
