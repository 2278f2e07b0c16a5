// What every JobRunner does, the portable one and the fast one alike. Each runs real commands of this machine's bash.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BashServerRunner, CMD_BYTES_MAX, shellQuote, SpawnRunner, type JobOutcome, type JobRunner, type JobSpec } from "../../src/jobs/index.ts";
import { until } from "../support/until.ts";

let scratch = "";
beforeAll(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), "tsparallel-jobs-")));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const kinds: readonly (readonly [name: string, make: () => JobRunner])[] = [
  ["a shell of its own for each job", () => new SpawnRunner()],
  ["jobs on a bash server", () => new BashServerRunner()],
  ["jobs on a bash server that evaluates nothing itself", () => new BashServerRunner({ ...process.env, "BASH_FUNC_marker%%": "() { :; }" })],
];

describe.each(kinds)("%s", (_name, make) => {
  let runner: JobRunner;
  beforeAll(() => {
    runner = make();
  });
  afterAll(() => runner.close());

  const run = (job: Partial<JobSpec> & { cmd: string }, signal?: AbortSignal): Promise<JobOutcome> => runner.run({ cwd: scratch, ...job }, signal);
  const outputOf = async (cmd: string, job: Partial<JobSpec> = {}): Promise<string> => {
    await run({ cmd, out: "captured", err: "captured", ...job });
    return readFileSync(join(scratch, job.cd ?? "", "captured"), "utf8");
  };

  it("a job that ends well has code 0, no signal, no error, and times that fit", async () => {
    const before = Date.now() - 5;
    const outcome = await run({ cmd: "sleep 0.02" });
    expect(outcome).toEqual({ ...outcome, code: 0, signal: null, timedOut: false, aborted: false });
    // Looked up after a tenth of a second at the earliest, which a machine that is busy makes of it.
    expect(outcome.maxRssKb).toEqual(outcome.elapsedMs < 100 ? null : (outcome.maxRssKb ?? null));
    expect(outcome.error).toBeUndefined();
    expect(outcome.startedAt).toBeGreaterThanOrEqual(before);
    expect(outcome.elapsedMs).toBeGreaterThanOrEqual(20);
    expect(outcome.completedAt - outcome.startedAt).toBeCloseTo(outcome.elapsedMs, 1);
  });

  it.each([
    ["true", 0],
    ["false", 1],
    ["exit 7", 7],
    ["no-such-command-anywhere", 127],
    ["/", 126],
    ["false | true", 1],
    ["true | false | true", 1],
    ["true && false", 1],
    ["false || true", 0],
    ["false; true", 0],
    ["set -e; false; true", 1],
    ["(exit 3)", 3],
    ["exec false", 1],
    ["return 4 2>/dev/null || exit 5", 5],
    ["echo 'unbalanced", 2],
    ["if", 2],
    [")", 2],
    ["", 0],
    ["   ", 0],
    ["# nothing", 0],
    ["wait; jobs; true", 0],
    ["set -m; sleep 0.01 & wait $!; exit 9", 9],
    ["trap 'exit 6' EXIT; true", 6],
    ["cat <<EOF\nd0\nEOF", 0],
    ["true\nfalse\n", 1],
    ["echo d0 >&2; echo p1; echo f", 0],
  ])("%j gives code %i", async (cmd, code) => {
    expect(await run({ cmd })).toMatchObject({ code, signal: null });
  });

  it.each([
    ["kill -9 $$", 137, "SIGKILL"],
    ["kill -TERM $$", 143, "SIGTERM"],
    ["kill -SEGV $$; true", 139, "SIGSEGV"],
    ["sleep 5 & kill -HUP $!; wait $!", 129, "SIGHUP"],
    ["bash -c 'kill -9 $$' | cat", 137, "SIGKILL"],
  ])("%j is told as signal", async (cmd, code, signal) => {
    expect(await run({ cmd })).toMatchObject({ code, signal });
  });

  it("the runner goes on after a job that kills its whole process group", async () => {
    expect(await run({ cmd: "kill -9 0" })).toMatchObject({ code: 137, signal: "SIGKILL" });
    expect(await run({ cmd: "true" })).toMatchObject({ code: 0 });
  });

  it("output goes to the files, replacing what they held", async () => {
    writeFileSync(join(scratch, "o"), "old and longer than the new\n");
    await run({ cmd: "echo out; echo err >&2", out: "o", err: "e" });
    expect(readFileSync(join(scratch, "o"), "utf8")).toBe("out\n");
    expect(readFileSync(join(scratch, "e"), "utf8")).toBe("err\n");
  });

  it("one file for both outputs gets both, in order", async () => {
    await run({ cmd: "echo 1; echo 2 >&2; echo 3", out: "both", err: "./both" });
    expect(readFileSync(join(scratch, "both"), "utf8")).toBe("1\n2\n3\n");
  });

  it("files are relative to the job's directory, and the directory to the caller's", async () => {
    await run({ cmd: "mkdir -p sub" });
    await run({ cmd: "pwd", cd: "sub", out: "where" });
    expect(readFileSync(join(scratch, "sub/where"), "utf8")).toBe(`${scratch}/sub\n`);
    // The next job is in the caller's directory again.
    expect(await outputOf("pwd")).toBe(`${scratch}\n`);
  });

  it("standard input is empty, or the job's file", async () => {
    expect(await outputOf("cat | wc -c")).toBe("0\n");
    writeFileSync(join(scratch, "in"), "from a file\n");
    expect(await outputOf("cat", { stdin: "in" })).toBe("from a file\n");
  });

  it("a job sees the engine's environment and its own variables, and leaves none behind", async () => {
    expect(await outputOf(`printf '%s' "$A"`, { env: { A: "it's $HOME \n \\ ü" } })).toBe("it's $HOME \n \\ ü");
    expect(await outputOf(`printf '%s' "\${A-unset}"`)).toBe("unset");
    expect(await outputOf(`export A=1 B=2; cd /; umask 077; set -e; trap true EXIT`)).toBe("");
    expect(await outputOf(`echo "\${B-unset} $PWD $(umask)"; false; echo on`)).toBe(`unset ${scratch} 00${process.umask().toString(8).padStart(2, "0")}\non\n`);
    expect(await outputOf(`printf '%s' "$PATH"`)).toBe(process.env["PATH"]);
  });

  it("a command is run with quotes, newlines and unusual characters as they are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 40 }), async (text) => {
        fc.pre(!text.includes("\0") && text.isWellFormed());
        expect(await outputOf(`printf '%s' ${shellQuote(text)}`)).toBe(text);
      }),
      { numRuns: 25 },
    );
  });

  it("bytes that are no UTF-8 reach the file as they are", async () => {
    await run({ cmd: String.raw`printf '\377\200\000x'`, out: "bytes" });
    expect([...readFileSync(join(scratch, "bytes"))]).toEqual([255, 128, 0, 120]);
  });

  it("100 MB of output go to the file and not through this process", async () => {
    const before = process.memoryUsage().rss;
    expect(await run({ cmd: "head -c 100000000 /dev/zero", out: "big" })).toMatchObject({ code: 0 });
    expect(statSync(join(scratch, "big")).size).toBe(100_000_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6);
    rmSync(join(scratch, "big"));
  });

  it("a job leads its own process group", async () => {
    const [first, second] = await Promise.all([outputOf("ps -o pgid= -p $$; echo $$", { out: "a", err: "b" }), outputOf("true")]).then(async () => [
      readFileSync(join(scratch, "a"), "utf8"),
      await outputOf("ps -o pgid= -p $$"),
    ]);
    const [pgid, pid] = (first ?? "").trim().split(/\s+/);
    expect(pgid).toBe(pid);
    expect(second?.trim()).not.toBe(pgid);
    // Stages of a pipeline share the group, also when the command is a plain one.
    const pipeline = await outputOf("ps -o pgid= -o comm= | cat");
    expect(pipeline).not.toBe("");
  });

  it.each([
    "ls /proc/self/fd",
    "ls /proc/self/fd | cat",
    "(ls /proc/self/fd)",
    "grep -E ^SigCgt /proc/self/status",
    "grep -E '^Sig(Ign|Blk)' /proc/self/status | cat",
  ])("%j shows the descriptors and signals of a bash started by hand", async (cmd) => {
    const byHand = spawnSync("/bin/bash", ["-o", "pipefail", "-c", cmd], { stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" });
    expect(await outputOf(cmd)).toBe(byHand.stdout);
  });

  it("the shell's own variables are those of a new shell", async () => {
    expect(await outputOf(`echo "$0 $# $? $BASH_SUBSHELL \${!-none} $SECONDS"; [ $$ = $BASHPID ] && echo same`)).toBe("/bin/bash 0 0 0 none 0\nsame\n");
  });

  it("a message of the shell reads the same", async () => {
    expect(await outputOf("no-such-command-anywhere")).toBe("/bin/bash: line 1: no-such-command-anywhere: command not found\n");
  });

  it("a job without files has its output discarded", async () => {
    expect(await run({ cmd: "echo nowhere; echo err >&2" })).toMatchObject({ code: 0 });
  });

  it("another shell gets the command as its last argument", async () => {
    expect(await outputOf("print(6 * 7)", { shell: ["/usr/bin/env", "python3", "-c"] })).toBe("42\n");
    expect(await outputOf("echo $0", { shell: ["/bin/sh", "-c"] })).toBe("/bin/sh\n");
  });

  it("a time limit stops the job with its children and says so", async () => {
    const outcome = await run({ cmd: `sleep 61.${process.pid} & sleep 61.${process.pid} | cat`, timeoutMs: 100 });
    expect(outcome).toMatchObject({ code: 143, signal: "SIGTERM", timedOut: true });
    expect(outcome.elapsedMs).toBeLessThan(20_000);
    expect(pidsOf(`sleep 61.${process.pid}`)).toEqual([]);
  });

  it("a job that ignores SIGTERM is killed after a grace period", async () => {
    const outcome = await run({ cmd: `trap "" TERM; while :; do sleep 0.05; done`, timeoutMs: 50 });
    expect(outcome).toMatchObject({ code: 137, signal: "SIGKILL", timedOut: true });
  });

  it("a stopped job is still running, and its time limit ends it", async () => {
    expect(await run({ cmd: "kill -STOP $$", timeoutMs: 100 })).toMatchObject({ timedOut: true, signal: "SIGTERM" });
  });

  it("a child that left the process group is killed with the job", async () => {
    await run({ cmd: `setsid sleep 62.${process.pid} & sleep 62.${process.pid}`, timeoutMs: 100 });
    expect(pidsOf(`sleep 62.${process.pid}`)).toEqual([]);
  });

  it("an abort kills the job and its children", async () => {
    const abort = new AbortController();
    const ended = run({ cmd: `echo up > started; sleep 63.${process.pid} & sleep 63.${process.pid}` }, abort.signal);
    await until(() => existsSync(join(scratch, "started")));
    abort.abort();
    expect(await ended).toMatchObject({ aborted: true, timedOut: false, signal: "SIGTERM" });
    expect(pidsOf(`sleep 63.${process.pid}`)).toEqual([]);
  });

  it("a job whose caller gave up before it began is stopped at once", async () => {
    expect(await run({ cmd: `sleep 64.${process.pid}` }, AbortSignal.abort())).toMatchObject({ aborted: true });
  });

  it("a background child of a job that ended goes on", async () => {
    expect(await run({ cmd: `sleep 65.${process.pid} & exit 0` })).toMatchObject({ code: 0 });
    // The child of the shell is not at once the program it becomes.
    await until(() => pidsOf(`sleep 65.${process.pid}`).length === 1);
    for (const pid of pidsOf(`sleep 65.${process.pid}`)) process.kill(pid);
  });

  it("the memory of a long job is sampled", async () => {
    const outcome = await run({ cmd: `x=$(head -c 30000000 /dev/zero | tr '\\0' a); sleep 0.6; true` });
    expect(outcome.maxRssKb).toBeGreaterThan(25_000);
  });

  it.each<readonly [string, Partial<JobSpec>, RegExp]>([
    ["a directory that does not exist", { cd: "nowhere" }, /^`cd` ".*\/nowhere" cannot be entered on .*: it does not exist \(ENOENT\)$/],
    ["a directory that is a file", { cd: "/etc/passwd" }, /^`cd` "\/etc\/passwd" .*not a directory \(ENOTDIR\)$/],
    ["a caller's directory that is not here", { cwd: "/nowhere/home" }, /^the caller's working directory "\/nowhere\/home" /],
    ["an output file in no directory", { out: "nowhere/out" }, /^`out` ".*\/nowhere\/out" cannot be written on .*: it does not exist \(ENOENT\)$/],
    ["an output file that is a directory", { err: "/" }, /^`err` "\/" cannot be written on .*: it is a directory \(EISDIR\)$/],
    ["an input file that does not exist", { stdin: "nowhere" }, /^`stdin` ".*\/nowhere" cannot be read on .*: it does not exist \(ENOENT\)$/],
    ["a shell that does not exist", { shell: ["/no/such/shell", "-c"] }, /^the shell "\/no\/such\/shell" cannot be run on .*: it does not exist \(ENOENT\)$/],
    ["a NUL character in the command", { cmd: "echo \0" }, /NUL/],
    ["a NUL character in a path", { out: "a\0b" }, /NUL/],
    ["a command longer than the system takes", { cmd: `: ${"x".repeat(CMD_BYTES_MAX)}` }, /has 131073 bytes/],
    ["an impossible variable name", { env: { "A=B": "1" } }, /env/],
  ])("%s is an error and no code", async (_what, job, message) => {
    const outcome = await run({ cmd: "true", ...job });
    expect(outcome).toMatchObject({ code: null, signal: null });
    expect(outcome.error).toMatch(message);
  });

  it("a command as long as the system takes is run", async () => {
    expect(await run({ cmd: `: ${"x".repeat(CMD_BYTES_MAX - 2)}` })).toMatchObject({ code: 0 });
  });

  it("many jobs at a time keep their results apart", async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => run({ cmd: `exit ${i}` })));
    expect(outcomes.map((outcome) => outcome.code)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});

// Pieces from which commands are put together: plain ones, which the bash server evaluates itself, and others. Only stages
// that read to the end stand behind a pipe: with others it would be chance whether the writer is told.
const WORDS = [
  "true",
  "false",
  "echo a b",
  "echo 'it $s'",
  'echo "x  y"',
  "printf 'n\\n'",
  "cat",
  "no-such-command",
  "/",
  "ls -d /etc",
  "exit 3",
  "echo $((1+2))",
  "pwd",
  "cd /",
  "echo err >&2",
  "sh -c 'exit 9'",
  "(exit 4)",
  "set -e",
];
const READERS = ["", " | cat", " | wc -l", " | grep -c a", " | tr a b | sort", " | cat 2>&1", " | (cat; exit 5)"];
const JOINTS = [" && ", " || ", "; ", "\n", ";"];
const TAILS = ["", " > made", " 2> made", " > made 2>&1", " >> made", ")", "'", " #x"];

describe("the runners compared", () => {
  it("any command has the same code, signal, output and files with both", async () => {
    const runners = [new SpawnRunner(), new BashServerRunner()] as const;
    const command = fc
      .tuple(
        fc.array(fc.tuple(fc.constantFrom(...WORDS), fc.constantFrom(...READERS), fc.constantFrom(...JOINTS)), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(...TAILS),
      )
      .map(([parts, tail]) => parts.map(([word, reader, joint], i) => word + reader + (i === parts.length - 1 ? "" : joint)).join("") + tail);
    try {
      await fc.assert(
        fc.asyncProperty(command, async (cmd) => {
          const told: unknown[] = [];
          for (const runner of runners) {
            const cwd = join(scratch, "compared");
            rmSync(cwd, { recursive: true, force: true });
            mkdirSync(cwd);
            const { code, signal, error } = await runner.run({ cmd, cwd, out: "out", err: "err" });
            const read = (name: string): string | undefined => (existsSync(join(cwd, name)) ? readFileSync(join(cwd, name), "utf8") : undefined);
            // Stages of a pipeline complain in any order.
            const linesOf = (text: string | undefined): string[] | undefined => text?.split("\n").sort();
            told.push({ code, signal, error, out: read("out"), err: linesOf(read("err")), made: linesOf(read("made")) });
          }
          expect(told[1]).toEqual(told[0]);
        }),
        { numRuns: 120 },
      );
    } finally {
      for (const runner of runners) runner.close();
    }
  }, 60_000);
});

describe("a bash server that its job kills", () => {
  it("tells the job so and serves the next", async () => {
    const runner = new BashServerRunner();
    try {
      const outcome = await runner.run({ cmd: `kill -9 $PPID; sleep 66.${process.pid}`, cwd: scratch });
      expect(outcome.code).toBeNull();
      expect(outcome.error).toMatch(/^the shell that ran the job was killed on /);
      expect(pidsOf(`sleep 66.${process.pid}`)).toEqual([]);
      expect(await runner.run({ cmd: "exit 3", cwd: scratch })).toMatchObject({ code: 3 });
    } finally {
      runner.close();
    }
  });
});

function pidsOf(pattern: string): number[] {
  const { stdout } = spawnSync("pgrep", ["-f", "-x", pattern], { encoding: "utf8" });
  return stdout.split("\n").filter(Boolean).map(Number);
}
