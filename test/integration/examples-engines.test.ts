// The examples in which engines talk, tell and speak another language, with small inputs; the others are in examples.test.ts and
// examples-data.test.ts.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Example, isDrawing, runExample } from "../support/examples.ts";
import { PYTHON } from "../support/python.ts";

let out: string;

beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "tsparallel-examples-"));
});

afterEach(async () => {
  await rm(out, { recursive: true, force: true });
});

describe("npm run example -- wave", () => {
  it("gets the same numbers from engines that exchange rows as in one piece", async () => {
    const { code, output } = await runExample("wave", "--size=50", "--steps=41", "--engines=3", `--out=${out}`);
    expect(code, output).toBe(0);
    expect(output).toMatch(/^3 engines in a row, each connected with the next: (127\.0\.0\.1:\d+(, |\n)){3}/);
    expect(output).toContain(" with 164 rows of 400 bytes between engines\n");
    expect(output).toContain("; every number is the same, to the last bit\n");
    expect(await isDrawing(join(out, "wave.svg"))).toBe(true);
  });
});

describe("npm run example -- progress", () => {
  it("shows what engines have found while they look, and finds what is published", async () => {
    const { code, output } = await runExample("progress", "--below=30000", "--engines=2", `--out=${out}`);
    expect(code, output).toBe(0);
    expect(output).toMatch(/^engine 0: +100 % .*; engine 1: +100 % .*$/m);
    expect(output).toContain(": 30,000 numbers, ");
    expect(output).toContain("the longest chain begins at 26,623 and has 307 steps\n");
    expect(output).toContain("all 31 numbers with chains longer than those before are those that are published\n");
    expect([await isDrawing(join(out, "chains.svg")), await isDrawing(join(out, "progress.svg"))]).toEqual([true, true]);
  });

  it("keeps what was found when it is interrupted", async () => {
    const example = new Example("progress", ["--below=100000000", "--engines=2", `--out=${out}`]);
    await example.printed(/takes \d+ steps/);
    example.child.kill("SIGINT");
    expect(await example.ended, example.output).toBe(130);
    expect(example.output).toMatch(
      /\nstopped after .*\nthe longest chain so far begins at [\d,]+ and has \d+ steps\ndrawn in .*\nprogress: interrupted; everything was stopped\n$/,
    );
    expect(await isDrawing(join(out, "chains.svg"))).toBe(true);
  });
});

describe("npm run example -- mixed", () => {
  it.skipIf(PYTHON === undefined)("lets numpy hear what TypeScript engines ring", async () => {
    const { code, output } = await runExample("mixed", `--python=${PYTHON}`, "--bells=3", "--samples=4096", `--out=${out}`);
    expect(code, output).toBe(0);
    const [, engines = ""] = /^engines: (.*)$/m.exec(output) ?? [];
    expect([engines.match(/typescript/g)?.length, engines.match(/python/g)?.length]).toEqual([2, 2]);
    expect(output).toMatch(/^bell 3 +294\.3 588\.6 706\.3 882\.9 +29\d\.\d 58\d\.\d 70\d\.\d 88\d\.\d$/m);
    expect(output).toMatch(/all tones were heard, to 1\.95 Hz; engines of both languages agree that the mean square of the first is 0\.\d{9}\n/);
    expect(await isDrawing(join(out, "spectra.svg"))).toBe(true);
  });

  it("says what is missing without such a Python", async () => {
    const missing = join(out, "no-python");
    const { code, output } = await runExample("mixed", `--python=${missing}`);
    expect([code, output]).toEqual([1, `mixed: ${missing} cannot be run: name a Python that has ipyparallel and numpy by --python\n`]);
  });
});
