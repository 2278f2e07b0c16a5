// What users do wrong, each with the error that has its name, at once: from the client where it can know, else from the
// controller or an engine. A promise that is answered late fails by the tests' own deadline.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  Dependency,
  InvalidArgumentError,
  InvalidDependency,
  InvalidStateError,
  NoEnginesRegistered,
  RemoteError,
  TimeLimitExceeded,
  type Client,
  type LoadBalancedView,
} from "tsparallel";
import { TestCluster, withCluster } from "../support/with-cluster.ts";

const RESULT_BYTES_MAX = 10_000;
const AT_ONCE_MS = 5000;
let cluster: TestCluster;
let rc: Client;
let lview: LoadBalancedView;

beforeAll(async () => {
  cluster = await TestCluster.start({ engines: 2, engineArgs: [`--result-bytes-max=${RESULT_BYTES_MAX}`] });
  rc = await cluster.connect();
  await rc.waitForEngines(2, { timeoutMs: 60_000 });
  lview = rc.loadBalancedView();
});

afterAll(async () => {
  await cluster?.stop();
});

const one = (): number => 1;
const same = (x: number): number => x;

function* brokenSource(): Generator<number> {
  yield 1;
  throw new RangeError("the source broke");
}

/** What an action fails with, thrown or rejected, or that it does not. */
async function failureOf(action: () => unknown): Promise<unknown> {
  try {
    return { isFailure: false, value: await action() };
  } catch (error) {
    return error;
  }
}

/** A wrong action, the class of its error, and what the error says. */
type Case = readonly [name: string, action: () => unknown, errorClass: new (...args: never[]) => Error, text: RegExp];

const get = (result: { get(options: { timeoutMs: number }): Promise<unknown> }): Promise<unknown> => result.get({ timeoutMs: AT_ONCE_MS });

