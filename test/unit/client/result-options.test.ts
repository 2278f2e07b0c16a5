import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { CompositeError, InvalidArgumentError, RemoteError, TimeoutError } from "../../../src/base/index.ts";
import type { AsyncResult } from "../../../src/client/index.ts";
import { packValue } from "../../../src/serial/index.ts";
import type { ScriptedController, Sent } from "../../support/scripted-controller.ts";
import { connectScripted } from "./helpers.ts";

interface Mapped {
  readonly result: AsyncResult<number[], number, "many">;
  readonly peer: ScriptedController;
  readonly requests: readonly Sent[];
}

/** A map whose requests have arrived and wait for their replies: chunks of two items of `1…6`. */
async function mapped(): Promise<Mapped> {
  const { client, peer } = await connectScripted();
  const result = client
    .loadBalancedView()
    .with({ chunkSize: 2 })
    .map((x: number) => x, [1, 2, 3, 4, 5, 6]);
  const requests = [await peer.next("task"), await peer.next("task"), await peer.next("task")];
  return { result, peer, requests };
}

describe("returnExceptions", () => {
  it("puts the error in the place of each item that failed, and keeps the others", async () => {
    const { result, peer, requests } = await mapped();
    const [first, second, third] = requests as [Sent, Sent, Sent];
    peer.succeed(third, [5, 6]);
    peer.fail(second, "RangeError", "too far");
    peer.succeed(first, [1, 2]);
    const all = await result.get({ returnExceptions: true });
    expect(all.map((item) => (item instanceof RemoteError ? item.ename : item))).toEqual([1, 2, "RangeError", "RangeError", 5, 6]);
    await expect(result.get()).rejects.toBeInstanceOf(RemoteError);
  });

  it("of one request gives its value or its error", async () => {
    const { client, peer } = await connectScripted();
    const view = client.loadBalancedView();
    const [good, bad] = [view.apply(() => 1), view.apply(() => 2)];
    peer.succeed(await peer.next("task"), 1);
    peer.fail(await peer.next("task"), "Error", "boom");
    expect(await good.get({ returnExceptions: true })).toBe(1);
    expect(await bad.get({ returnExceptions: true })).toMatchObject({ evalue: "boom" });
  });

  it("does not hide that the time was over", async () => {
    const { result } = await mapped();
    await expect(result.get({ returnExceptions: true, timeoutMs: 5 })).rejects.toBeInstanceOf(TimeoutError);
  });

  it("fits items as they come, in either order", async () => {
    const { result, peer, requests } = await mapped();
    const [first, second, third] = requests as [Sent, Sent, Sent];
    const texts = async (order: "submission" | "completion"): Promise<unknown[]> => {
      const seen: unknown[] = [];
      for await (const item of result.items({ order, returnExceptions: true })) seen.push(item instanceof Error ? "failed" : item);
      return seen;
    };
    const [submission, completion] = [texts("submission"), texts("completion")];
    peer.succeed(third, [5, 6]);
    await turn();
    peer.fail(first, "Error", "a");
    await turn();
    peer.succeed(second, [3, 4]);
    expect(await submission).toEqual(["failed", "failed", 3, 4, 5, 6]);
    expect(await completion).toEqual([5, 6, "failed", "failed", 3, 4]);
  });
});

