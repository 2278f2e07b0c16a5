// The public types of the client: calls infer arguments and results, References fit where values go.

import { expectTypeOf, test } from "vitest";
import { depend, dependent, require } from "../../src/client/index.ts";
import type {
  AsyncMapResult,
  AsyncResult,
  BroadcastView,
  Client,
  DirectView,
  ExecuteReply,
  ImapIterator,
  LoadBalancedView,
  RequestMetadata,
  ViewExecutor,
} from "../../src/client/index.ts";
import type { Bakapara } from "../../src/bakapara/index.ts";
import type { Cluster } from "../../src/cluster/index.ts";
import type { CurrentTask } from "../../src/engine/public.ts";
import type * as entrance from "../../src/index.ts";
import { Reference } from "../../src/serial/index.ts";

/** Whether a type is `any`, or a function that takes or gives one. */
type IsAny<T> = 0 extends 1 & T ? true : false;
type HasAny<T> = T extends (...args: infer Args) => infer R ? IsAny<R> | IsAny<Args[number]> | IsAny<Awaited<R>> : IsAny<T>;
/** Names of the members that are `any`, take it or give it. */
type AnyMembers<T> = { [K in keyof T]: true extends HasAny<T[K]> ? K : never }[keyof T];

declare const client: Client;
declare const lview: LoadBalancedView;

test("a load-balanced apply gives the function's awaited value", () => {
  expectTypeOf(lview.apply((x: number, y: string) => `${x}${y}`, 1, "a")).toEqualTypeOf<AsyncResult<string>>();
  expectTypeOf(lview.apply(async (x: number) => Promise.resolve(x), 1)).toEqualTypeOf<AsyncResult<number>>();
  expectTypeOf(lview.apply(() => undefined)).toEqualTypeOf<AsyncResult<undefined>>();
});

test("parameters of an unannotated function come from the arguments", () => {
  expectTypeOf(lview.apply((x) => x + 1, 41)).toEqualTypeOf<AsyncResult<number>>();
  expectTypeOf(lview.map((x) => x * x, [1, 2, 3])).toEqualTypeOf<AsyncMapResult<number>>();
  expectTypeOf(lview.map((x, y) => `${x}${y.length}`, [1, 2], ["a", "b"])).toEqualTypeOf<AsyncMapResult<string>>();
});

test("a mapped function may leave its elements alone", () => {
  expectTypeOf(lview.map(() => "a", [1, 2])).toEqualTypeOf<AsyncMapResult<string>>();
  expectTypeOf(client.directView().map(async () => Promise.resolve(1), "abc")).toEqualTypeOf<AsyncMapResult<number>>();
});

test("literal types of parameters are kept", () => {
  type Kind = "a" | "b";
  expectTypeOf(lview.apply((kind: Kind) => kind, "a")).toEqualTypeOf<AsyncResult<Kind>>();
  expectTypeOf(lview.map((kind: Kind) => kind, ["a", "b"])).toEqualTypeOf<AsyncMapResult<Kind>>();
});

// Only wrong calls: what is checked is that each is an error.
// oxlint-disable-next-line vitest/expect-expect
test("wrong arguments are refused", () => {
  // @ts-expect-error a text is no number
  lview.apply((x: number) => x, "a");
  // @ts-expect-error an argument is missing
  lview.apply((x: number, y: number) => x + y, 1);
  // @ts-expect-error elements have the wrong type
  lview.map((x: number) => x, ["a"]);
});

test("optional and rest parameters may be left out", () => {
  expectTypeOf(lview.apply((x: number, y?: string) => x + (y?.length ?? 0), 1)).toEqualTypeOf<AsyncResult<number>>();
  expectTypeOf(lview.apply((...xs: number[]) => xs.length, 1, 2, 3)).toEqualTypeOf<AsyncResult<number>>();
});

test("a Reference fits where a value or a function goes", () => {
  const dot = (a: number[], b: number[]): number => a.length * b.length;
  expectTypeOf(lview.apply(dot, new Reference<number[]>("A"), [1, 2])).toEqualTypeOf<AsyncResult<number>>();
  expectTypeOf(lview.apply(new Reference<(x: number) => string>("f"), 1)).toEqualTypeOf<AsyncResult<string>>();
});

