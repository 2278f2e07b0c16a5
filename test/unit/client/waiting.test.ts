// Waiting is for something to happen, and never looking again and again.

import { afterEach, expect, it, vi } from "vitest";
import { until } from "../../support/until.ts";
import type { Sent } from "../../support/scripted-controller.ts";
import { connectScripted } from "./helpers.ts";

/** The listings after a connection: at once, by the connection_reply, and after 50 ms. The next is half a second later. */
const LISTINGS_FIRST = 3;

afterEach(() => {
  vi.useRealTimers();
});

it("no waiting polls: for values, items, ends, engines, events or output no timer runs, and each ends by what arrives", async () => {
  const { client, peer } = await connectScripted([0]);
  await until(() => peer.listings >= LISTINGS_FIRST);
  vi.useFakeTimers({ toFake: ["setTimeout", "setInterval", "clearTimeout", "clearInterval"] });
  const lview = client.loadBalancedView();
  const result = lview.apply(() => 1);
  const map = lview.with({ chunkSize: 1 }).map((x: number) => x, [1, 2]);
  const executed = client.directView(0).execute("1");
  const waits: readonly PromiseLike<unknown>[] = [
    result,
    result.get(),
    result.wait(),
    map.items({ order: "completion" }).next(),
    lview.imap((x: number) => x, [5]).next(),
    client.wait(),
    client.waitForEngines(2),
    client.engineEvents().next(),
    executed,
    client
      .directView(0)
      .push({ big: new Uint8Array(5000) })
      .waitOnSend(),
  ];
  const ended = Promise.all(waits);
  const requests: Sent[] = [];
  for (let i = 0; i < 4; i += 1) requests.push(await peer.next("task"));
  const direct = [await peer.next("mux"), await peer.next("mux")] as const;
  expect(vi.getTimerCount()).toBe(0);
  requests.forEach((request, i) => peer.succeed(request, i === 0 ? 1 : [i]));
  peer.reply(direct[0], { status: "ok", execution_count: 1, user_expressions: {} });
  peer.idle(direct[0]);
  peer.succeed(direct[1], undefined);
  peer.engines.set(1, "E1");
  peer.notify("registration_notification", { id: 1, uuid: "E1", properties: { language: "typescript" } });
  expect((await ended).slice(0, 3)).toEqual([1, 1, true]);
  expect(vi.getTimerCount()).toBe(0);
});
