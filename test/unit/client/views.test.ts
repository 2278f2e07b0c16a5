import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { InvalidArgumentError, NoEnginesRegistered, RemoteError, SerializationError } from "../../../src/base/index.ts";
import { Dependency } from "../../../src/client/index.ts";
import { packValue } from "../../../src/serial/index.ts";
import { PACKING_OFFER } from "../../../src/wire/index.ts";
import { until } from "../../support/until.ts";
import type { Channel, ScriptedController, Sent } from "../../support/scripted-controller.ts";
import { connectScripted } from "./helpers.ts";

const double = (x: number): number => x * 2;

/** Takes `n` requests of a channel. */
async function take(peer: ScriptedController, channel: Channel, n: number): Promise<Sent[]> {
  const taken: Sent[] = [];
  for (let i = 0; i < n; i += 1) taken.push(await peer.next(channel));
  return taken;
}

const identsOf = (requests: readonly Sent[]): string[] => requests.map((request) => request.idents.map((frame) => Buffer.from(frame).toString()).join());

describe("a direct view", () => {
  it("of one engine gives one value, of several a list in the order of the engines", async () => {
    const { client, peer } = await connectScripted();
    const one = client.directView(-1).apply(double, 1);
    const request = await peer.next("mux");
    expect([identsOf([request]), request.metadata]).toEqual([["E1"], { label: null, count_outputs: true }]);
    peer.succeed(request, 2, "E1");
    expect(await one).toBe(2);
    const many = client.directView([1, 0]).apply(double, 1);
    const requests = await take(peer, "mux", 2);
    expect(identsOf(requests)).toEqual(["E1", "E0"]);
    requests.forEach((sent, i) => peer.succeed(sent, i));
    expect(await many).toEqual([0, 1]);
  });

  it("keeps its engines when others join; a view of all asks anew", async () => {
    const { client, peer } = await connectScripted();
    const [now, all, sliced] = [client.directView(), client.directView("all"), client.slice(0, undefined, 2)];
    peer.notify("registration_notification", { id: 2, uuid: "E2", properties: { language: "typescript" } });
    await client.waitForEngines(3, { timeoutMs: 2000 });
    expect([now.targets, all.targets, sliced.targets, all.length]).toEqual([[0, 1], [0, 1, 2], [0], 3]);
  });

  it("refuses engines that are not there, and targets that are none", async () => {
    const { client } = await connectScripted();
    expect(() => client.directView(7)).toThrow(InvalidArgumentError);
    expect(() => client.directView([])).toThrow(InvalidArgumentError);
    expect(() => client.directView("some" as "all")).toThrow(
      'targets must be an engine id, a list of ids, "all", or properties like { language: "python" }, and is "some"',
    );
    expect(() => client.at(5)).toThrow(InvalidArgumentError);
    const { client: lonely } = await connectScripted([]);
    expect(() => lonely.directView()).toThrow(NoEnginesRegistered);
    expect(() => lonely.directView("all").apply(double, 1)).toThrow(NoEnginesRegistered);
  });

  it("maps one contiguous part on each engine, and skips engines without items", async () => {
    const { client, peer } = await connectScripted([0, 1, 2]);
    const result = client.directView().map(double, [1, 2, 3, 4]);
    expect([result.length, result.progress]).toEqual([4, 0]);
    const requests = await take(peer, "mux", 3);
    peer.succeed(requests[2] as Sent, [8]);
    peer.succeed(requests[0] as Sent, [2, 4]);
    await until(() => result.progress === 3);
    peer.succeed(requests[1] as Sent, [6]);
    expect(await result).toEqual([2, 4, 6, 8]);
    expect([result.slice(1, 3), result.at(-1)]).toEqual([[4, 6], 8]);
    const short = client.directView().map(double, [1]);
    peer.succeed(await peer.next("mux"), [2]);
    expect([await short, peer.sent]).toEqual([[2], []]);
    expect(await client.directView().map(double, [])).toEqual([]);
  });

  it("gathers what it scatters, typed arrays into one typed array", async () => {
    const { client, peer } = await connectScripted();
    const scattered = client.directView().scatter("a", new Float64Array([1, 2, 3]));
    for (const request of await take(peer, "mux", 2)) peer.succeed(request, undefined);
    expect(await scattered).toEqual([undefined, undefined]);
    const gathered = client.directView().gather<Float64Array>("a");
    const pulls = await take(peer, "mux", 2);
    peer.succeed(pulls[0] as Sent, new Float64Array([1, 2]));
    peer.succeed(pulls[1] as Sent, new Float64Array([3]));
    expect(await gathered).toEqual(new Float64Array([1, 2, 3]));
    const robin = client.directView().gather("b", { dist: "roundRobin" });
    const parts = await take(peer, "mux", 2);
    peer.succeed(parts[0] as Sent, [0, 2, 4]);
    peer.succeed(parts[1] as Sent, [1, 3]);
    expect(await robin).toEqual([0, 1, 2, 3, 4]);
  });

  it("with changes something and leaves the view as it was", async () => {
    const { client } = await connectScripted();
    const view = client.directView();
    expect(view.with({ targets: 1 }).targets).toEqual([1]);
    expect(view.targets).toEqual([0, 1]);
  });
});

