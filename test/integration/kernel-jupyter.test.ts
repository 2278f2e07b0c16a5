// The kernel under Jupyter's own programs: jupyter_kernel_test's suite, and notebooks executed by nbconvert.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TSPARALLEL } from "../support/kernel-process.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const LIMIT_MS = 140_000;

/** A Python with Jupyter's programs: of `TSPARALLEL_PYTHON`, or the environment that the interop tests make. */
const PYTHON = [process.env["TSPARALLEL_PYTHON"], join(ROOT, ".tmp", "python", "bin", "python")].find(
  (python) =>
    python !== undefined &&
    python !== "" &&
    (!python.includes("/") || existsSync(python)) &&
    spawnSync(python, ["-c", "import importlib.util as u, sys; sys.exit(not (u.find_spec('jupyter_kernel_test') and u.find_spec('nbconvert')))"]).status === 0,
);

let folder: string;
const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  JUPYTER_DATA_DIR: folder,
  JUPYTER_CONFIG_DIR: folder,
  JUPYTER_RUNTIME_DIR: folder,
  JUPYTER_PLATFORM_DIRS: "1",
  IPYTHONDIR: folder,
  PYTHONWARNINGS: "ignore",
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function python(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(PYTHON as string, args, { env: environment(), stdio: ["ignore", "pipe", "pipe"], timeout: LIMIT_MS, killSignal: "SIGKILL" });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

const code = (...lines: string[]): object => ({ cell_type: "code", metadata: {}, execution_count: null, outputs: [], source: lines.join("\n") });
const notebook = (...cells: object[]): string =>
  JSON.stringify({
    nbformat: 4,
    nbformat_minor: 4,
    metadata: { kernelspec: { name: "typescript", display_name: "TypeScript (tsparallel)", language: "typescript" } },
    cells,
  });

interface Executed {
  readonly metadata: { readonly language_info: Readonly<Record<string, unknown>> };
  readonly cells: readonly { readonly outputs: readonly Readonly<Record<string, unknown>>[] }[];
}

async function execute(name: string, ...cells: object[]): Promise<Ended & { readonly executed: Executed | undefined }> {
  const file = join(folder, `${name}.ipynb`);
  writeFileSync(file, notebook(...cells));
  const ended = await python("-m", "nbconvert", "--to", "notebook", "--execute", "--output", `${name}-out.ipynb`, file);
  const out = join(folder, `${name}-out.ipynb`);
  return { ...ended, executed: existsSync(out) ? (JSON.parse(readFileSync(out, "utf8")) as Executed) : undefined };
}

describe.skipIf(PYTHON === undefined)("Jupyter", () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "tsparallel-jupyter-"));
    const { status, stderr } = spawnSync(process.execPath, [TSPARALLEL, "kernel", "install", "--user"], { env: environment(), encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

  it.concurrent("finds nothing amiss with the kernel: jupyter_kernel_test passes", async () => {
    const { code: status, stdout, stderr } = await python(join(ROOT, "test", "interop", "kernel_suite.py"));
    const count = (word: string): number => stdout.split("\n").filter((line) => line.startsWith(`${word} `)).length;
    expect({ status, passed: count("PASSED"), skipped: stdout.split("\n").filter((line) => line.startsWith("SKIPPED")), stderr }).toMatchObject({
      status: 0,
      passed: 11,
      skipped: ["SKIPPED test_pager No code page something"], // The kernel has no pager.
    });
  });

  it.concurrent("executes a notebook by nbconvert", async () => {
    const { code: status, executed } = await execute(
      "whole",
      code("interface Point { x: number; y: number }", "const points: Point[] = [{ x: 1, y: 2 }];", "console.log(points.length);"),
      code('import { svg } from "tsparallel/engine";', 'display(svg("<svg/>"));', "await Promise.resolve(points[0])"),
    );
    expect(status).toBe(0);
    expect(executed?.metadata.language_info).toMatchObject({ name: "typescript", file_extension: ".ts" });
    expect(executed?.cells.map(({ outputs }) => outputs)).toMatchObject([
      [{ output_type: "stream", name: "stdout", text: ["1\n"] }],
      [
        { output_type: "display_data", data: { "image/svg+xml": ["<svg/>"] } },
        { output_type: "execute_result", data: { "text/plain": ["{ x: 1, y: 2 }"] } },
      ],
    ]);
  });

  it.concurrent.each([
    ["an error, and names its place", "const a = 1;\nthrow new RangeError('too far')", /RangeError: too far[^]*cell \[1\]:2:7/],
    ["the kernel's end", "process.exit(1)", /DeadKernelError|Kernel died|KernelExit/],
  ])("stops a notebook at %s", async (_, cell, telling) => {
    const name = `failing-${cell.length}`;
    const { code: status, stderr, executed } = await execute(name, code(cell), code("1"));
    expect(status).not.toBe(0);
    expect(stderr).toMatch(telling);
    expect(executed).toBeUndefined();
  });
});