describe("returnWhen", () => {
  it("firstException throws while others still run; what follows is still told", async () => {
    const { result, peer, requests } = await mapped();
    const [first, second, third] = requests as [Sent, Sent, Sent];
    const early = result.get({ returnWhen: "firstException" });
    peer.succeed(first, [1, 2]);
    peer.fail(second, "Error", "early");
    await expect(early).rejects.toMatchObject({ evalue: "early" });
    expect([result.ready(), result.hasReached("firstException"), result.hasReached("allCompleted")]).toEqual([false, true, false]);
    peer.fail(third, "Error", "late");
    await expect(result.get()).rejects.toBeInstanceOf(CompositeError);
  });

  it("firstCompleted ends the waiting with the first request, well or not", async () => {
    const { result, peer, requests } = await mapped();
    const waiting = result.wait({ returnWhen: "firstCompleted" });
    peer.succeed(requests[1] as Sent, [3, 4]);
    expect(await waiting).toBe(false);
    expect([result.progress, result.hasReached("firstCompleted")]).toEqual([2, true]);
  });

  it("firstException without any waits for all", async () => {
    const { result, peer, requests } = await mapped();
    const all = result.get({ returnWhen: "firstException" });
    requests.forEach((request, i) => peer.succeed(request, [2 * i, 2 * i + 1]));
    expect(await all).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("a time that cannot be waited is refused at once", () => {
  it.each([-1, Number.NaN])("%d ms", async (timeoutMs) => {
    const { client } = await connectScripted();
    const result = client.loadBalancedView().apply(() => 1);
    expect(() => result.get({ timeoutMs })).toThrow(InvalidArgumentError);
    await expect(result.wait(timeoutMs)).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(result.waitOnSend(timeoutMs)).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(result.waitInteractive({ timeoutMs })).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(result.waitInteractive({ intervalMs: timeoutMs })).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(client.wait(undefined, { timeoutMs })).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(client.waitForEngines(9, { timeoutMs })).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(client.queueStatus("all", { timeoutMs })).rejects.toBeInstanceOf(InvalidArgumentError);
  });
});

describe("displayOutputs", () => {
  /** Two executes on engines 1 and 0; the second one fails after it has printed. */
  async function executed(): Promise<{ readonly result: AsyncResult<unknown[], unknown, "many"> }> {
    const { client, peer } = await connectScripted();
    const result = client.directView([1, 0]).execute("work()");
    for (const engine of ["E1", "E0"]) {
      const request = await peer.next("mux");
      peer.publish(request, "stream", { name: "stdout", text: `out ${engine}\n` }, { engine });
      peer.publish(request, "stream", { name: "stderr", text: `err ${engine}\n` }, { engine });
      if (engine === "E1") peer.reply(request, { status: "ok", execution_count: 1, user_expressions: {} }, { metadata: { engine } });
      else {
        const content = { status: "error", ename: "RangeError", evalue: "too far", traceback: ["RangeError: too far", "    at cell.ts:1:2"] };
        peer.reply(request, { ...content, engine_info: { engine_uuid: "E0", engine_id: 0, method: "execute" } }, { metadata: { engine } });
      }
      peer.idle(request);
    }
    await result.wait();
    return { result };
  }

  it.each([
    ["engine", ["out E0", "err E0", "error:0", "out E1", "err E1"]],
    ["type", ["out E1", "out E0", "err E1", "err E0", "error:0"]],
    ["order", ["out E1", "err E1", "out E0", "err E0", "error:0"]],
  ] as const)("by %s", async (groupBy, wanted) => {
    const { result } = await executed();
    const shown: string[] = [];
    await result.displayOutputs({ groupBy, sink: { write: (text) => shown.push(text) } });
    expect(shown.map((text) => /(?:out|err) E\d|error:\d/.exec(text)?.[0])).toEqual(wanted);
    expect(shown.find((text) => text.startsWith("[error:0]"))).toBe("[error:0] \nRangeError: too far\n    at cell.ts:1:2\n");
  });
});

describe("waitInteractive", () => {
  it("on a terminal draws a bar of items with rate and time to go, within its columns", async () => {
    const { result, peer, requests } = await mapped();
    const drawn: string[] = [];
    const stream = { isTTY: true, columns: 70, write: (text: string) => drawn.push(text) };
    const shown = result.waitInteractive({ intervalMs: 5, stream });
    peer.succeed(requests[0] as Sent, [1, 2]);
    while (!drawn.some((text) => text.includes("2/6"))) await turn();
    for (const request of requests.slice(1)) peer.succeed(request, [0, 0]);
    await shown;
    const lines = drawn.filter((text) => text.startsWith("\r")).map((text) => text.replace("\r\u001b[K", ""));
    expect(lines[0]).toMatch(/^\[\.+\] 0\/6 tasks finished after \d+ s$/);
    expect(lines.find((line) => line.includes("2/6"))).toMatch(/^\[#+\.+\] 2\/6 tasks finished after \d+ s, [\d.]+\/s, \d+ s to go$/);
    expect(lines.at(-1)).toMatch(/^\[#+\] 6\/6 tasks finished after \d+ s, [\d.]+\/s$/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(70);
    expect(drawn.slice(-2)).toEqual(["\n", "done\n"]);
  });

  it("when silent only waits", async () => {
    const { result, peer, requests } = await mapped();
    const shown = result.waitInteractive({ silent: true, stream: { write: () => expect.unreachable() } });
    requests.forEach((request) => peer.succeed(request, [0, 0]));
    await shown;
    expect(result.ready()).toBe(true);
  });

  it("ends before the tasks after its time, or when the first has failed", async () => {
    const { result, peer, requests } = await mapped();
    const stream = { write: (): void => undefined };
    await result.waitInteractive({ timeoutMs: 5, stream });
    const untilFailure = result.waitInteractive({ returnWhen: "firstException", stream });
    peer.fail(requests[2] as Sent, "Error", "boom");
    await untilFailure;
    expect(result.ready()).toBe(false);
  });

  it("of the client shows all that is outstanding", async () => {
    const { client, peer } = await connectScripted();
    const lines: string[] = [];
    const stream = { write: (text: string) => lines.push(text) };
    await client.waitInteractive(undefined, { stream });
    expect(lines).toEqual([]);
    client.directView().apply(() => 1);
    const shown = client.waitInteractive(undefined, { stream });
    for (let i = 0; i < 2; i += 1) peer.reply(await peer.next("mux"), { status: "ok" }, { buffers: packValue(1) });
    await shown;
    expect([lines[0], lines.at(-2), lines.at(-1)]).toEqual(["0/2 tasks finished after 0 s\n", "2/2 tasks finished after 0 s\n", "done\n"]);
  });
});