test("a Reference fits in maps, as a function and inside remote and parallel functions", () => {
  expectTypeOf(lview.map(new Reference<(x: number) => string>("f"), [1, 2])).toEqualTypeOf<AsyncMapResult<string>>();
  expectTypeOf(lview.imap(new Reference<(x: number) => Promise<string>>("f"), [1])).toEqualTypeOf<ImapIterator<number, string>>();
  expectTypeOf(lview.remote(new Reference<(x: number) => Date>("f"))(new Reference<number>("n"))).toEqualTypeOf<AsyncResult<Date>>();
  expectTypeOf(client.directView(0).parallel(new Reference<(part: number[]) => string[]>("f"))([1])).toEqualTypeOf<AsyncMapResult<string>>();
  // @ts-expect-error a Reference to a text is no number
  lview.apply((x: number) => x, new Reference<string>("s"));
});

test("maps and lazy maps infer from their iterables", () => {
  expectTypeOf(lview.map((x) => x.length, new Set(["a"]))).toEqualTypeOf<AsyncMapResult<number>>();
  expectTypeOf(lview.map(async (x: number, y: string) => `${x}${await Promise.resolve(y)}`, Float64Array.of(1), new Map([["a", 1]]).keys())).toEqualTypeOf<
    AsyncMapResult<string>
  >();
  expectTypeOf(lview.imap(async (x: number) => Promise.resolve([x]), [1])).toEqualTypeOf<ImapIterator<number, number[]>>();
  expectTypeOf(client.broadcastView().remote((x: number) => x)(1)).toEqualTypeOf<AsyncResult<number[], number, "many">>();
  // @ts-expect-error the items are texts
  lview.imap((x: number) => x, ["a"]);
});

test("an executor infers as its view does", () => {
  const executor = lview.executor();
  expectTypeOf(executor.submit((x: number, y: string) => `${x}${y}`, 1, "a")).toEqualTypeOf<AsyncResult<string>>();
  expectTypeOf(executor.submit(async (x: number) => Promise.resolve(x), new Reference<number>("n"))).toEqualTypeOf<AsyncResult<number>>();
  // @ts-expect-error a text is no number
  executor.submit((x: number) => x, "a");
});

test("limits are options of every view", () => {
  expectTypeOf(lview.with({ timeLimitMs: 1 }).apply(() => 1)).toEqualTypeOf<AsyncResult<number>>();
  expectTypeOf(
    client
      .directView(0)
      .with({ timeLimitMs: 1 })
      .apply(() => 1),
  ).toEqualTypeOf<AsyncResult<number, number, "one">>();
  expectTypeOf(client.broadcastView({ timeLimitMs: 1 }).apply(() => 1)).toEqualTypeOf<AsyncResult<number[], number, "many">>();
});

test("a view of one engine gives one value, a view of several a list", () => {
  expectTypeOf(client.directView(0).apply((x: number) => x, 1)).toEqualTypeOf<AsyncResult<number, number, "one">>();
  expectTypeOf(client.directView([0, 1]).apply((x: number) => x, 1)).toEqualTypeOf<AsyncResult<number[], number, "many">>();
  expectTypeOf(client.directView().apply(() => "a")).toEqualTypeOf<AsyncResult<string[], string, "many">>();
  expectTypeOf(client.at(-1).execute("1")).toEqualTypeOf<AsyncResult<ExecuteReply, ExecuteReply, "one">>();
  expectTypeOf(client.slice(0, undefined, 2).pull<number>("a")).toEqualTypeOf<AsyncResult<number[], number, "many">>();
  expectTypeOf(
    client
      .directView()
      .with({ targets: 0 })
      .apply(() => 1),
  ).toEqualTypeOf<AsyncResult<number, number, "one">>();
  expectTypeOf(
    client
      .directView(0)
      .with({ label: "a" })
      .apply(() => 1),
  ).toEqualTypeOf<AsyncResult<number, number, "one">>();
});

test("awaiting, iterating and metadata fit the number of requests", () => {
  expectTypeOf<Awaited<AsyncMapResult<number>>>().toEqualTypeOf<number[]>();
  expectTypeOf(client.directView(0).apply(() => 1).metadata).toEqualTypeOf<RequestMetadata>();
  expectTypeOf(client.directView().apply(() => 1).metadata).toEqualTypeOf<readonly RequestMetadata[]>();
  expectTypeOf(lview.map((x: number) => x, [1]).at(0)).toEqualTypeOf<number | undefined>();
});

