import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { InvalidArgumentError, InvalidStateError, TaskAborted } from "../../../src/base/index.ts";
import { depend, dependent, require } from "../../../src/client/index.ts";
import { connectScripted } from "./helpers.ts";

describe("an executor", () => {
  it("submits and maps; a stream goes in and a stream comes out", async () => {
    const { client, peer } = await connectScripted();
    const executor = client.loadBalancedView().executor();
    const sum = executor.submit((a: number, b: number) => a + b, 1, 2);
    peer.succeed(await peer.next("task"), 3);
    expect(await sum).toBe(3);
    const out = Readable.from(executor.map((text: string) => text.length, Readable.from(["a", "bb"])));
    for (const length of [1, 2]) void peer.next("task").then((request) => peer.succeed(request, [length]));
    const lengths: unknown[] = [];
    for await (const length of out) lengths.push(length);
    expect(lengths).toEqual([1, 2]);
  });

  it("stops with its signal: what has not begun is aborted, what comes later refused", async () => {
    const { client, peer } = await connectScripted([0], { window: { messagesMax: 1 } });
    const executor = client.loadBalancedView().executor();
    const stopper = new AbortController();
    const running = executor.submit(() => 1);
    const waiting = executor.with({ signal: stopper.signal }).submit(() => 2);
    stopper.abort(new Error("enough"));
    await expect(waiting.get()).rejects.toBeInstanceOf(TaskAborted);
    expect(() => executor.with({ signal: stopper.signal }).submit(() => 3)).toThrow("enough");
    peer.succeed(await peer.next("task"), 1);
    expect(await running).toBe(1);
  });

  it("at its end waits for all, takes no more, and can abort what waits", async () => {
    const { client, peer } = await connectScripted([0], { window: { messagesMax: 1 } });
    const executor = client.loadBalancedView().executor();
    const [first, second] = [executor.submit(() => 1), executor.submit(() => 2)];
    const end = executor.shutdown({ cancel: true });
    expect(() => executor.submit(() => 3)).toThrow(InvalidStateError);
    // The engine has begun the first: its order to abort comes too late.
    peer.reply(await peer.next("control"), { status: "ok" });
    peer.succeed(await peer.next("task"), 1);
    await end;
    expect([await first, second.ready()]).toEqual([1, true]);
    await expect(second.get()).rejects.toBeInstanceOf(TaskAborted);
    await executor[Symbol.asyncDispose]();
  });
});

describe("a dependent function", () => {
  const isEven = (n: number): boolean => n % 2 === 0;
  const double = (x: number): number => 2 * x;

  it("runs where its check holds, and declines elsewhere", async () => {
    expect(await dependent(double, isEven, 4)(21)).toBe(42);
    await expect(dependent(double, isEven, 3)(21)).rejects.toMatchObject({ name: "UnmetDependency", message: "isEven does not hold on this engine" });
    expect(await depend(async (n: number) => Promise.resolve(isEven(n)), 2)(double)(1)).toBe(2);
  });

  it("runs where its modules can be imported", async () => {
    expect(await require(["node:os", "node:path"], double)(3)).toBe(6);
    await expect(require("no-such-module-anywhere", double)(3)).rejects.toMatchObject({ name: "UnmetDependency" });
  });

  it("is refused when it is none", () => {
    expect(() => dependent("f" as never, isEven, 1)).toThrow(InvalidArgumentError);
    expect(() => depend("check" as never)(double)).toThrow(InvalidArgumentError);
    expect(() => require([""], double)).toThrow(InvalidArgumentError);
    expect(() => require(["node:os"], 5 as never)).toThrow(InvalidArgumentError);
  });
});
