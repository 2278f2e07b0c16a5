// What a user sees of results and errors, with real engines: errors at the line that was written, failures that nobody
// looked at, functions that run only somewhere, and requests of earlier clients.

import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CompositeError, depend, dependent, ImpossibleDependency, RemoteError, require, TaskTimeout, UnmetDependency, type Client } from "tsparallel";
import { TestCluster } from "../support/with-cluster.ts";

let cluster: TestCluster;
let client: Client;

beforeAll(async () => {
  cluster = await TestCluster.start({ engines: 2 });
  client = await cluster.connect();
});

afterAll(async () => {
  await cluster.stop();
});

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a program of a user through tsx, in this package, beside the cluster. */
async function runProgram(code: string): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const file = `${ROOT}/.tmp-program-${process.pid}.ts`;
  writeFileSync(file, code);
  try {
    return await new Promise((resolve, reject) => {
      const env = { ...process.env, IPP_PROFILE_DIR: cluster.profileDir };
      const child = spawn(process.execPath, ["--import", "tsx", file], { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
      const texts = { stdout: "", stderr: "" };
      child.stdout.on("data", (chunk: Buffer) => (texts.stdout += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (texts.stderr += chunk.toString()));
      child.once("error", reject);
      child.once("close", (status) => resolve({ code: status, ...texts }));
    });
  } finally {
    rmSync(file, { force: true });
  }
}

const PROGRAM = `import { Client, CompositeError } from "tsparallel";
const rc = await Client.connect({ profileDir: process.env["IPP_PROFILE_DIR"] });
interface Thing {
  readonly size: number;
}
function inspect(thing: Thing): number {
  // A comment, and a type that leaves no trace.
  type Size = Thing["size"];
  const size: Size = thing.size;
  if (size > 1) throw new RangeError("too large", { cause: new TypeError("the cause") }); // line 10
  return size;
}
try {
  await rc.directView().apply((thing: Thing) => {
    const seen = thing;
    return inspect(seen); // line 16
  }, { size: 2 });
} catch (error) {
  console.log(error);
  if (error instanceof CompositeError) console.log((error.errors[0]?.cause as Error | undefined)?.message);
}
rc.loadBalancedView().apply(() => {
  throw new Error("dropped");
});
await rc.wait();
await rc.close();
`;

describe("an error", () => {
  it("of all engines is shown once, at the lines the user wrote, with its cause; what nobody looked at is told at the end", async () => {
    const { code, stdout, stderr } = await runProgram(PROGRAM);
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(/^CompositeError: 2 failures: RangeError: too large \(2 times, on engines 0…1 of .+\)$/);
    expect(lines.filter((line) => line.includes("RangeError"))).toHaveLength(1);
    expect(lines[1]).toMatch(/at inspect \(.*\.ts:10:\d+\)$/);
    expect(lines[2]).toMatch(/\.ts:16:\d+\)?$/);
    expect(lines[3]).toBe("caused by TypeError: the cause");
    expect(lines.at(-2)).toMatch(/TypeError: the cause$/);
    expect(stderr).toMatch(/^tsparallel: 1 request failed and nobody looked at the result: \[\d:apply on .+\] Error: dropped; await or catch it/);
    expect(stderr).toMatch(/\.ts:23:\d+\)?\n$/);
  });

  it("stands in its item's place when exceptions are returned", async () => {
    const halves = client
      .loadBalancedView()
      .with({ chunkSize: 1 })
      .map(
        (x: number) => {
          if (x % 2 === 1) throw new RangeError(`${x} is odd`);
          return x / 2;
        },
        [0, 1, 2, 3],
      );
    const all = await halves.get({ returnExceptions: true });
    expect(all.map((item) => (item instanceof RemoteError ? item.evalue : item))).toEqual([0, "1 is odd", 1, "3 is odd"]);
    await expect(halves.get()).rejects.toBeInstanceOf(CompositeError);
  });
});

