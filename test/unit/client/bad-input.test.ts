import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { InvalidArgumentError, type SerializationError } from "../../../src/base/index.ts";
import { Dependency } from "../../../src/client/index.ts";
import { until } from "../../support/until.ts";
import { connectScripted } from "./helpers.ts";

describe("requests named by users", () => {
  it("are ids, results, and indexes into the client's own requests", async () => {
    const { client, peer } = await connectScripted();
    const view = client.loadBalancedView();
    const results = [view.apply(() => "a"), view.apply(() => "b"), view.apply(() => "c")] as const;
    const requests = [await peer.next("task"), await peer.next("task"), await peer.next("task")];
    requests.reverse().forEach((request, i) => peer.succeed(request, ["c", "b", "a"][i]));
    await client.wait();
    expect(await client.getResult()).toEqual(["c"]);
    expect(await client.getResult([0, -2, results[2]])).toEqual(["a", "b", "c"]);
    expect(await client.getResult([results[0], results[0].msgIds[0] as string])).toEqual(["a", "a"]);
    expect(peer.sent).toEqual([]);
  });

  it.each([[7], [undefined], [{}], [null]])("and nothing else: %s", async (job) => {
    const { client } = await connectScripted();
    expect(() => client.getResult([job as number])).toThrow(InvalidArgumentError);
    await expect(client.abort([job as number])).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(client.purgeResults([job as number])).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(client.resultStatus([job as number])).rejects.toBeInstanceOf(InvalidArgumentError);
  });

  it("that are resubmitted are named once", async () => {
    const { client, peer } = await connectScripted();
    expect(() => client.resubmit(["a", "b", "a"])).toThrow("the request a is named twice");
    expect(peer.sent).toEqual([]);
  });
});

describe("objects of this process", () => {
  it("are refused inside a function, by their own names and with what to do instead, and the stack begins where the view was called", async () => {
    const { client, peer } = await connectScripted();
    const view = client.loadBalancedView();
    const result = client.directView(0).apply(() => 1);
    const refusal = (submit: () => unknown): SerializationError => {
      try {
        submit();
      } catch (error) {
        return error as SerializationError;
      }
      throw new Error("it was not refused");
    };
    const inFunction = refusal(() => view.apply(() => view.length));
    expect(inFunction.message).toContain('captured variable "view" is a LoadBalancedView, which lives in this process only; submit from here, or');
    expect(inFunction.stack?.split("\n")[1]).toContain("bad-input.test.ts");
    expect(refusal(() => view.map((x: number) => x + client.length, [1])).message).toContain('captured variable "client" is a Client');
    expect(refusal(() => view.apply(() => result)).message).toContain(
      'captured variable "result" is an AsyncResult, which lives in this process only; await it',
    );
    expect(refusal(() => view.apply((job: { readonly size: number; readonly view: unknown }) => job.size, { size: 2, view })).message).toContain(
      "cannot send args[0].view: it is a LoadBalancedView",
    );
    expect(peer.sent).toHaveLength(1);
  });

  it("print in one line: whom they talk to, and with which options", async () => {
    const { client, peer } = await connectScripted();
    const lview = client.loadBalancedView().with({ retries: 2, label: "careful", after: new Dependency(["a"]) });
    expect([client, client.directView(), client.directView(1), lview, client.broadcastView()].map((object) => inspect(object))).toEqual([
      "<Client: 2 engines>",
      "<DirectView: engines 0…1>",
      "<DirectView: engine 1>",
      '<LoadBalancedView: engines 0…1; retries: 2, label: "careful", after: …>',
      "<BroadcastView: engines 0…1>",
    ]);
    peer.notify("unregistration_notification", { id: 1, uuid: "E1" });
    await until(() => client.length === 1);
    expect(inspect(client)).toBe("<Client: 1 engine>");
    await client.close();
    expect(String(lview)).toContain("<LoadBalancedView: ");
  });
});

describe("views", () => {
  it("of engines that are not there are refused when they are made, before anything is sent", async () => {
    const { client, peer } = await connectScripted();
    for (const targets of [[9], [0, 9], [-3]]) {
      expect(() => client.directView(targets)).toThrow("the engines are 0…1");
      expect(() => client.loadBalancedView(targets)).toThrow("the engines are 0…1");
      expect(() => client.broadcastView({ targets })).toThrow("the engines are 0…1");
      await expect(client.clear(targets)).rejects.toThrow("the engines are 0…1");
      await expect(client.sendSignal("SIGINT", targets)).rejects.toThrow("the engines are 0…1");
    }
    expect(() => client.broadcastView({ targets: [] })).toThrow(InvalidArgumentError);
    expect(peer.sent).toEqual([]);
  });

  it("map nothing of an iterable that throws midway", async () => {
    const { client, peer } = await connectScripted();
    function* failing(): Generator<number> {
      yield 1;
      throw new RangeError("the source broke");
    }
    expect(() => client.loadBalancedView().map((x: number) => x, failing())).toThrow("the source broke");
    expect(() => client.directView().map((x: number) => x, failing())).toThrow("the source broke");
    expect(() => client.directView().scatter("a", failing())).toThrow("the source broke");
    expect(peer.sent).toEqual([]);
  });
});

describe("the Hub's load", () => {
  it("is told by engine", async () => {
    const { client, peer } = await connectScripted();
    const loads = client.loadStatus([1, 0]);
    const request = await peer.next("registration");
    expect(request).toMatchObject({ header: { msg_type: "load_request" }, content: { targets: [1, 0] } });
    peer.reply(request, { status: "ok", 0: 3, 1: 0 });
    expect(await loads).toEqual({ 0: 3, 1: 0 });
  });
});

describe("a priority", () => {
  it("is a whole number from -1000 to 1000; others are refused, and 0 is not sent", async () => {
    const { client, peer } = await connectScripted();
    const lview = client.loadBalancedView();
    for (const priority of [1.5, 1001, -1001, Number.NaN, "high" as unknown as number]) {
      expect(() => lview.with({ priority }).apply(() => 1)).toThrow(/priority must be a whole number from -1000 to 1000, and is /);
    }
    void lview.with({ priority: -7 }).apply(() => 1);
    void lview.with({ priority: 0 }).apply(() => 1);
    expect((await peer.next("task")).metadata["priority"]).toBe(-7);
    expect("priority" in (await peer.next("task")).metadata).toBe(false);
  });
});
