// `tsparallel notebook run`: notebooks without a person, on real kernels and a real cluster.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { processesWith, RunningCommand, type CommandEnd } from "../support/ipcluster.ts";
import { TSPARALLEL } from "../support/kernel-process.ts";
import { PYTHON } from "../support/python.ts";
import { until } from "../support/until.ts";
import { TestCluster } from "../support/with-cluster.ts";

interface Executed {
  readonly nbformat: number;
  readonly metadata: { readonly tsparallel: { readonly status: string }; readonly language_info: { readonly name: string } };
  readonly cells: readonly {
    readonly source: readonly string[];
    readonly execution_count: number | null;
    readonly metadata: { readonly tsparallel?: { readonly status: string } };
    readonly outputs: readonly { readonly output_type: string; readonly text?: readonly string[]; readonly data?: Readonly<Record<string, unknown>> }[];
  }[];
}

let cluster: TestCluster;
let root: string;
let folder: string;
let count = 0;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "tsparallel-notebooks-"));
  cluster = await TestCluster.start({ engines: 2 });
});
afterAll(async () => {
  await cluster.stop();
  rmSync(root, { recursive: true, force: true, maxRetries: 3 });
});
beforeEach(() => {
  folder = join(root, String((count += 1)));
  mkdirSync(folder);
});

const code = (source: string, ...tags: string[]): object => ({ cell_type: "code", execution_count: null, metadata: { tags }, outputs: [], source });

/** Writes a notebook. */
function write(name: string, kernel: string, ...cells: readonly (string | object)[]): string {
  const path = join(folder, name);
  const metadata = { kernelspec: { name: kernel, display_name: kernel, language: "" } };
  writeFileSync(path, JSON.stringify({ cells: cells.map((cell) => (typeof cell === "string" ? code(cell) : cell)), metadata, nbformat: 4, nbformat_minor: 4 }));
  return path;
}

const read = (path: string): Executed => JSON.parse(readFileSync(path, "utf8")) as Executed;
const outOf = (path: string): Executed => read(path.replace(/\.ipynb$/, ".out.ipynb"));
const textOf = ({ outputs }: Executed["cells"][number]): string =>
  outputs.flatMap(({ text, data }) => text ?? (data?.["text/plain"] as string[]) ?? []).join("");

function start(...args: readonly string[]): RunningCommand {
  const { IPP_PROFILE_DIR: _dir, IPP_CLUSTER_ID: _id, VIRTUAL_ENV: _venv, ...inherited } = process.env;
  const path = PYTHON === undefined ? {} : { PATH: `${dirname(PYTHON)}${delimiter}${process.env["PATH"] ?? ""}` };
  const env = { ...inherited, ...path, IPYTHONDIR: folder, JUPYTER_DATA_DIR: folder, TMPDIR: folder };
  return new RunningCommand(spawn(process.execPath, [TSPARALLEL, "notebook", "run", ...args], { env, stdio: ["ignore", "pipe", "pipe"], cwd: folder }));
}

const run = (...args: readonly string[]): Promise<CommandEnd> => start(...args).ended;

/** Nothing that was started runs any more, and no file is left but notebooks. */
async function nothingLeft(): Promise<void> {
  await until(() => processesWith(folder).length === 0, { timeoutMs: 30_000 });
  expect(readdirSync(folder).filter((name) => name.startsWith("tsparallel-") || name.endsWith(".tmp"))).toEqual([]);
}

