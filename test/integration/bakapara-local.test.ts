// The bakapara command without a cluster of the user's: `--local`, `--dry-run`, wrong use, no cluster at all.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../support/until.ts";
import { lines, pidsOf, pressUntilKilling, results, run, start } from "./bakapara-support.ts";

let scratch = "";
beforeAll(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), "tsparallel-bakapara-")));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("--local", () => {
  it("starts engines for this run, and nothing of them is left", async () => {
    const temporary = join(scratch, "tmp");
    mkdirSync(temporary);
    const jobs = [
      { cmd: "echo $PPID; sleep 0.5", out: "shell-0" },
      { cmd: "echo $PPID; exit 4", out: "shell-1" },
    ];
    const running = start(["--local", "2"], { cwd: scratch, input: lines(jobs), env: { TMPDIR: temporary } });
    const ended = await running.ended;
    expect(ended.stderr).toContain("total 2 jobs on 2 engines");
    expect(new Set(results(ended.stdout).map((line) => line.result["code"]))).toEqual(new Set([0, 4]));
    expect(ended.status).toBe(1);
    expect(readdirSync(temporary)).toEqual([]);
    // Each job printed the pid of the shell that ran it.
    const shells = [0, 1].map((i) => Number(readFileSync(join(scratch, `shell-${i}`), "utf8")));
    await until(() => shells.every((pid) => !existsSync(`/proc/${pid}`)));
  });

  it("Ctrl-C twice leaves no process", async () => {
    const mark = join(scratch, "begun");
    const running = start(["--local", "2"], {
      input: lines([
        { cmd: `touch ${mark}; sleep 91.${process.pid} & sleep 91.${process.pid}` },
        { cmd: `trap '' TERM INT; sleep 91.${process.pid}; sleep 91.${process.pid}` },
      ]),
    });
    await until(() => existsSync(mark) && pidsOf(`sleep 91.${process.pid}`).length === 3);
    running.child.kill("SIGINT");
    await until(() => running.stderr().includes("press Ctrl-C again"));
    await pressUntilKilling(running);
    const ended = await running.ended;
    expect(ended.status).toBe(2);
    await until(() => pidsOf(`sleep 91.${process.pid}`).length === 0);
  });

  it("Ctrl-C before the first job ends it with a sentence, and nothing is left", async () => {
    const running = start(["--local", "2"], { input: lines([{ cmd: "true" }]) });
    const children = (): number[] =>
      spawnSync("pgrep", ["-P", String(running.child.pid)], { encoding: "utf8" })
        .stdout.split("\n")
        .filter(Boolean)
        .map(Number);
    await until(() => children().length > 0);
    const started = children();
    running.child.kill("SIGINT");
    const ended = await running.ended;
    expect(ended).toMatchObject({ status: 255, stdout: "" });
    expect(ended.stderr).toBe("bakapara: interrupted by SIGINT before the first job\n");
    for (const pid of started) expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});

describe("--dry-run", () => {
  it("says what would run, runs nothing, needs no cluster", async () => {
    const mark = join(scratch, "never");
    const ended = await run(["--dry-run"], {
      input: `${lines([
        { cmd: `touch ${mark}`, id: 1 },
        { cmd: "b", host: ["x", "y"], cd: "/tmp" },
      ])}bad\n`,
    });
    expect(existsSync(mark)).toBe(false);
    expect(ended.status).toBe(1);
    expect(results(ended.stdout)).toMatchObject([{ cmd: `touch ${mark}`, id: 1 }, { cmd: "b" }, { line: 3, result: { status: "error" } }]);
    expect(ended.stderr).toContain("total 3 jobs, none will be run");
    expect(ended.stderr).toContain(`[1/3] would run: touch ${mark}`);
    expect(ended.stderr).toContain("[2/3] would run on x or y in /tmp: b");
  });

  it("200,000 lines are streamed in flat memory", async () => {
    const [input, peak] = [join(scratch, "many.jsonl"), join(scratch, "peak")];
    writeFileSync(
      input,
      Array.from({ length: 200_000 }, (_, i) => `{"cmd":"process --number ${i} --with some more text that makes the line longer","id":${i}}\n`).join(""),
    );
    const watch = `data:text/javascript,import{writeFileSync}from"node:fs";process.on("exit",()=>writeFileSync(${JSON.stringify(peak)},String(process.resourceUsage().maxRSS)))`;
    const ended = await run(["--dry-run", "-i", input, "-o", join(scratch, "checked"), "-l", "/dev/null"], { nodeArgs: ["--import", watch] });
    expect(ended.status).toBe(0);
    expect(readFileSync(join(scratch, "checked"), "utf8").split("\n").length).toBe(200_001);
    expect(Number(readFileSync(peak, "utf8"))).toBeLessThan(180_000);
  });
});

describe("what cannot be run", () => {
  it.each<readonly [string, readonly string[], RegExp]>([
    [
      "no cluster",
      ["--profile-dir", "/tmp/no-such-profile"],
      /^bakapara: no cluster to run jobs on: .*; start a cluster with `ipcluster start`, .*; or run them on this machine alone, with `bakapara --local`\n$/,
    ],
    ["an input that is not there", ["-i", "/no/such/input", "--local"], /^bakapara: cannot read jobs from \/no\/such\/input: .*\n$/],
    ["an input that is a directory", ["-i", "/tmp", "--dry-run"], /^bakapara: cannot read jobs from \/tmp: it is a directory\n$/],
    [
      "an output that cannot be written",
      ["-o", "/no/such/output", "--dry-run"],
      /^bakapara: cannot write results to \/no\/such\/output: there is no directory \/no\/such\n$/,
    ],
    ["--resume without output file", ["--resume"], /^bakapara: --resume needs the output file/],
    ["a wrong number", ["--retries", "many"], /^bakapara: --retries must be a whole number of at least 0, and is "many"\n$/],
    ["a wrong timeout", ["--timeout", "0"], /^bakapara: --timeout must be a number of at least 0\.001, and is "0"\n$/],
    ["a wrong halting rule", ["--halt", "now"], /^bakapara: --halt: "now" is no halting rule; write now,fail=N/],
    [
      "a file without its flag",
      ["jobs.jsonl"],
      /^bakapara: "jobs.jsonl" stands alone; a file with jobs is named with -i: bakapara -i jobs.jsonl -o results.jsonl\n$/,
    ],
    ["two clusters", ["--local", "2", "-p", "x"], /^bakapara: name one cluster/],
    ["an unknown flag", ["--retrys", "2"], /^bakapara: .*--retries/],
  ])("%s is told in one sentence, with status 255", async (_what, args, message) => {
    const ended = await run(args, { input: "" });
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(ended).toMatchObject({ status: 255, stdout: "" });
  });

  it.each<readonly [string, (text: string) => string, RegExp]>([
    ["a controller that has ended", (text) => text, /no controller listens at tcp:\/\/127\.0\.0\.1:1; \S+-client\.json is left from one that ended: /],
    ["a half-written connection file", (text) => text.slice(0, 60), /-client\.json: the connection information is not JSON; /],
    [
      "a packer that is not known",
      (text) => text.replace('"json"', '"pickle"'),
      /-client\.json: the connection information is wrong: `pack` is "pickle", and only /,
    ],
  ])("%s is told in one sentence, with status 255", async (_what, change, message) => {
    const profile = join(scratch, "left");
    mkdirSync(join(profile, "security"), { recursive: true });
    const channels = { registration: 1, control: 2, mux: 3, task: 4, iopub: 5, notification: 6, broadcast: 7 };
    const rest = { interface: "tcp://127.0.0.1", key: "k", task_scheme: "leastload", pack: "json", unpack: "json", signature_scheme: "hmac-sha256" };
    writeFileSync(join(profile, "security", "ipcontroller-client.json"), change(JSON.stringify({ ...channels, ...rest })));
    const ended = await run(["--profile-dir", profile], { input: lines([{ cmd: "true" }]) });
    expect(ended).toMatchObject({ status: 255, stdout: "" });
    expect(ended.stderr).toMatch(/^bakapara: no cluster to run jobs on: [^\n]*\n$/);
    expect(ended.stderr).toMatch(message);
  });

  it("--help names every flag and the exit statuses", async () => {
    const ended = await run(["--help"]);
    expect(ended.status).toBe(0);
    for (const word of [
      "--profile",
      "--input",
      "--output",
      "--logging",
      "--local",
      "--resume",
      "--retries",
      "--timeout",
      "--halt",
      "--joblog",
      "--bar",
      "--progress",
      "--keep-order",
      "--dry-run",
      "101",
      "255",
    ]) {
      expect(ended.stdout).toContain(word);
    }
  });
});
