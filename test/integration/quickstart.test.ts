// The first command of the README, run as a stranger runs it.

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

describe("npm run quickstart", () => {
  it("computes, counts twice, compares, reports, stops everything and exits 0", async () => {
    const temporary = mkdtempSync(join(tmpdir(), "tsparallel-test-"));
    onTestFinished(() => rmSync(temporary, { recursive: true, force: true }));
    const env = { ...process.env, TMPDIR: temporary };
    const child = spawn(process.execPath, [join(ROOT, "scripts/quickstart.mjs")], { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise<number | null>((done) => child.once("close", done));
    expect(code, output).toBe(0);
    expect(output).toContain("1,000,000 decimals of pi, checked against published ones; shell and TypeScript counted the same.");
    for (const row of ["summing the series", "counting by shell jobs", "counting by a function"]) expect(output).toMatch(new RegExp(`${row}.* \\d+\\.\\d\\dx`));
    expect(output).toContain("all stopped after");
    expect(readdirSync(temporary).filter((name) => name.startsWith("tsparallel-"))).toEqual([]);
  });
});
