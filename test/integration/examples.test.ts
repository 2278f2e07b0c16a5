// The programs of examples/, with small inputs, as `npm run example` starts them.

import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsparallel-examples-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** `npm run example` looks first whether all is built; here it is. */
async function run(name: string, ...options: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ["--import", "tsx", join(ROOT, "examples", name, `${name}.ts`), ...options], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.once("exit", done));
  return { code, output };
}

const isDrawing = async (name: string): Promise<boolean> =>
  /<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"[^]*<\/svg>\n$/.test(await readFile(join(folder, name), "utf8"));

describe("npm run example", () => {
  it("pi computes digits in files, as published, counts their pairs both ways alike, and draws", { timeout: 60_000 }, async () => {
    const { code, output } = await run("pi", "--files=3", "--digits-each=40000", "--engines=2", `--out=${folder}`);
    expect(code, output).toBe(0);
    expect(output).toContain("each digit occurs about 1,000 times: 968 1026 1021 974 1012 1046 1021 970 948 1014");
    expect(output).toMatch(
      /120,000 digits computed by 2 engines into 3 files: .* digits\/s\n {2}one after the other: .*; speed-up \d+\.\d\d\n {2}agrees with published digits at 1, 762, 99,991\n/,
    );
    expect(output).toMatch(/pairs counted, a file a task: .*\n {2}one after the other: /);
    expect((await readdir(folder)).toSorted()).toEqual(["digits.svg", "pairs.svg", "pi-000.txt", "pi-001.txt", "pi-002.txt"]);
    expect(await readFile(join(folder, "pi-000.txt"), "utf8")).toMatch(/^14159265358979\d{39986}$/);
    expect(await isDrawing("digits.svg")).toBe(true);
    expect(await isDrawing("pairs.svg")).toBe(true);
  });

  it("options prices like the formula and like one after the other, and draws contours", { timeout: 60_000 }, async () => {
    const { code, output } = await run("options", "--paths=300", "--engines=2", `--out=${folder}`);
    expect(code, output).toBe(0);
    expect(output).toMatch(/one after the other: .*; speed-up \d+\.\d\d; the same prices\n/);
    expect(output).toContain("European prices agree with Black and Scholes");
    expect((await readFile(join(folder, "prices.csv"), "utf8")).split("\n")).toHaveLength(102);
    expect(await isDrawing("asian-call.svg")).toBe(true);
    expect(await isDrawing("asian-put.svg")).toBe(true);
  });

  it.each([
    ["pi", "--files=none", "--files must be a whole number of at least 1, and is none"],
    ["pi", "--serial=some", "--serial must be one of all, count, none, and is some"],
    ["options", "--paths=0", "--paths must be a whole number of at least 1, and is 0"],
  ])("%s with %s says what is wrong", { timeout: 60_000 }, async (name, option, sentence) => {
    const { code, output } = await run(name, option);
    expect(code).toBe(1);
    expect(output).toContain(sentence);
  });

  it("without a known name tells the names", { timeout: 60_000 }, () => {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts/example.mjs"), "nope"], { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toBe("there is no example nope: npm run example -- options, npm run example -- pi\n");
  });
});
