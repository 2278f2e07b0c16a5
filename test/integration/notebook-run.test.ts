// `tsparallel notebook run`: notebooks without a person, on real kernels and a real cluster.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeCell, statusesOf, textOf, withRuns, type Executed } from "../support/notebook-runs.ts";
import { PYTHON } from "../support/python.ts";
import { TestCluster } from "../support/with-cluster.ts";

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start({ engines: 2 });
});
afterAll(async () => {
  await cluster.stop();
});

describe("a notebook in TypeScript", () => {
  it(
    "uses all engines of a cluster that runs, and is saved with its outputs",
    withRuns(async (runs) => {
      const path = runs.write(
        "all",
        "typescript",
        { cell_type: "markdown", metadata: {}, source: ["# Title"] },
        "%%px\nconsole.log(`from ${process.pid}`)",
        'import { Client } from "tsparallel";\nconst rc = await Client.connect();\nawait rc.loadBalancedView().map((x: number) => x * x, [1, 2, 3])',
      );
      const { code, stderr } = await runs.run(path, "--profile-dir", cluster.profileDir);
      expect([code, stderr]).toEqual([0, expect.stringMatching(/\[1\/2\] ok after .*\n\[2\/2\] ok after /)]);
      const { cells, metadata } = runs.out("all");
      expect(textOf(cells[1]).match(/\[stdout:[01]\] from \d+\n/g)?.length).toBe(2);
      expect(textOf(cells[2])).toBe("[ 1, 4, 9 ]");
      expect([metadata.tsparallel.status, metadata.language_info.name, cells[2]?.execution_count]).toEqual(["completed", "typescript", 2]);
      expect(runs.complaints("all")).toBe(PYTHON === undefined ? undefined : "");
      await runs.nothingLeft();
    }),
  );

  it(
    "stops at a cell that fails, tells cell and error, and is resumed there",
    withRuns(async (runs) => {
      const path = runs.write("fail", "typescript", "let a = 1", codeCell("let setup = 2", "always-run"), "throw new RangeError('too far')", "setup");
      const { code, stderr } = await runs.run(path);
      expect(code).toBe(1);
      expect(stderr).toMatch(/cell 3 of 4:\n {2}\| throw new RangeError\('too far'\)\nRangeError: too far\n {4}at cell \[3\]:1:7/);
      expect(stderr).toMatch(/fail\.ipynb: cell 3 of 4 failed: RangeError: too far; what ran is in .*fail\.out\.ipynb\n$/);
      expect(statusesOf(runs.out("fail"))).toEqual(["ok", "ok", "failed", undefined]);

      runs.write("fail", "typescript", "let a = 1", codeCell("let setup = 2", "always-run"), "typeof a", "setup");
      const again = await runs.run(path, "--resume");
      expect([again.code, again.stderr]).toEqual([0, expect.stringContaining("beginning at cell 3 of 4, and before it at 2: the kernel is new")]);
      expect(runs.out("fail").cells.map(textOf)).toEqual(["", "", "'undefined'", "2"]);
      expect((await runs.run(path, "--resume")).stderr).toMatch(/^nothing to do: every cell of .*fail\.out\.ipynb has run well\n$/);
      await runs.nothingLeft();
    }),
  );

  it(
    "goes on after errors that are allowed, whatever is wrong in a cell",
    withRuns(async (runs) => {
      const path = runs.write(
        "wrong",
        "typescript",
        "%%px --nope\n1",
        "%px 1",
        "const ring: { self?: unknown } = {}; ring.self = ring;\ndisplay(ring)\nring",
        "await input('name? ')",
        "'still here'",
      );
      const { code, stderr } = await runs.run(path, "--allow-errors", "--inplace");
      expect([code, stderr]).toEqual([0, expect.stringContaining(`done, and 3 of the cells failed: ${path}\n`)]);
      expect(stderr).toContain('InvalidArgumentError: %%px: unknown option "--nope"\n');
      expect(stderr).toContain("start a cluster with `ipcluster start`");
      expect(stderr).toContain("nobody can be asked: this notebook runs without a person");
      const executed = JSON.parse(readFileSync(path, "utf8")) as Executed;
      expect(statusesOf(executed)).toEqual(["failed", "failed", "ok", "failed", "ok"]);
      expect(textOf(executed.cells[2])).toContain("[Circular *1]");
      expect(existsSync(runs.path("wrong.out"))).toBe(false);
      await runs.nothingLeft();
    }),
  );
});

describe.skipIf(PYTHON === undefined)("a notebook in Python", () => {
  it(
    "finds the cluster by ipp.Client(), and takes parameters",
    withRuns(async (runs) => {
      const path = runs.write("python", "python3", codeCell("n = 1", "parameters"), "import ipyparallel as ipp\nrc = ipp.Client()\nprint(len(rc), n)");
      const { code, stderr } = await runs.run(path, "--file", cluster.clientFile, "--param", "n=7");
      expect([code, stderr]).toEqual([0, expect.stringContaining("[3/3] ok")]);
      const { cells } = runs.out("python");
      expect(cells[1]?.source).toEqual(["# Parameters\n", "n = 7"]);
      expect(textOf(cells[2])).toBe("2 7\n");
      expect(runs.complaints("python")).toBe("");
      await runs.nothingLeft();
    }),
  );

  it(
    "gets Python's engines when it starts a cluster of its own",
    withRuns(async (runs) => {
      const path = runs.write(
        "own",
        "python3",
        "import ipyparallel as ipp\nrc = ipp.Client()\nprint(rc[:].apply_sync(lambda: __import__('sys').version_info[0]))",
      );
      const { code, stderr } = await runs.run(path, "-n", "1");
      expect([code, stderr]).toEqual([0, expect.stringContaining("a cluster of its own with 1 engine\n")]);
      expect(textOf(runs.out("own").cells[0])).toBe("[3]\n");
      await runs.nothingLeft();
    }),
  );
});

describe("a run that cannot begin", () => {
  const kernels = /there is no Jupyter kernel "nope"; choose one with --kernel: .*typescript \(TypeScript \(tsparallel\)\)/;
  it.each([
    ["broken JSON", '{"cells": [', [], /bad\.ipynb is not JSON: /],
    ["an unknown kernel", JSON.stringify({ nbformat: 4, cells: [], metadata: { kernelspec: { name: "nope" } } }), [], kernels],
    ["no kernel", JSON.stringify({ nbformat: 4, cells: [] }), [], /bad\.ipynb names no kernel; choose one with --kernel: /],
    [
      "no such cluster",
      JSON.stringify({ nbformat: 4, cells: [] }),
      ["--kernel=typescript", "--profile=nope"],
      /no connection file .*profile_nope.*start a cluster/,
    ],
    [
      "no place for the output",
      JSON.stringify({ nbformat: 4, cells: [] }),
      ["--kernel=typescript", "-o", "/nope/x"],
      /cannot write \/nope\/x: there is no directory \/nope/,
    ],
  ])("says so in a sentence, and touches no file: %s", async (_, text, args, words) =>
    withRuns(async (runs) => {
      const path = runs.path("bad");
      writeFileSync(path, text);
      const { code, stderr } = await runs.run(path, ...args);
      expect([code, stderr]).toEqual([1, expect.stringMatching(words)]);
      expect(stderr.trimEnd().split("\n").length).toBe(1);
      expect([existsSync(runs.path("bad.out")), readFileSync(path, "utf8")]).toEqual([false, text]);
    })(),
  );
});
