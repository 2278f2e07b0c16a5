// The programs of examples/, with small inputs, as `npm run example` starts them.

import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isDrawing, runExample } from "../support/examples.ts";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

const COMMAND = join(ROOT, "dist/cli/bin/tsparallel.js");

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsparallel-examples-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("npm run example", () => {
  it("pi computes digits in files, as published, counts their pairs both ways alike, and draws", async () => {
    const { code, output } = await runExample("pi", "--files=3", "--digits-each=40000", "--engines=2", `--out=${folder}`);
    expect(code, output).toBe(0);
    expect(output).toContain("each digit occurs about 1,000 times: 968 1026 1021 974 1012 1046 1021 970 948 1014");
    expect(output).toMatch(
      /120,000 digits computed by 2 engines into 3 files: .* digits\/s\n {2}one after the other: .*; speed-up \d+\.\d\d\n {2}agrees with published digits at 1, 762, 99,991\n/,
    );
    expect(output).toMatch(/pairs counted, a file a task: .*\n {2}one after the other: /);
    expect((await readdir(folder)).toSorted()).toEqual(["digits.svg", "pairs.svg", "pi-000.txt", "pi-001.txt", "pi-002.txt"]);
    expect(await readFile(join(folder, "pi-000.txt"), "utf8")).toMatch(/^14159265358979\d{39986}$/);
    expect(await isDrawing(join(folder, "digits.svg"))).toBe(true);
    expect(await isDrawing(join(folder, "pairs.svg"))).toBe(true);
  });

  it("pi as a notebook does too, and has its drawings within", async () => {
    const [notebook, output] = [join(ROOT, "examples/pi/pi.ipynb"), join(folder, "pi.out.ipynb")];
    const given = ["--param", "digitsEach=5000", "--param", `folder=${folder}`];
    const { status, stderr } = spawnSync(process.execPath, [COMMAND, "notebook", "run", notebook, "-n", "2", "-o", output, ...given], { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    const { cells } = JSON.parse(await readFile(output, "utf8")) as { cells: { outputs?: { data?: Record<string, string[]> }[] }[] };
    const outputs = cells.flatMap((cell) => cell.outputs ?? []);
    expect(outputs.filter(({ data }) => data?.["image/svg+xml"]?.join("").startsWith("<svg"))).toHaveLength(2);
    expect(JSON.stringify(outputs)).toContain("3.14159265358979323846264338327950288419716939937510 …");
    expect(await readFile(join(folder, "pi-0.txt"), "utf8")).toMatch(/^14159265358979\d{4986}$/);
  });

  it("options prices like the formula and like one after the other, and draws contours", async () => {
    const { code, output } = await runExample("options", "--paths=300", "--engines=2", `--out=${folder}`);
    expect(code, output).toBe(0);
    expect(output).toMatch(/one after the other: .*; speed-up \d+\.\d\d; the same prices\n/);
    expect(output).toContain("European prices agree with Black and Scholes");
    expect((await readFile(join(folder, "prices.csv"), "utf8")).split("\n")).toHaveLength(102);
    expect(await isDrawing(join(folder, "asian-call.svg"))).toBe(true);
    expect(await isDrawing(join(folder, "asian-put.svg"))).toBe(true);
  });

  it("tells what is wrong with an option in one line", async () => {
    const { code, output } = await runExample("pi", "--serial=some");
    expect([code, output]).toEqual([1, "pi: --serial must be one of all, count, none, and is some\n"]);
  });

  it("without a known name tells the names", () => {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts/example.mjs"), "nope"], { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^there is no example nope: (npm run example -- \w+(, |\n$))+/);
    expect(stderr).toContain("npm run example -- pi,");
  });
});
