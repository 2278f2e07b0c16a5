// The first command of the README, run as a stranger runs it.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

const leftovers = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("tsparallel-quickstart-"));

describe("npm run quickstart", () => {
  it("computes, counts twice, compares, reports, stops everything and exits 0", { timeout: 120_000 }, async () => {
    const before = leftovers();
    const child = spawn(process.execPath, [join(ROOT, "scripts/quickstart.mjs")], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise<number | null>((done) => child.once("exit", done));
    expect(code, output).toBe(0);
    expect(output).toContain("1,000,000 decimals of pi, checked against published ones; shell and TypeScript counted the same.");
    for (const row of ["summing the series", "counting by shell jobs", "counting by a function"]) expect(output).toMatch(new RegExp(`${row}.* \\d+\\.\\d\\dx`));
    expect(output).toContain("all stopped after");
    expect(leftovers()).toEqual(before);
  });
});