describe("a load-balanced view", () => {
  it("sends its options with each task; derived views do not change their origin", async () => {
    const { client, peer } = await connectScripted();
    const view = client.loadBalancedView();
    const earlier = view.apply(double, 1);
    const [first] = await take(peer, "task", 1);
    const id = first?.header.msg_id as string;
    view.with({ after: earlier, follow: new Dependency([id, "x"], { all: false, failure: true }), timeoutMs: 1500, retries: 3, targets: [1] }).apply(double, 2);
    view.apply(double, 3);
    const [second, third] = await take(peer, "task", 2);
    expect(second?.metadata).toEqual({
      after: [id],
      follow: { dependencies: [id, "x"], all: false, success: true, failure: true },
      timeout: 1.5,
      retries: 3,
      targets: ["E1"],
      label: null,
      count_outputs: true,
    });
    expect(third?.metadata).toEqual({ after: [], follow: [], timeout: 0, retries: 0, targets: [], label: null, count_outputs: true });
  });

  it.each([[{ timeoutMs: -1 }], [{ retries: 0.5 }], [{ chunkSize: 0 }], [{ targets: [9] }], [{ after: [{}] as unknown as string[] }]])(
    "refuses %j",
    async (options) => {
      const { client } = await connectScripted();
      expect(() => client.loadBalancedView().with(options)).toThrow(InvalidArgumentError);
    },
  );

  it("refuses a label that is no JSON value, as every view does", async () => {
    const { client } = await connectScripted();
    expect(() => client.loadBalancedView().with({ label: 1n })).toThrow(InvalidArgumentError);
    expect(() => client.directView().with({ label: 1n })).toThrow(InvalidArgumentError);
    expect(() => client.broadcastView({ label: 1n })).toThrow(InvalidArgumentError);
  });

  it("maps in chunks and gives one list, in order", async () => {
    const { client, peer } = await connectScripted();
    const result = client
      .loadBalancedView()
      .with({ chunkSize: 2 })
      .map((x: number, y: number) => x + y, [1, 2, 3], [10, 20, 30, 40]);
    const requests = await take(peer, "task", 2);
    peer.succeed(requests[1] as Sent, [33]);
    peer.succeed(requests[0] as Sent, [11, 22]);
    expect(await result).toEqual([11, 22, 33]);
    expect(String(result)).toBe("<AsyncMapResult: finished 3/3>");
  });

  it("cuts a large map into a bounded number of chunks, and heavy items into lighter ones", async () => {
    const { client, peer } = await connectScripted();
    client.loadBalancedView().map(
      double,
      Array.from({ length: 10_000 }, (_, i) => i),
    );
    await until(() => peer.sent.length > 0);
    expect(peer.sent.length).toBeLessThanOrEqual(64);
    peer.sent.length = 0;
    // 200 items of 1 MiB would go four at a time; eight chunks of 24 MiB exceed what a chunk may weigh.
    client.loadBalancedView([0]).map((text: string) => text.length, Array.from({ length: 800 }, () => "x".repeat(1024 ** 2)).slice(0, 200));
    const sizes = peer.sent.map((sent) => sent.buffers.reduce((sum, frame) => sum + frame.length, 0));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(17 * 1024 ** 2);
  });

  it("sends the first chunks of a map, one for each engine, before the others are packed", async () => {
    const { client, peer } = await connectScripted([0, 1], {}, PACKING_OFFER);
    const sentBefore: number[] = [];
    const items = Array.from({ length: 4 }, (_, i) => ({
      get value(): number {
        return (sentBefore[i] = peer.sent.length);
      },
    }));
    const result = client.loadBalancedView().map((item: { readonly value: number }) => item.value, items);
    // Whether the third one waits for the fourth is a matter of milliseconds.
    expect(sentBefore.slice(0, 3)).toEqual([0, 0, 2]);
    (await take(peer, "task", 4)).forEach((request, i) => peer.succeed(request, [i]));
    expect(await result).toEqual([0, 1, 2, 3]);
  });

  it("unordered gives items as they complete", async () => {
    const { client, peer } = await connectScripted();
    const result = client.loadBalancedView().with({ ordered: false, chunkSize: 1 }).map(double, [1, 2]);
    const [first, second] = await take(peer, "task", 2);
    peer.succeed(second as Sent, [4]);
    await until(() => result.progress === 1);
    peer.succeed(first as Sent, [2]);
    const items: number[] = [];
    for await (const item of result) items.push(item);
    expect(items).toEqual([4, 2]);
    expect(await result).toEqual([2, 4]);
  });

  it("serialises in the call: changing a value afterwards changes nothing", async () => {
    const { client, peer } = await connectScripted([0], { window: { messagesMax: 1 } });
    const view = client.loadBalancedView();
    view.apply((list: number[]) => list.length, [1]);
    const list = [1, 2];
    view.apply((items: number[]) => items.length, list);
    list.push(3);
    const first = await peer.next("task");
    expect(peer.sent).toEqual([]);
    const untouched = view.apply((items: number[]) => items.length, [1, 2]);
    peer.succeed(first, 1);
    const second = await peer.next("task");
    peer.succeed(second, 2);
    const third = await peer.next("task");
    expect(second.buffers).toEqual(third.buffers);
    peer.succeed(third, 2);
    await untouched;
  });

  it("refuses at the call what cannot travel", async () => {
    const { client, peer } = await connectScripted();
    const view = client.loadBalancedView();
    const secret = Symbol("secret");
    expect(() => view.apply((x: unknown) => x, secret)).toThrow(SerializationError);
    expect(() => view.map((x: unknown) => x, [secret])).toThrow(SerializationError);
    expect(() => client.directView().push({ secret })).toThrow(SerializationError);
    expect(peer.sent).toEqual([]);
  });

  it("keeps a bounded number of tasks under way, and sends the rest in order", async () => {
    const { client, peer } = await connectScripted([0], { window: { messagesMax: 10 } });
    const view = client.loadBalancedView();
    const results = Array.from({ length: 100 }, (_, i) => view.apply(double, i));
    expect(peer.sent).toHaveLength(10);
    expect(client.outstanding.size).toBe(100);
    expect((await client.resultStatus([results[50] as never])).pending).toEqual(results[50]?.msgIds);
    for (let i = 0; i < 100; i += 1) peer.succeed(await peer.next("task"), i);
    expect(await Promise.all(results)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it("waits while the socket's queue is full", async () => {
    const { client, peer } = await connectScripted();
    peer.full.add("task");
    const view = client.loadBalancedView();
    const results = [view.apply(double, 1), view.apply(double, 2)];
    expect(peer.sent).toEqual([]);
    peer.full.delete("task");
    const requests = await take(peer, "task", 2);
    expect(requests.map((request) => request.header.msg_id)).toEqual(results.flatMap((result) => result.msgIds));
  });
});

describe("a lazy map", () => {
  it("takes items from the source only as results are taken", async () => {
    const { client, peer } = await connectScripted();
    let taken = 0;
    const source = function* (): Generator<number> {
      for (;;) yield taken++;
    };
    const results = client.loadBalancedView().imap(double, source(), { maxOutstanding: 3 });
    expect(taken).toBe(0);
    const first = results.next();
    await until(() => peer.sent.length === 3);
    expect(taken).toBe(3);
    peer.succeed(await peer.next("task"), [0]);
    expect(await first).toEqual({ value: 0, done: false });
    await until(() => peer.sent.length === 3);
    expect(taken).toBe(4);
    const ids = peer.sent.map((sent) => sent.header.msg_id);
    const cancelled = results.cancel();
    for (const order of await take(peer, "control", 2)) {
      expect(order.content).toEqual({ msg_ids: ids });
      peer.reply(order, { status: "ok" });
    }
    await cancelled;
    expect(await results.next()).toEqual({ value: undefined, done: true });
  });

  it("takes asynchronous sources to their end, in order or as completed", async () => {
    const { client, peer } = await connectScripted();
    async function* source(): AsyncGenerator<number> {
      for (const x of [1, 2, 3]) yield await Promise.resolve(x);
    }
    const play = async (): Promise<void> => {
      const requests = await take(peer, "task", 3);
      for (const i of [2, 0, 1]) {
        peer.succeed(requests[i] as Sent, [(i + 1) * 2]);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const collect = async (ordered: boolean): Promise<number[]> => {
      const items: number[] = [];
      for await (const item of client.loadBalancedView().imap(double, source(), { ordered })) items.push(item);
      return items;
    };
    const [ordered] = await Promise.all([collect(true), play()]);
    const [unordered] = await Promise.all([collect(false), play()]);
    expect([ordered, unordered]).toEqual([
      [2, 4, 6],
      [6, 2, 4],
    ]);
  });

  it("passes on what the source throws, after the results before it", async () => {
    const { client, peer } = await connectScripted();
    const source = function* (): Generator<number> {
      yield 1;
      throw new RangeError("dry");
    };
    const results = client.loadBalancedView().imap(double, source());
    const first = results.next();
    peer.succeed(await peer.next("task"), [2]);
    expect(await first).toEqual({ value: 2, done: false });
    await expect(results.next()).rejects.toThrow("dry");
  });

  it("that is cancelled leaves a source that gives nothing at the moment, and closes a stream", async () => {
    const { client } = await connectScripted();
    let isReturned = false;
    const silent: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: () => {
          isReturned = true;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    const stream = new PassThrough({ objectMode: true });
    for (const source of [silent, stream as AsyncIterable<number>]) {
      const results = client.loadBalancedView().imap(double, source);
      const first = results.next();
      await results.cancel();
      expect(await first).toEqual({ value: undefined, done: true });
    }
    expect([isReturned, stream.destroyed]).toEqual([true, true]);
  });

  it("ends with its signal's reason, and refuses nonsense", async () => {
    const { client, peer } = await connectScripted([0]);
    const stop = new AbortController();
    const results = client.loadBalancedView().imap(double, [1, 2], { signal: stop.signal });
    const first = results.next();
    await until(() => peer.sent.length === 2);
    stop.abort(new Error("enough"));
    await expect(Promise.all([first, peer.next("control").then((order) => peer.reply(order, { status: "ok" }))])).rejects.toThrow("enough");
    expect(() => client.loadBalancedView().imap(double, [1], { maxOutstanding: 0 })).toThrow(InvalidArgumentError);
    expect(() => client.loadBalancedView().imap(double, [1], { chunkSize: 1.5 })).toThrow(InvalidArgumentError);
    expect(() => client.loadBalancedView().imap(double, 5 as unknown as number[])).toThrow("imap's items cannot be iterated, being number");
  });
});

describe("a broadcast view", () => {
  it("sends once and is answered by each engine under a derived id", async () => {
    const { client, peer } = await connectScripted();
    const result = client.broadcastView().apply(double, 1);
    const request = await peer.next("broadcast");
    expect([request.idents, request.metadata, peer.sent]).toEqual([
      [],
      {
        targets: [
          ["E0", 0],
          ["E1", 1],
        ],
        is_broadcast: true,
        is_coalescing: false,
        label: null,
        count_outputs: true,
      },
      [],
    ]);
    const id = request.header.msg_id;
    peer.succeed(request, "b", "E1", `${id}_E1`);
    peer.succeed(request, "a", "E0", `${id}_E0`);
    expect(await result).toEqual(["a", "b"]);
  });

  it("coalesced is answered once; its values are told apart by engine", async () => {
    const { client, peer } = await connectScripted();
    const coalesce = async (buffers: Uint8Array[]): Promise<ReturnType<typeof start>> => {
      const started = start();
      const request = await peer.next("broadcast");
      const id = request.header.msg_id;
      const metadata = {
        is_broadcast: true,
        is_coalescing: true,
        original_msg_id: id,
        broadcast_targets: [
          ["E1", 1],
          ["E0", 0],
        ],
        engine: "E0",
      };
      peer.reply(request, { status: "ok" }, { parentId: `${id}_E0`, metadata, buffers });
      return started;
    };
    const start = () => [client.broadcastView({ coalescing: true }).apply(double, 1)] as const;
    const [result] = await coalesce([...packValue("b"), ...packValue("a")]);
    expect(await result).toEqual(["b", "a"]);
    expect([result.getDict(), result.length]).toEqual([{ 0: "a", 1: "b" }, 2]);
    const [partial] = await coalesce(packValue("b"));
    await expect(partial.get()).rejects.toThrow(RemoteError);
    await expect(partial.get()).rejects.toThrow("1 of 2 engines failed");
  });
});

describe("remote and parallel functions", () => {
  it("call their function with arguments, with parts, and with elements", async () => {
    const { client, peer } = await connectScripted();
    const remote = client.directView(0).remote(double);
    const called = remote(4);
    peer.succeed(await peer.next("mux"), 8);
    expect([await called, remote.local]).toEqual([8, double]);
    const parallel = client.directView().parallel((part: number[]) => part.map((x) => x * 2));
    const parts = parallel([1, 2, 3]);
    const [first, second] = await take(peer, "mux", 2);
    peer.succeed(first as Sent, [2, 4]);
    peer.succeed(second as Sent, [6]);
    expect(await parts).toEqual([2, 4, 6]);
    const mapped = client.loadBalancedView().with({ chunkSize: 2 }).parallel(double).map([1, 2]);
    const task = await peer.next("task");
    peer.succeed(task, [2, 4]);
    expect(await mapped).toEqual([2, 4]);
  });
});

it("views keep the engines they were made with, whoever joins or leaves", async () => {
  const { client, peer } = await connectScripted();
  const last = client.directView().with({ targets: -1 });
  const balanced = client.loadBalancedView([-1]);
  peer.engines.set(2, "E2");
  peer.notify("registration_notification", { id: 2, uuid: "E2", properties: { language: "typescript" } });
  await client.waitForEngines(3, { timeoutMs: 2000 });
  expect([last.targets, balanced.targets, balanced.with({ label: "x" }).targets]).toEqual([[1], [1], [1]]);
  peer.engines.delete(1);
  peer.notify("unregistration_notification", { id: 1, uuid: "E1" });
  await until(() => client.length === 2);
  expect(() => last.apply(double, 1)).toThrow(InvalidArgumentError);
  expect([balanced.with({ label: "x" }).targets, client.loadBalancedView().targets]).toEqual([[], [0, 2]]);
});
