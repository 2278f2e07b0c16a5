// Running the programs of examples/ as `npm run example` does, which looks first whether all is built; here it is.

import { spawn, type ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** An example that runs, or ran. */
export class Example {
  readonly child: ChildProcess;
  /** What it has printed so far, standard output and standard error. */
  output = "";
  /** Its exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string | null>;

  constructor(name: string, options: readonly string[]) {
    this.child = spawn(process.execPath, ["--import", "tsx", join(ROOT, "examples", name, `${name}.ts`), ...options], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    this.child.stderr?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    this.ended = new Promise((done) => this.child.once("close", (code, signal) => done(code ?? signal)));
  }

  /** Waits until it has printed what matches. */
  async printed(text: RegExp): Promise<void> {
    let hasEnded = false;
    void this.ended.then(() => (hasEnded = true));
    await until(() => text.test(this.output) || hasEnded, { timeoutMs: 90_000 });
    if (!text.test(this.output)) throw new Error(`the example ended without ${text}: ${this.output}`);
  }
}

/** Runs an example to its end. */
export async function runExample(name: string, ...options: string[]): Promise<{ code: number | string | null; output: string }> {
  const example = new Example(name, options);
  return { code: await example.ended, output: example.output };
}

/** Whether a file is an SVG drawing, whole. */
export async function isDrawing(path: string): Promise<boolean> {
  return /<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"[^]*<\/svg>\n$/.test(await readFile(path, "utf8"));
}
