// Functions of real programs: each is written or compiled in one of the common ways, runs in a process of its own and
// prints its packed calls; a second process, which has never seen the program, runs them.

import { execFile, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { EOL, tmpdir } from "node:os";
import { join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { transformSync } from "@swc/wasm-typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FIXTURES = join(ROOT, "test/fixtures/closures");
const BIN = join(ROOT, "node_modules/.bin");
const ENV = { ...process.env, SERIAL: pathToFileURL(join(ROOT, "dist/serial/index.js")).href, PACKAGES: ROOT };
const run = promisify(execFile);

interface Outcome {
  readonly name: string;
  readonly result?: unknown;
  readonly refusal?: string;
  readonly error?: { readonly ename: string; readonly evalue: string; readonly traceback: string[] };
}

let work = "";

/** A copy of the fixtures in a project of the wanted module type. */
function project(type: "module" | "commonjs"): string {
  const folder = mkdtempSync(join(work, `${type}-`));
  cpSync(FIXTURES, folder, { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type }));
  return folder;
}

async function sent(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await run(command, args, { cwd, env: ENV, maxBuffer: 1 << 26 });
  return stdout;
}

/** Feeds packed calls to the engine process and collects what they gave. */
async function outcomes(lines: string): Promise<Outcome[]> {
  const engine = spawn(process.execPath, [join(FIXTURES, "engine.mjs")], { cwd: work, env: ENV, stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  engine.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const ended = new Promise<number | null>((resolve) => engine.once("close", resolve));
  engine.stdin.end(lines);
  expect(await ended).toBe(0);
  return output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Outcome);
}

function resultsOf(all: readonly Outcome[]): Record<string, unknown> {
  return Object.fromEntries(all.map((outcome) => [outcome.name, outcome.result ?? outcome.refusal ?? `${outcome.error?.ename}: ${outcome.error?.evalue}`]));
}

const EXPECTED = {
  constant: 11,
  data: 7,
  local: 7,
  localThatImports: "b",
  localNamespace: 4,
  enum: ["red", "green"],
  class: ["Rex woof", 4, true],
  instance: "Tim woof",
  recursion: [true, false],
  asyncGenerator: [0, 4, 8],
  builtins: ["function", "y", EOL],
  packages: ["Program", "plain"],
  method: 11,
  factory: 6,
  generic: ["a"],
  dynamicImport: sep,
  free: "ReferenceError: nowhereAtAll is not defined",
  failing: "RangeError: from failing",
};
// Minifiers rename variables, not members.
const REFUSAL = /^cannot send function "score": captured variable "\w+\.conn" is a Socket \(native handle\); open it on the engine, inside the function$/;

/** What the rounds of `program.ts` must give: variables have changed before each. */
const ROUNDS = [0, 1, 2].map((round) => ({
  ...EXPECTED,
  let: round + 1,
  letAgain: round + 1,
  liveExport: round,
  refused: expect.stringMatching(REFUSAL) as unknown,
}));

/** What the rounds gave. */
function roundsOf(all: readonly Outcome[]): Record<string, unknown>[] {
  const size = all.length / ROUNDS.length;
  return ROUNDS.map((_, round) => resultsOf(all.slice(round * size, (round + 1) * size)));
}

/** The line of the TypeScript file the traceback of `failing` points at. */
function failingLine(all: readonly Outcome[]): number {
  const traceback = all.find(({ name }) => name === "failing")?.error?.traceback ?? [];
  return Number(/program\.ts:(\d+):\d+/.exec(traceback[1] ?? "")?.[1]);
}

const hasTypeStripping = Boolean((process.features as { readonly typescript?: unknown }).typescript);

function rewrite(file: string, replacements: readonly (readonly [from: string, to: string])[]): void {
  writeFileSync(
    file,
    replacements.reduce((text, [from, to]) => text.replaceAll(from, to), readFileSync(file, "utf8")),
  );
}

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "tsp-closures-"));
});

