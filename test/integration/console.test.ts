// `tsparallel console`, from a pipe and on a terminal.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../support/until.ts";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const PROMPT = "\u001b[0J> ";
const COMMAND = join(ROOT, "dist/cli/bin/tsparallel.js");

let home: string;
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "tsparallel-console-"));
  env = { ...process.env, HOME: home, IPYTHONDIR: join(home, "ipython"), NO_COLOR: "1", TERM: "xterm" };
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

function pipe(code: string, ...options: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [COMMAND, "console", ...options], { cwd: ROOT, env, input: code, encoding: "utf8" });
}

describe("the console, from a pipe", () => {
  it("runs TypeScript with await, magics, and rc, dview and lview of a cluster of its own; cells' variables travel", () => {
    const { status, stdout, stderr } = pipe(
      `import { basename } from "node:path";
       const offset: number = await Promise.resolve(100);
       const shifted = (x: number): number => x + offset;
       %px console.log("here")
       const values = await lview.map((x: number) => [shifted(x), basename("/a/b")], [1, 2]);
       [rc.ids.length, dview.length, ...values]`,
      "-n",
      "2",
    );
    expect(stderr).toBe("");
    expect(stdout.split("\n").toSorted()).toEqual(["", "[ 2, 2, [ 101, 'b' ], [ 102, 'b' ] ]", "[stdout:0] here", "[stdout:1] here"].toSorted());
    expect(status).toBe(0);
  });

  it("fails with what a cell throws, at its own lines", () => {
    const { status, stderr } = pipe("const a = 1;\nfunction f(): never { throw new RangeError(`no ${a}`); }\nf();");
    expect(stderr).toBe("RangeError: no 1\n    at f (cell [1]:2:29)\n    at cell [1]:3:1\n");
    expect(status).toBe(1);
    expect(pipe("(() => { throw new RangeError('no'); })();\nawait null").stderr).toBe("RangeError: no\n    at cell [1]:1:16\n    at cell [1]:1:40\n");
    expect(pipe("1;\nconst = 2").stderr).toMatch(/^cell \[1\]:2\nconst = 2\n {6}\^\nSyntaxError: /);
  });

  it("does without a cluster, unless one was named or a magic needs it", () => {
    expect(pipe("1 + 1")).toMatchObject({ status: 0, stdout: "2\n", stderr: "" });
    expect(pipe("%px 1").stderr).toMatch(
      /^ConfigError: no connection file .*; start a cluster with `ipcluster start`.*; for a cluster that cells have started, activate a view: rc\.directView\("all"\)\.activate\(\)\n/,
    );
    expect(pipe("1 + 1", "--profile", "nowhere")).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^tsparallel: no connection file .*profile_nowhere/) as unknown,
    });
  });
});

/** A console on a pseudo-terminal of its own. */
function onTerminal(...options: string[]): ChildProcess {
  // Without "exec" some shells stay in between, and end by the Ctrl-C that was meant for the console.
  const command = ["exec", process.execPath, COMMAND, "console", ...options].join(" ");
  return spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], { cwd: ROOT, env, stdio: ["pipe", "pipe", "inherit"] });
}

describe("the console, on a terminal", () => {
  let child: ChildProcess;
  let output = "";

  beforeAll(() => {
    child = onTerminal("-n", "1");
    child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  });

  afterAll(() => void child.kill("SIGKILL"));

  /** Types, and waits for what is to be seen. */
  async function begin(keys: string, expected: string): Promise<void> {
    output = "";
    child.stdin?.write(keys);
    await until(() => output.includes(expected));
  }

  /** Types, and waits for what is to be seen and the prompt behind it: what is typed before that belongs to the cell that runs. */
  async function type(keys: string, expected: string): Promise<void> {
    await begin(keys, expected);
    await until(() => output.slice(output.indexOf(expected)).includes(PROMPT));
  }

  it("keeps variables between cells, waits for the rest of an open one, and shows values and errors", async () => {
    await until(() => output.includes(PROMPT));
    expect(output).toContain("1 engine; rc, dview and lview are ready");
    await type("const a: number = 5\r", "a: number = 5");
    output = "";
    child.stdin?.write("function add(x: number) {\r");
    await until(() => /(?:\.\.\.|\|) /.test(output)); // newer Nodes mark the rest of a cell by a bar
    await type("return x + a }\r", "x + a }");
    await type("await lview.map(add, [1, 2])\r", "[ 6, 7 ]");
    await begin("dview.scat\t", "dview.scatter");
    await type("\u0015null.x\r", "TypeError: Cannot read properties of null");
    await type("%px console.log('line ' + 1)\r", "line 1");
    await type("Promise.reject(new RangeError('no' + 'body', { cause: new Error('why' + 'ever') })); 0\r", "RangeError: nobody");
    await until(() => /Uncaught RangeError: nobody[^]*caused by Error: whyever\r?\n {4}at cell \[\d+\]:1:\d+\r?\n/.test(output), { timeoutMs: 30_000 });
    expect(output).not.toMatch(/node:|ipp-cell/);
  });

  it("runs the lines of a paste one after the other, each behind its prompt, also what begins with %%px", async () => {
    await type("function twice(b: number) {\r  return b * 2;\r}\r`${twice(21)} is twice 21`\r", "'42 is twice 21'");
    await type("await new Promise((next) => setTimeout(next, 50))\rconst s = `x\r  y`\rs + '!'\r", "'x\\n  y!'");
    await type("%%px --targets 0\rconst q: number = 6\rconsole.log(q * 7, 'on it')\r\r", "42 on it");
    await type("%%px\r\r", "%%px runs the lines below it, and there are none");
    expect(output).toContain("InvalidArgumentError");
  });

  it("is interrupted by Ctrl-C: loops, waits, and engines", async () => {
    await begin("console.log('lo' + 'ops'); for (;;);\r", "loops");
    await type("\u0003", "interrupted");
    // From a timer: what does not await is over then.
    await begin("setTimeout(() => console.log('wa' + 'its'), 10); await new Promise(() => {})\r", "waits");
    await type("\u0003", "interrupted; what the cell began goes on");
    await begin("%px console.log('bu' + 'sy'); await new Promise((next) => setTimeout(next, 100)); for (;;);\r", "busy");
    await begin("\u0003", "interrupted engines 0; once more to wait no longer");
    await until(() => output.includes("KeyboardInterrupt") && output.includes(PROMPT));
    await type("a\r", "5");
    expect(child.exitCode).toBeNull();
  });

  it("ends with Ctrl-D, and its cluster with it", async () => {
    await type("[process.pid, ...(await dview.apply(() => process.pid))].join('+') + '='\r", "='");
    const pids = (/(\d+)\+(\d+)/.exec(output) ?? []).slice(1).map(Number);
    // What cells have left running does not keep it.
    await type("setInterval(() => undefined, 1000); 'still ' + 'ticking'\r", "'still ticking'");
    const ended = new Promise<number | null>((done) => child.once("close", done));
    child.stdin?.write("\u0004");
    expect(await ended).toBe(0);
    await until(() => pids.every((pid) => !isAlive(pid)));
  });
});

describe("a console that is left in the middle of a cell", () => {
  it("ends at once, and says that the cell is given up", async () => {
    const child = onTerminal();
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise<number | null>((done) => child.once("close", done));
    await until(() => output.includes(PROMPT));
    child.stdin?.write("setTimeout(() => console.log('wa' + 'its'), 10); await new Promise(() => {})\r");
    await until(() => output.includes("waits"));
    child.stdin?.write("\u0004");
    expect(await ended).toBe(0);
    expect(output).toContain("left; what the cell began is given up");
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
