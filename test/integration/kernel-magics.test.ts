// Magics in a notebook: the kernel as a process, with a cluster.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelProcess, type Heard } from "../support/kernel-process.ts";
import { until } from "../support/until.ts";
import { TestCluster } from "../support/with-cluster.ts";

let cluster: TestCluster;
let kernel: KernelProcess;

beforeAll(async () => {
  cluster = await TestCluster.start({ engines: 2 });
  kernel = await KernelProcess.start({ env: { IPP_PROFILE_DIR: cluster.profileDir } });
  await kernel.run("%pxconfig --progress-after -1"); // A busy machine takes longer than the usual two seconds, and its picture is a display too.
});

afterAll(async () => {
  await kernel.close();
  await cluster.stop();
});

const linesOf = (published: readonly Heard[]): string[] =>
  published
    .filter(({ type }) => type === "stream")
    .map(({ content }) => String(content["text"]))
    .join("")
    .trimEnd()
    .split("\n")
    .toSorted();

describe("a notebook's magic", () => {
  it("runs a cell on the engines of the default profile's cluster, and shows output, values and displays", async () => {
    const { reply, published } = await kernel.run(
      "%%px\nconst own: number = process.pid;\nconsole.log('here');\n({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<i>x</i>', 'text/plain': 'x' }) })",
    );
    expect(reply).toMatchObject({ status: "ok" });
    expect(linesOf(published)).toEqual([
      expect.stringMatching(/^Out\[0:\d+\]:$/),
      expect.stringMatching(/^Out\[1:\d+\]:$/),
      "[stdout:0] here",
      "[stdout:1] here",
    ]);
    expect(published.filter(({ type }) => type === "display_data").map(({ content }) => content["data"])).toEqual(
      Array(2).fill({ "text/html": "<i>x</i>", "text/plain": "x" }),
    );
    expect(published.find(({ type }) => type === "execute_input")?.content["code"]).toMatch(/^%%px\n/);
  });

  it("stands between lines of the notebook's own, with --local beside them", async () => {
    const { published } = await kernel.run("const before = 1;\n%px -t 0 console.log('there')\nbefore + 1");
    expect(linesOf(published)).toEqual(["there"]);
    expect(published.find(({ type }) => type === "execute_result")?.content["data"]).toEqual({ "text/plain": "2" });
    const local = await kernel.run("%%px --local -t 0\nconst both = 'both';\nconsole.log(both);");
    expect(linesOf(local.published)).toEqual(["both", "both"]);
  });

  it("leaves what a cell imported before the package itself as it is: it travels as that import", async () => {
    await kernel.run("import { stat } from 'node:fs/promises';\nimport { Client } from 'tsparallel';\nconst rc = await Client.connect();");
    const { reply, published } = await kernel.run(
      "await rc.loadBalancedView().map(async (path: string) => (await stat(path)).isFile(), ['/dev/null', process.execPath])",
    );
    expect(reply).toMatchObject({ status: "ok" });
    expect(published.find(({ type }) => type === "execute_result")?.content["data"]).toEqual({ "text/plain": "[ false, true ]" });
    await kernel.run("await rc.close()");
  });

  it("fails once for all engines, and for wrong options, in its own words", async () => {
    const { reply } = await kernel.run("%px throw new RangeError('too far')");
    expect(reply).toMatchObject({ status: "error", ename: "CompositeError", evalue: expect.stringContaining("too far (2 times") as unknown });
    const inFunction = await kernel.run("%%px -t 0\nfunction f() {\n  throw new RangeError('far');\n}\nf();");
    expect((inFunction.reply["traceback"] as string[]).join("\n")).toMatch(
      /^RangeError: far\n {4}at f \(engine's cell \[\d+\]:2:9\)\n {4}at engine's cell \[\d+\]:4:1$/,
    );
    expect((await kernel.run("%px")).reply["traceback"]).toEqual(["InvalidArgumentError: %px runs the code behind it, and there is none"]);
    expect((await kernel.run("%px --blok 1")).reply).toMatchObject({ status: "error", evalue: '%px: unknown option "--blok"; did you mean --block?' });
    // The cell counts, as every cell that fails.
    const before = Number((await kernel.run("0")).reply["execution_count"]);
    expect((await kernel.run("%%px --blok\n1")).reply["execution_count"]).toBe(before + 1);
    expect((await kernel.run("%%pxx\n1")).reply).toMatchObject({ status: "error", evalue: "there is no magic %%pxx; did you mean %%px?" });
  });

  it("shows progress as one picture that changes in place, and nothing when it is quick", async () => {
    const { published } = await kernel.run("%px --progress-after 0 await new Promise((next) => setTimeout(next, 300)); console.log('slow')");
    const pictures = published.filter(({ type }) => type.endsWith("display_data"));
    const ids = pictures.map(({ content }) => (content["transient"] as { display_id?: string }).display_id);
    expect(pictures.map(({ type }) => type)).toEqual(["display_data", ...Array<string>(pictures.length - 1).fill("update_display_data")]);
    expect(new Set(ids).size).toBe(1);
    expect(pictures.at(-1)?.content["data"]).toMatchObject({
      "text/plain": expect.stringMatching(/^2 of 2 engines finished after \d+ s$/) as unknown,
      "text/html": expect.stringContaining('<progress value="2" max="2"') as unknown,
    });
    expect(published.some(({ content }) => content["name"] === "stderr")).toBe(false);
    expect((await kernel.run("%px --progress-after -1 1")).published.some(({ type }) => type === "display_data")).toBe(false);
  });

  it("passes an interrupt on to the engines", async () => {
    const running = kernel.execute("%px console.log('busy'); await new Promise((next) => setTimeout(next, 100)); for (;;);");
    await until(() => kernel.streamOf(running.msg_id).split("busy").length === 3); // on both: what has not begun is not interrupted
    await kernel.ask("interrupt_request", {}, "control");
    const { reply } = await kernel.ended(running);
    expect(reply).toMatchObject({ status: "error", ename: "CompositeError", evalue: expect.stringContaining("KeyboardInterrupt") as unknown });
    expect((await kernel.run("1 + 1")).reply).toMatchObject({ status: "ok" });
  });
});
