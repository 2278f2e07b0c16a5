// The examples in which engines talk, tell and speak another language, with small inputs; the others are in examples.test.ts and
// examples-data.test.ts.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isDrawing, runExample } from "../support/examples.ts";

let out: string;

beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "tsparallel-examples-"));
});

afterEach(async () => {
  await rm(out, { recursive: true, force: true });
});

describe("npm run example -- wave", { timeout: 60_000 }, () => {
  it("gets the same numbers from engines that exchange rows as in one piece", async () => {
    const { code, output } = await runExample("wave", "--size=50", "--steps=41", "--engines=3", `--out=${out}`);
    expect(code, output).toBe(0);
    expect(output).toMatch(/^3 engines in a row, each connected with the next: (127\.0\.0\.1:\d+(, |\n)){3}/);
    expect(output).toContain(" with 164 rows of 400 bytes between engines\n");
    expect(output).toContain("; every number is the same, to the last bit\n");
    expect(await isDrawing(join(out, "wave.svg"))).toBe(true);
  });
});