test("remote and parallel functions keep their parameters", () => {
  const remote = lview.remote((x: number, y: string) => x + y.length);
  expectTypeOf(remote(1, "a")).toEqualTypeOf<AsyncResult<number>>();
  const parallel = client.directView().parallel((part: number[]) => part.map(String));
  expectTypeOf(parallel([1, 2])).toEqualTypeOf<AsyncMapResult<string>>();
  expectTypeOf(lview.parallel((x: number) => x > 0).map([1])).toEqualTypeOf<AsyncMapResult<boolean>>();
});

test("a lazy map takes asynchronous iterables", () => {
  async function* numbers(): AsyncGenerator<number> {
    yield await Promise.resolve(1);
  }
  expectTypeOf(lview.imap((x) => String(x), numbers()).next()).resolves.toEqualTypeOf<IteratorResult<string, undefined>>();
});

test("returned exceptions stand where items stand", () => {
  expectTypeOf(lview.map((x: number) => `${x}`, [1]).get({ returnExceptions: true })).resolves.toEqualTypeOf<(string | Error)[]>();
  expectTypeOf(lview.apply(() => 1).get({ returnExceptions: true })).resolves.toEqualTypeOf<number | Error>();
  expectTypeOf(
    client
      .directView()
      .apply(() => 1)
      .get({ returnExceptions: true }),
  ).resolves.toEqualTypeOf<(number | Error)[]>();
  expectTypeOf(lview.apply(() => 1).get({ returnWhen: "firstException" })).resolves.toEqualTypeOf<number>();
  expectTypeOf(lview.map((x: number) => x, [1]).items({ order: "completion" })).toEqualTypeOf<AsyncGenerator<number, void, undefined>>();
  expectTypeOf(lview.map((x: number) => x, [1]).items({ returnExceptions: true })).toEqualTypeOf<AsyncGenerator<number | Error, void, undefined>>();
});

test("dependent functions and executors keep parameters and results", () => {
  const hasAtLeast = (gigabytes: number): boolean => gigabytes > 1;
  const render = async (scene: string, size: number): Promise<Uint8Array> => Promise.resolve(new Uint8Array(scene.length * size));
  expectTypeOf(lview.apply(dependent(render, hasAtLeast, 8), "a", 1)).toEqualTypeOf<AsyncResult<Uint8Array>>();
  expectTypeOf(
    lview.map(
      depend(hasAtLeast, 8)((x: number) => `${x}`),
      [1],
    ),
  ).toEqualTypeOf<AsyncMapResult<string>>();
  expectTypeOf(lview.apply(require(["sharp"], render), "a", 1)).toEqualTypeOf<AsyncResult<Uint8Array>>();
  // @ts-expect-error the check takes a number
  dependent(render, hasAtLeast, "8");
  expectTypeOf(lview.executor().submit((x: number) => x > 0, 1)).toEqualTypeOf<AsyncResult<boolean>>();
  expectTypeOf(lview.executor().map((x: number) => x > 0, [1])).toEqualTypeOf<ImapIterator<number, boolean>>();
});

test("no member of the public classes is any, takes it or gives it", () => {
  type ParsedJson = ReturnType<typeof JSON.parse>;
  expectTypeOf<AnyMembers<{ a: ParsedJson; b(): ParsedJson; c(x: ParsedJson): void; d: number }>>().toEqualTypeOf<"a" | "b" | "c">();
  expectTypeOf<AnyMembers<Client>>().toBeNever();
  expectTypeOf<AnyMembers<LoadBalancedView>>().toBeNever();
  expectTypeOf<AnyMembers<DirectView>>().toBeNever();
  expectTypeOf<AnyMembers<BroadcastView>>().toBeNever();
  expectTypeOf<AnyMembers<AsyncResult<number>>>().toBeNever();
  expectTypeOf<AnyMembers<ImapIterator<number, number>>>().toBeNever();
  expectTypeOf<AnyMembers<ViewExecutor>>().toBeNever();
  expectTypeOf<AnyMembers<RequestMetadata>>().toBeNever();
  expectTypeOf<AnyMembers<Cluster>>().toBeNever();
  expectTypeOf<AnyMembers<Bakapara>>().toBeNever();
  expectTypeOf<AnyMembers<CurrentTask>>().toBeNever();
  expectTypeOf<AnyMembers<typeof entrance>>().toBeNever();
});