afterAll(() => {
  rmSync(work, { recursive: true, force: true });
});

const FAILING_LINE = 54;

describe("functions travel out of", () => {
  test("TypeScript run by tsx, as a module", async () => {
    const all = await outcomes(await sent(join(BIN, "tsx"), ["program.ts"], project("module")));
    expect(roundsOf(all)).toEqual(ROUNDS);
    // tsx puts the whole function on one line; the map tells where its parts were.
    expect(failingLine(all)).toBe(FAILING_LINE);
  });

  test("TypeScript run by tsx, as CommonJS", async () => {
    expect(roundsOf(await outcomes(await sent(join(BIN, "tsx"), ["program.ts"], project("commonjs"))))).toEqual(ROUNDS);
  });

  // The older target sets static members after the class.
  test.each([
    ["module", "es2022"],
    ["commonjs", "es2022"],
    ["commonjs", "es2019"],
  ] as const)("the output of tsc, as %s for %s", async (type, target) => {
    const folder = project(type);
    const options = [
      "--outDir",
      "out",
      "--module",
      "nodenext",
      "--target",
      target,
      "--sourceMap",
      "--esModuleInterop",
      "--types",
      "node",
      "--skipLibCheck",
      "--strict",
      "--rootDir",
      ".",
    ];
    await run(join(BIN, "tsc"), [...options, "program.ts"], { cwd: folder, env: ENV });
    writeFileSync(join(folder, "out/package.json"), JSON.stringify({ type }));
    const all = await outcomes(await sent(process.execPath, ["out/program.js"], folder));
    expect(roundsOf(all)).toEqual(ROUNDS);
    expect(failingLine(all)).toBe(FAILING_LINE);
  });

  test("JavaScript modules as they are written", async () => {
    const folder = project("module");
    for (const name of ["program", "helpers"]) {
      const text = readFileSync(join(folder, `${name}.ts`), "utf8");
      writeFileSync(join(folder, `${name}.js`), transformSync(text, { mode: "transform", module: true, sourceMap: false }).code);
    }
    expect(roundsOf(await outcomes(await sent(process.execPath, ["program.js"], folder)))).toEqual(ROUNDS);
  });

  // Node 20 strips none: there is no test then, not a skipped one, which would fail a complete run.
  test.each(hasTypeStripping ? ["TypeScript whose types Node strips"] : [])("%s", async () => {
    const folder = project("module");
    rewrite(join(folder, "program.ts"), [["./helpers.js", "./helpers.ts"]]);
    // Node strips only what can be blanked out.
    rewrite(join(folder, "helpers.ts"), [
      ["enum Color {", "const Color = {"],
      ["Red =", "Red:"],
      ["Green =", "Green:"],
    ]);
    const all = await outcomes(await sent(process.execPath, ["program.ts"], folder));
    expect(roundsOf(all)).toEqual(ROUNDS);
    expect(failingLine(all)).toBe(FAILING_LINE);
  });

  test.each(["forks", "vmThreads"])("vitest, in its pool %s", async (pool) => {
    const folder = project("module");
    renameSync(join(folder, "program.ts"), join(folder, "program.test.ts"));
    writeFileSync(join(folder, "vitest.config.ts"), `export default { test: { pool: "${pool}", globals: true, testTimeout: 60_000 } };`);
    const out = join(folder, "sent.jsonl");
    await run(join(BIN, "vitest"), ["run", "--root", folder], { cwd: folder, env: { ...ENV, OUT: out, VITEST: "" } });
    expect(roundsOf(await outcomes(readFileSync(out, "utf8")))).toEqual(ROUNDS);
  });

  test.each([
    ["module", ["--format=esm", "--outfile=bundle.mjs", "--external:acorn", "--external:picocolors"], "bundle.mjs"],
    ["module with names kept", ["--format=esm", "--outfile=bundle.mjs", "--packages=external", "--keep-names"], "bundle.mjs"],
    ["script", ["--format=cjs", "--outfile=bundle.cjs", "--packages=external"], "bundle.cjs"],
    ["minified script with the packages inside", ["--format=cjs", "--outfile=bundle.cjs", "--minify", "--keep-names"], "bundle.cjs"],
  ] as const)("a bundle of esbuild: %s", async (_, options, file) => {
    const folder = project("module");
    await run(join(BIN, "esbuild"), ["program.ts", "--bundle", "--platform=node", "--target=node20", ...options], { cwd: folder, env: ENV });
    expect(roundsOf(await outcomes(await sent(process.execPath, [file], folder)))).toEqual(ROUNDS);
  });

  test("CommonJS as people wrote it", async () => {
    const all = await outcomes(await sent(process.execPath, ["program.cjs"], project("module")));
    const expected = {
      exported: 8,
      builtin: ["function", "b"],
      package: "Program",
      local: 4,
      requireInside: "function",
      sloppyThis: "object",
      prototype: 7,
      state: 1,
    };
    expect(resultsOf(all.slice(0, 8))).toEqual(expected);
    expect(resultsOf(all.slice(8))).toEqual({ ...expected, state: 2 });
  });

  test("the REPL", async () => {
    const repl = spawn(process.execPath, ["-i"], { cwd: work, env: { ...ENV, NODE_REPL_HISTORY: "" }, stdio: ["pipe", "pipe", "pipe"] });
    const input = readFileSync(join(FIXTURES, "repl.txt"), "utf8").trim().split("\n");
    // A line is typed when the REPL asks for one: it does not keep lines back while it awaits.
    repl.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (!text.endsWith("> ")) return;
      const line = input.shift();
      if (line === undefined) repl.stdin.end();
      else repl.stdin.write(`${line}\n`);
    });
    let lines = "";
    repl.stderr.setEncoding("utf8").on("data", (text: string) => {
      lines += text;
    });
    const ended = new Promise((resolve) => repl.once("close", resolve));
    await ended;
    const packed = lines
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .join("\n");
    expect(resultsOf(await outcomes(packed))).toEqual({ constant: 42, let: 5, class: [12, true] });
  });

  test("a context of node:vm", async () => {
    const script = `
      const vm = require("node:vm");
      import(process.env.SERIAL).then(({ packCall }) => {
        const fn = vm.runInNewContext("const list = [1, 2]; const deep = { list, map: new Map([[1, () => list]]) }; (x) => deep.map.get(1)() === deep.list ? deep.list.length + x : -1");
        console.log(JSON.stringify({ name: "vm", frames: packCall(fn, [3]).map((f) => Buffer.from(f).toString("base64")) }));
      });`;
    expect(resultsOf(await outcomes(await sent(process.execPath, ["-e", script], work)))).toEqual({ vm: 5 });
  });
});

// What a bundler takes into its own file has lost the programs that it starts.
test.each(["esm", "cjs"])("a bundle of the package itself, as %s, says at once to keep it outside", async (format) => {
  const folder = mkdtempSync(join(work, "bundled-"));
  const program = `import { Cluster } from ${JSON.stringify(join(ROOT, "dist/index.js"))}; void Cluster.start({ n: 1, private: true });`;
  writeFileSync(join(folder, "program.mjs"), program);
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const outfile = format === "esm" ? "bundle.mjs" : "bundle.cjs";
  await run(
    join(BIN, "esbuild"),
    ["program.mjs", "--bundle", "--platform=node", `--format=${format}`, "--external:zeromq", "--external:libsql", `--outfile=${outfile}`],
    {
      cwd: folder,
    },
  );
  await expect(run(process.execPath, [outfile], { cwd: folder })).rejects.toThrow(
    /LaunchError: tsparallel cannot find its .*: a bundler .* `--external:tsparallel`/,
  );
});
