// Every page's TypeScript blocks, joined into one program, run against a real cluster and print what the page promises;
// every page's shell blocks run with the commands of this package.

import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PYTHON } from "../support/python.ts";
import { promisesOf, snippetsOf } from "../support/snippets.ts";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const PAGES = ["README.md", ...["tutorial", "guide"].flatMap((folder) => readdirSync(join(ROOT, "docs", folder)).map((name) => join("docs", folder, name)))];
const BINS = ["ipcluster", "ipcontroller", "ipengine", "bakapara", "tsparallel"];

let folder = "";
let inside = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tsparallel-docs-"));
  // Programs must lie inside the package to import it by its own name.
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  inside = mkdtempSync(join(ROOT, ".tmp", "docs-"));
  mkdirSync(join(folder, "bin"));
  for (const bin of BINS) shim(bin, `exec ${process.execPath} ${join(ROOT, "dist/cli/bin", `${bin}.js`)} "$@"`);
  shim("npx", 'exec "$@"');
  if (PYTHON !== undefined) shim("python3", `exec ${PYTHON} "$@"`);
  shim("npm", 'case "$*" in "run quickstart"|test) exit 0;; *) echo "not run here: npm $*" >&2; exit 1;; esac');
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(inside, { recursive: true, force: true });
});

function shim(name: string, line: string): void {
  writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${line}\n`);
  chmodSync(join(folder, "bin", name), 0o755);
}

function run(command: string, args: readonly string[], cwd: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((done, reject) => {
    const env = { ...process.env, IPYTHONDIR: join(folder, "ipython"), PATH: `${join(folder, "bin")}:${process.env["PATH"]}`, NO_COLOR: "1" };
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => done({ code, stdout, stderr }));
  });
}

const codeOf = (page: string, language: string): string =>
  snippetsOf(readFileSync(join(ROOT, page), "utf8"))
    .filter((snippet) => snippet.language === language)
    .map((snippet) => snippet.code)
    .join("\n");

/** Pages that have snippets of a language, by whether these need Python. */
const pagesOf = (language: string, needsPython: boolean): string[] =>
  PAGES.filter((page) => codeOf(page, language) !== "" && codeOf(page, language).includes("python3") === needsPython);

/** Runs a page's TypeScript; gives what it promises to print and does not, in order, with what it does print instead. */
async function brokenPromise(page: string): Promise<string | undefined> {
  const code = codeOf(page, "ts");
  const file = join(inside, `${page.replaceAll(/\W/g, "-")}.ts`);
  writeFileSync(file, code);
  const { code: status, stdout, stderr } = await run(process.execPath, ["--import", "tsx", file], ROOT);
  if (status !== 0 || stderr !== "") return `exit status ${status}: ${stderr}`;
  let at = 0;
  for (const promise of promisesOf(code)) {
    const found = stdout.indexOf(promise, at);
    if (found < 0) return `promises "${promise}" after ${JSON.stringify(stdout.slice(0, at))}, and prints ${JSON.stringify(stdout.slice(at))}`;
    at = found + promise.length;
  }
  return undefined;
}

/** Runs a page's shell commands; gives their complaint. */
async function complaint(page: string): Promise<string | undefined> {
  const cwd = mkdtempSync(join(folder, "sh-"));
  writeFileSync(join(cwd, "jobs.jsonl"), '{"cmd": "echo one"}\n{"cmd": "true"}\n');
  writeFileSync(join(cwd, "page.sh"), codeOf(page, "sh"));
  const { code: status, stderr } = await run("/bin/bash", ["-e", "page.sh"], cwd);
  return status === 0 ? undefined : `exit status ${status}: ${stderr}`;
}

describe("the documents' snippets", () => {
  it.each(pagesOf("ts", false))("%s: the TypeScript runs and prints what the page says", async (page) => {
    expect(await brokenPromise(page)).toBeUndefined();
  });

  it.each(pagesOf("sh", false))("%s: the shell commands succeed", async (page) => {
    expect(await complaint(page)).toBeUndefined();
  });
});

describe.skipIf(PYTHON === undefined)("the documents' snippets, with Python", () => {
  it.each(pagesOf("ts", true))("%s: the TypeScript runs and prints what the page says", async (page) => {
    expect(await brokenPromise(page)).toBeUndefined();
  });

  it.each(pagesOf("sh", true))("%s: the shell commands succeed", async (page) => {
    expect(await complaint(page)).toBeUndefined();
  });
});