describe("a notebook in TypeScript", () => {
  it("uses all engines of a cluster that runs, and is saved with its outputs", async () => {
    const path = write(
      "all.ipynb",
      "typescript",
      { cell_type: "markdown", metadata: {}, source: ["# Title"] },
      "%%px\nconsole.log(`from ${process.pid}`)",
      'import { Client } from "tsparallel";\nconst rc = await Client.connect();\nawait rc.loadBalancedView().map((x: number) => x * x, [1, 2, 3])',
    );
    const { code: status, stderr } = await run(path, "--profile-dir", cluster.profileDir);
    expect([status, stderr]).toEqual([0, expect.stringMatching(/\[1\/2\] ok after .*\n\[2\/2\] ok after /)]);
    const out = outOf(path);
    expect(textOf(out.cells[1] as never).match(/\[stdout:[01]\] from \d+\n/g)?.length).toBe(2);
    expect(textOf(out.cells[2] as never)).toBe("[ 1, 4, 9 ]");
    expect([out.metadata.tsparallel.status, out.metadata.language_info.name, out.cells[2]?.execution_count]).toEqual(["completed", "typescript", 2]);
    await nothingLeft();
  });

  it("stops at a cell that fails, tells cell and error, and is resumed there", async () => {
    const path = write("fail.ipynb", "typescript", "let a = 1", code("let setup = 2", "always-run"), "throw new RangeError('too far')", "setup");
    const { code: status, stderr } = await run(path);
    expect(status).toBe(1);
    expect(stderr).toMatch(/cell 3 of 4:\n {2}\| throw new RangeError\('too far'\)\nRangeError: too far\n {4}at cell \[3\]:1:7/);
    expect(stderr).toMatch(/fail\.ipynb: cell 3 of 4 failed: RangeError: too far; what ran is in .*fail\.out\.ipynb\n$/);
    expect(outOf(path).cells.map(({ metadata }) => metadata.tsparallel?.status)).toEqual(["ok", "ok", "failed", undefined]);

    write("fail.ipynb", "typescript", "let a = 1", code("let setup = 2", "always-run"), "typeof a", "setup");
    const again = await run(path, "--resume");
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining("beginning at cell 3 of 4, and before it at 2: the kernel is new")]);
    expect(outOf(path).cells.map(textOf)).toEqual(["", "", "'undefined'", "2"]);
    expect((await run(path, "--resume")).stderr).toMatch(/^nothing to do: every cell of .*fail\.out\.ipynb has run well\n$/);
    await nothingLeft();
  });
});

describe.skipIf(PYTHON === undefined)("a notebook in Python", () => {
  it("finds the cluster by ipp.Client(), and takes parameters", async () => {
    const path = write("python.ipynb", "python3", code("n = 1", "parameters"), "import ipyparallel as ipp\nrc = ipp.Client()\nprint(len(rc), n)");
    const { code: status, stderr } = await run(path, "--profile-dir", cluster.profileDir, "--param", "n=7");
    expect([status, stderr]).toEqual([0, expect.stringContaining("[3/3] ok")]);
    expect(outOf(path).cells.map(({ source }) => source)).toMatchObject([{}, ["# Parameters\n", "n = 7"], {}]);
    expect(textOf(outOf(path).cells[2] as never)).toBe("2 7\n");
    await nothingLeft();
  });
});

describe("a run that cannot begin", () => {
  it.each([
    ["broken JSON", '{"cells": [', /bad\.ipynb is not JSON: /],
    [
      "an unknown kernel",
      JSON.stringify({ nbformat: 4, cells: [], metadata: { kernelspec: { name: "nope" } } }),
      /there is no Jupyter kernel "nope"; choose one with --kernel: .*typescript \(TypeScript \(tsparallel\)\)/,
    ],
    ["no kernel", JSON.stringify({ nbformat: 4, cells: [] }), /bad\.ipynb names no kernel; choose one with --kernel: /],
  ])("says so in a sentence: %s", async (_, text, words) => {
    const path = join(folder, "bad.ipynb");
    writeFileSync(path, text);
    const { code: status, stderr } = await run(path);
    expect([status, stderr]).toEqual([1, expect.stringMatching(words)]);
    expect(stderr.trimEnd().split("\n").length).toBe(1);
    expect([existsSync(path.replace(".ipynb", ".out.ipynb")), readFileSync(path, "utf8")]).toEqual([false, text]);
  });
});