describe("a dependent function", () => {
  it("runs on the engines where its condition holds, and nowhere else", async () => {
    await client.directView().scatter("rank", [0, 1], { flatten: true });
    const rankIs = (wanted: number): boolean => (globalThis as unknown as { rank: number }).rank === wanted;
    const rank = (): number => (globalThis as unknown as { rank: number }).rank;
    const lview = client.loadBalancedView();
    const onOne = dependent(rank, rankIs, 1);
    expect(await Promise.all(Array.from({ length: 6 }, () => lview.apply(onOne)))).toEqual([1, 1, 1, 1, 1, 1]);
    expect(
      await lview.map(
        depend(rankIs, 0)((x: number) => x * 10),
        [1, 2, 3],
      ),
    ).toEqual([10, 20, 30]);
    expect(
      await lview.apply(
        require(["node:os"], (text: string) => text.length),
        "four",
      ),
    ).toBe(4);
    await expect(client.directView(0).apply(onOne).get()).rejects.toBeInstanceOf(UnmetDependency);
    await expect(
      lview
        .with({ targets: [0] })
        .apply(onOne)
        .get(),
    ).rejects.toBeInstanceOf(ImpossibleDependency);
    await expect(
      lview
        .with({ timeoutMs: 200 })
        .apply(require("no-such-module", () => 1))
        .get(),
    ).rejects.toBeInstanceOf(TaskTimeout);
  });
});

describe("requests of a client that is gone", () => {
  it("are found by another: in the history, by label, with values and errors; and can be run again", async () => {
    const before = await cluster.connect();
    const lview = before.loadBalancedView().with({ label: { run: "first" } });
    const [good, bad] = [lview.apply((x: number) => x ** 2, 12), lview.apply(() => JSON.parse("{") as unknown)];
    await before.wait();
    await bad.wait();
    expect(bad.successful()).toBe(false);
    const ids = [...good.msgIds, ...bad.msgIds];
    await before.close();

    const after = await cluster.connect();
    expect((await after.hubHistory()).slice(-2).sort()).toEqual([...ids].sort());
    const found = after.getResult(ids);
    expect((await found.get({ returnExceptions: true })).map((item) => (item instanceof RemoteError ? item.ename : item))).toEqual([144, "SyntaxError"]);
    expect(found.metadata.map(({ status, label }) => [status, label])).toEqual([
      ["ok", { run: "first" }],
      ["error", { run: "first" }],
    ]);
    expect(await after.resubmit(good)).toEqual([144]);
    expect(await after.loadStatus()).toEqual({ 0: 0, 1: 0 });
    await expect(after.getResult("nobody's").get()).rejects.toBeInstanceOf(RemoteError);
  });

  it("are searched with every operator", async () => {
    const since = new Date();
    const labels = ["ant", "bee", "cat", "dog"];
    for (const label of labels)
      await client
        .loadBalancedView()
        .with({ label })
        .apply(() => label);
    const find = async (label: unknown): Promise<string[]> =>
      (await client.dbQuery({ submitted: { $gte: since }, label }, "label")).map((record) => String(record.label)).sort((a, b) => a.localeCompare(b));
    expect(await find({ $eq: "bee" })).toEqual(["bee"]);
    expect(await find("bee")).toEqual(["bee"]);
    expect(await find({ $ne: "bee" })).toEqual(["ant", "cat", "dog"]);
    expect(await find({ $lt: "bee" })).toEqual(["ant"]);
    expect(await find({ $lte: "bee" })).toEqual(["ant", "bee"]);
    expect(await find({ $gt: "bee" })).toEqual(["cat", "dog"]);
    expect(await find({ $gte: "bee", $lt: "dog" })).toEqual(["bee", "cat"]);
    expect(await find({ $in: ["dog", "ant", "eel"] })).toEqual(["ant", "dog"]);
    expect(await find({ $nin: ["dog", "ant"] })).toEqual(["bee", "cat"]);
    expect(await find({ $all: ["cat"] })).toEqual(["cat"]);
    expect(await find({ $exists: true })).toEqual(labels);
    expect(await find({ $glob: "[ab]*" })).toEqual(["ant", "bee"]);
    const numbered = client.loadBalancedView();
    for (const label of [3, 4, 5]) await numbered.with({ label }).apply(() => label);
    expect(await find({ $mod: [2, 1] })).toEqual(["3", "5"]);
    await expect(client.dbQuery({ label: { $near: 1 } })).rejects.toThrow("$near");
  });
});