const CASES: readonly Case[] = [
  ["an unknown engine id in a direct view", () => rc.directView([0, 9]), InvalidArgumentError, /^there is no engine 9; the engines are 0…1/],
  ["an unknown engine id in a load-balanced view", () => rc.loadBalancedView(9), InvalidArgumentError, /^there is no engine 9/],
  ["an unknown engine id in a broadcast view", () => rc.broadcastView({ targets: -3 }), InvalidArgumentError, /^there is no engine -3/],
  ["an unknown engine id in a question to the Hub", () => rc.queueStatus(9), InvalidArgumentError, /^there is no engine 9/],
  ["an index that no engine has", () => rc.at(2), InvalidArgumentError, /^there is no engine at index 2/],
  ["an index that is no whole number", () => rc.at(0.5), InvalidArgumentError, /^there is no engine at index 0.5/],
  ["properties that no engine has", () => rc.directView({ host: "nowhere" }).apply(one), NoEnginesRegistered, /no engine has host "nowhere"; there are 0:/],
  ["an empty direct view", () => rc.directView([]), InvalidArgumentError, /^a view needs at least one engine, and its targets are empty/],
  ["an empty load-balanced view", () => rc.loadBalancedView([]), InvalidArgumentError, /its targets are empty/],
  ["an empty broadcast view", () => rc.broadcastView({ targets: [] }), InvalidArgumentError, /its targets are empty/],
  ["an empty slice", () => rc.slice(5), InvalidArgumentError, /its targets are empty/],
  ["a duplicate msg_id to run again", () => get(rc.resubmit(["a", "a"])), InvalidArgumentError, /^the request a is named twice/],
  ["a foreign msg_id to run again", () => get(rc.resubmit("nobody's")), RemoteError, /^KeyError: .*nobody/],
  ["a foreign msg_id whose result is asked for", () => get(rc.getResult("nobody's")), RemoteError, /^KeyError: .*nobody/],
  ["a foreign msg_id whose state is asked for", () => rc.resultStatus("nobody's"), RemoteError, /^KeyError: .*nobody/],
  ["something that names no request", () => rc.getResult({} as string), InvalidArgumentError, /^a request is named by its message id, its result or its index/],
  ["an index that no request of this client has", () => rc.getResult(12_345), InvalidArgumentError, /^there is no request at index 12345/],
  ["a dependency on the future", () => get(lview.with({ after: "to-come" }).apply(one)), InvalidDependency, /task 'to-come' was not submitted/],
  ["a place beside the future", () => get(lview.with({ follow: "to-come" }).apply(one)), InvalidDependency, /task 'to-come' was not submitted/],
  ["a list of dependencies that contains itself", () => lview.with({ after: ring() }).apply(one), InvalidArgumentError, /neither a message id nor a result/],
  ["a dependency that counts nothing", () => new Dependency("a", { success: false }), InvalidArgumentError, /must count success, failure or both/],
  ["a dependency on something that is no task", () => lview.with({ after: 5 as unknown as string }), InvalidArgumentError, /neither a message id nor a result/],
  [
    "engines to be ended that are named beside the options",
    () => rc.shutdown(9 as unknown as object),
    InvalidArgumentError,
    /^shutdown takes an object of options \(targets,/,
  ],
  ["a misspelt option of shutdown, which would end all engines", () => rc.shutdown({ target: 1 } as object), InvalidArgumentError, /did you mean "targets"/],
  ["a misspelt option of an executor", () => lview.executor({ signl: 1 } as object), InvalidArgumentError, /^an executor has no option "signl"/],
  ["a time that is a text", () => lview.apply(one).get({ timeoutMs: "5" as unknown as number }), InvalidArgumentError, /^timeoutMs must be/],
  ["a time that is no option", () => lview.apply(one).waitForOutput(-1 as unknown as object), InvalidArgumentError, /told as { timeoutMs }, and not as -1/],
  ["a timeout of a task that is a text", () => lview.with({ timeoutMs: "3" as unknown as number }), InvalidArgumentError, /^timeoutMs must be/],
  ["a negative timeout of a task", () => lview.with({ timeoutMs: -1 }), InvalidArgumentError, /^timeoutMs must be at least 0, and is -1/],
  ["a negative timeout of get", () => lview.apply(one).get({ timeoutMs: -1 }), InvalidArgumentError, /^timeoutMs must be/],
  ["a negative timeout of wait", () => lview.apply(one).wait(-1), InvalidArgumentError, /^timeoutMs must be/],
  ["a negative timeout of waitForEngines, also when they are there", () => rc.waitForEngines(1, { timeoutMs: -1 }), InvalidArgumentError, /^timeoutMs must be/],
  [
    "a misspelt option of a load-balanced view",
    () => lview.with({ timeout: 5 } as object),
    InvalidArgumentError,
    /has no option "timeout"; did you mean "timeoutMs"\?/,
  ],
  [
    "an option that a direct view has not",
    () => rc.directView().with({ block: true } as object),
    InvalidArgumentError,
    /has no option "block"; there are targets,/,
  ],
  [
    "an option that a broadcast view has not",
    () => rc.broadcastView({ retries: 1 } as object),
    InvalidArgumentError,
    /^a broadcast view has no option "retries"/,
  ],
  [
    "a misspelt option of imap",
    () => lview.imap(same, [1], { chunksize: 2 } as object),
    InvalidArgumentError,
    /^imap has no option "chunksize"; did you mean "chunkSize"/,
  ],
  [
    "a misspelt option of a client",
    () => cluster.connect({ profle: "x" } as object),
    InvalidArgumentError,
    /^a client has no option "profle"; did you mean "profile"/,
  ],
  ["a negative time limit", () => rc.directView().with({ timeLimitMs: -1 }), InvalidArgumentError, /^timeLimitMs must be more than 0, and is -1/],
  ["an iterable that throws midway, mapped", () => lview.map(same, brokenSource()), RangeError, /^the source broke$/],
  ["an iterable that throws midway, dealt out", () => rc.directView().scatter("a", brokenSource()), RangeError, /^the source broke$/],
  ["an iterable that throws midway, mapped lazily", () => drain(lview.imap(same, brokenSource())), RangeError, /^the source broke$/],
  ["something that is no iterable, mapped", () => lview.map(same, 5 as unknown as number[]), InvalidArgumentError, /^map's sequence 1 cannot be iterated/],
  ["something that is no iterable, dealt out", () => rc.directView().scatter("a", 5 as unknown as number[]), InvalidArgumentError, /^what is scattered cannot/],
  ["something that is no function", () => lview.apply(5 as unknown as typeof one), InvalidArgumentError, /^a call needs a function or a Reference, not number/],
  ["a function that a function returned, called here", async () => (await lview.apply(() => one))(), InvalidStateError, /^function "one" came from an engine/],
  [
    "a promise that never settles",
    () => get(lview.with({ timeLimitMs: 50 }).apply(() => new Promise(() => undefined))),
    TimeLimitExceeded,
    /timeLimitMs of 50/,
  ],
  [
    "a result larger than its limit",
    () => get(lview.apply((n: number) => "x".repeat(n), 20_000)),
    RemoteError,
    /resultBytesMax of this engine is 10000; return less/,
  ],
];

function ring(): string[] {
  const list: unknown[] = [];
  list.push(list);
  return list as string[];
}

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

describe("bad input", () => {
  it.each(CASES)("%s is refused by an error that has its name", async (_, action, errorClass, text) => {
    const error = await failureOf(action);
    expect(error).toBeInstanceOf(errorClass);
    expect((error as Error).message).toMatch(text);
  });

  it("leaves the cluster as it was", async () => {
    expect(await rc.directView().apply(same, 5)).toEqual([5, 5]);
  });
});

describe("a cluster without engines", () => {
  it("refuses what needs one, in a sentence that says how to start some", async () => {
    await withCluster({ engines: 0 }, async (client) => {
      for (const make of [() => client.directView(), () => client.directView("all").apply(one), () => client.broadcastView().apply(one)])
        expect(make).toThrow(/^NoEnginesRegistered: there is no engine; start some with `ipcluster engines -n N`/);
      expect(await client.loadBalancedView().apply(one).wait(50)).toBe(false);
    });
  });
});
