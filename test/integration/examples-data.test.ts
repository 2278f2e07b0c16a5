// The examples that go over files, points and tasks, with small inputs; the others are in examples.test.ts and examples-engines.test.ts.

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Example, isDrawing, runExample } from "../support/examples.ts";
import { until } from "../support/until.ts";

let out: string;

beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "tsparallel-examples-"));
});

afterEach(async () => {
  await rm(out, { recursive: true, force: true });
});

describe("npm run example -- words", () => {
  it("counts the words of a folder's files by shell jobs and by a function", async () => {
    await mkdir(join(out, "texts", "deeper"), { recursive: true });
    await writeFile(join(out, "texts", "one.md"), "The end, the\nmeans: the Same");
    await writeFile(join(out, "texts", "deeper", "it's two.md"), "same same; über 3 end");
    await writeFile(join(out, "texts", "three.txt"), "never read");
    const { code, output } = await runExample("words", `--folder=${join(out, "texts")}`, "--endings=.md,.ts", "--engines=2", `--out=${join(out, "counts")}`);
    expect(code, output).toBe(0);
    expect(output).toContain("2 files, 0.0 MB, in 2 portions, on 2 engines\n");
    expect(output).toContain("10 words, 5 different ones; all three counts are the same\nmost frequent: same (3), the (3), end (2), ber (1), means (1)\n");
    expect(await readFile(join(out, "counts", "words.tsv"), "utf8")).toBe("same\t3\nthe\t3\nend\t2\nber\t1\nmeans\t1\n");
    expect(await isDrawing(join(out, "counts", "words.svg"))).toBe(true);
  });

  it("says so when there is nothing to read", async () => {
    const { code, output } = await runExample("words", `--folder=${out}`);
    expect([code, output]).toEqual([1, `words: there is no file with the ending .md or .ts in ${out}: name another --folder or other --endings\n`]);
  });
});

describe("npm run example -- graph", () => {
  it("runs each task after and where the graph says, and draws graph and schedule", async () => {
    const { code, output } = await runExample("graph", "--stations=5", "--values=2000", "--engines=2", `--out=${out}`);
    expect(code, output).toBe(0);
    expect(output).toContain("23 tasks, 22 times one waits for another, submitted at once to 2 engines\n");
    expect(output).toMatch(/each began after what it waits for, and where its values lay\n {2}mean of [\d,]+ temperatures .*; the same when computed here\n/);
    expect(output).toMatch(/^0 +\d+ .*\n1 +\d+ /m);
    const drawing = await readFile(join(out, "graph.svg"), "utf8");
    for (const name of ["read 0", "clean 1", "sum 2", "free 3", "north", "south", "total"]) expect(drawing).toContain(`>${name}<`);
    expect([await isDrawing(join(out, "graph.svg")), await isDrawing(join(out, "schedule.svg"))]).toEqual([true, true]);
  });
});

describe("npm run example -- profile", () => {
  it("tells where the time of each kind went, on each engine, and draws it", async () => {
    const { code, output } = await runExample("profile", "--tasks=30", "--engines=2", "--records=none", `--out=${out}`);
    expect(code, output).toBe(0);
    expect(output).toMatch(/^30 tasks on 2 engines: .* s, all values right; no engine ran two at once\n/);
    for (const kind of ["short", "compute", "megabyte"]) expect(output).toMatch(new RegExp(`^${kind} +10( +\\d+\\.\\d\\d){4}$`, "m"));
    expect(output).toMatch(/^0 +\d+( +\d+\.\d %){3}\n1 +\d+( +\d+\.\d %){3}$/m);
    expect([await isDrawing(join(out, "tasks.svg")), await isDrawing(join(out, "engines.svg"))]).toEqual([true, true]);
  });
});

describe("npm run example -- sweep", () => {
  it("goes on where it was when it is killed", async () => {
    const options = ["--size=16", "--seconds=60", "--engines=2", `--out=${out}`];
    const file = join(out, "results.jsonl");
    const saved = async (): Promise<string[]> => (await readFile(file, "utf8").catch(() => "")).split("\n").slice(1, -1);
    const killed = new Example("sweep", options);
    await until(async () => (await saved()).length > 0 || killed.child.exitCode !== null, { timeoutMs: 90_000 });
    killed.child.kill("SIGKILL");
    await killed.ended;
    const before = await saved();
    expect(before.length, killed.output).toBeGreaterThan(0);

    const { code, output } = await runExample("sweep", ...options);
    expect(code, output).toBe(0);
    expect(output).toMatch(new RegExp(`^16 rows of 16 pendulums: (${before.length} are|all are) in ${file} already\\n`));
    expect(output).toContain("all 256 are there, each like its mirror image; ");
    expect((await saved()).slice(0, before.length)).toEqual(before);
    expect(new Set(await saved()).size).toBe(16);
    expect(await isDrawing(join(out, "sweep.svg"))).toBe(true);
  });
});
