// The bakapara command on a running cluster: its input, output, log, flags and exit status.

import { existsSync, mkdtempSync, openSync, closeSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../support/until.ts";
import { TestCluster } from "../support/with-cluster.ts";
import {
  lines,
  pidsOf,
  pressUntilKilling,
  results,
  resultsIn,
  run,
  startOnTerminal,
  start,
  type Ended,
  type ResultLine,
  type StartOptions,
} from "./bakapara-support.ts";

let cluster: TestCluster;
let scratch = "";
let counter = 0;
const fresh = (name: string): string => join(scratch, `${(counter += 1)}-${name}`);

beforeAll(async () => {
  // A dead engine is to be noticed within seconds, not within half a minute.
  cluster = await TestCluster.start({ engines: 2, controllerArgs: ["--ping", "500"] });
  scratch = realpathSync(mkdtempSync(join(tmpdir(), "tsparallel-bakapara-")));
});
afterAll(async () => {
  await cluster.stop();
  rmSync(scratch, { recursive: true, force: true });
});

// A controller that was killed may come back for a while; so this run goes on beside the other tests.
let orphaned: Promise<Ended>;
beforeAll(() => {
  orphaned = orphanRun();
});
afterAll(() => orphaned);

async function orphanRun(): Promise<Ended> {
  const other = await TestCluster.start({ engines: 1 });
  try {
    const begun = fresh("begun");
    const running = start(["--profile-dir", other.profileDir], {
      input: lines([{ id: "done", cmd: "true" }, { cmd: `touch ${begun}; sleep 75.${process.pid}` }]),
    });
    await until(() => existsSync(begun));
    other.controller.child.kill("SIGKILL");
    return await running.ended;
  } finally {
    await other.stop();
  }
}

const on = (...args: string[]): string[] => ["--profile-dir", cluster.profileDir, ...args];
const runJobs = (jobs: readonly unknown[], args: readonly string[] = [], options: StartOptions = {}): Promise<Ended> =>
  run(on(...args), { cwd: scratch, input: lines(jobs), ...options });
const byId = (ended: Ended): Map<unknown, ResultLine> => new Map(results(ended.stdout).map((line) => [line["id"], line]));

describe("results", () => {
  it("a job that ends well has every field of the page", async () => {
    const job = { cmd: "echo hello", out: fresh("hello"), id: 7, mine: ["kept"] };
    const ended = await runJobs([job]);
    expect(ended.status).toBe(0);
    const [line] = results(ended.stdout);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(line).toEqual({
      ...job,
      result: {
        code: 0,
        submitted: time,
        started: time,
        completed: time,
        received: time,
        elapsed: expect.stringMatching(/^0:\d\d:\d\d\.\d{6}$/),
        engine_id: expect.any(Number),
        host: hostname(),
        pyerr: null,
        pyout: null,
        status: "ok",
        msg_id: expect.any(String),
        signal: null,
        attempt: 1,
        timed_out: false,
        // It is looked at from time to time: a short job's is not known.
        max_rss: line?.result["max_rss"] ?? null,
      },
    });
    // Texts of this form are in the order of their times.
    const times = ["submitted", "started", "completed", "received"].map((key) => String(line?.result[key]));
    expect(times).toEqual(times.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(readFileSync(job.out, "utf8")).toBe("hello\n");
  });

  it("each kind of bad job ends as the page says, and none disturbs the next", async () => {
    writeFileSync(join(scratch, "file"), "");
    const ended = await runJobs([
      { id: "missing cd", cmd: "true", cd: "no/such" },
      { id: "unwritable out", cmd: "true", out: "/proc/nowhere" },
      { id: "out is a directory", cmd: "true", out: "/" },
      { id: "missing stdin", cmd: "true", stdin: "no-such" },
      { id: "not found", cmd: "no-such-command-anywhere" },
      { id: "not executable", cmd: "./file" },
      { id: "killed", cmd: "kill -9 $$" },
      { id: "kills the group", cmd: "kill -9 0" },
      { id: "segfault", cmd: "kill -SEGV $$" },
      { id: "stage", cmd: "false | true" },
      { id: "syntax", cmd: "if then" },
      { id: "endless", cmd: "while :; do :; done", timeout: 0.2 },
      { id: "stubborn", cmd: "trap '' TERM; while :; do sleep 0.1; done", timeout: 0.2 },
      { id: "invalid UTF-8", cmd: String.raw`printf '\377\376'`, out: "invalid" },
      { id: "shell missing", cmd: "true", shell: "/no/such/shell" },
      { id: "nul", cmd: "echo \0" },
      { id: "unknown host", cmd: "true", host: ["nowhere.example", "elsewhere"] },
      { id: "leak", cmd: "cd /; export LEAK=1; exit 0" },
      { id: "after", cmd: 'printf "%s %s" "$PWD" "${LEAK-none}"', out: "after" },
    ]);
    const all = byId(ended);
    const resultOf = (id: string): unknown => all.get(id)?.result;
    const refused = (message: string): unknown => expect.objectContaining({ code: null, status: "error", error: expect.stringContaining(message) });
    expect(resultOf("missing cd")).toEqual(refused("`cd`"));
    expect(resultOf("unwritable out")).toEqual(refused("`out`"));
    expect(resultOf("out is a directory")).toEqual(refused("it is a directory"));
    expect(resultOf("missing stdin")).toEqual(refused("`stdin`"));
    expect(resultOf("not found")).toMatchObject({ code: 127, status: "ok", signal: null });
    expect(resultOf("not executable")).toMatchObject({ code: 126, status: "ok" });
    expect(resultOf("killed")).toMatchObject({ code: 137, signal: "SIGKILL", status: "ok" });
    expect(resultOf("kills the group")).toMatchObject({ code: 137, signal: "SIGKILL" });
    expect(resultOf("segfault")).toMatchObject({ code: 139, signal: "SIGSEGV" });
    expect(resultOf("stage")).toMatchObject({ code: 1, status: "ok" });
    expect(resultOf("syntax")).toMatchObject({ code: 2, status: "ok" });
    expect(resultOf("endless")).toMatchObject({ code: 143, signal: "SIGTERM", timed_out: true, max_rss: expect.any(Number) });
    expect(resultOf("stubborn")).toMatchObject({ code: 137, signal: "SIGKILL", timed_out: true });
    expect(resultOf("invalid UTF-8")).toMatchObject({ code: 0 });
    expect([...readFileSync(join(scratch, "invalid"))]).toEqual([255, 254]);
    expect(resultOf("shell missing")).toEqual(refused("/no/such/shell"));
    expect(resultOf("nul")).toEqual(refused("NUL"));
    expect(resultOf("unknown host")).toEqual(refused(`there are engines on ${hostname()}`));
    expect(readFileSync(join(scratch, "after"), "utf8")).toBe(`${scratch} none`);
    expect(ended.status).toBe(16);
  });

  it("100 MB of output go to the file", async () => {
    const out = fresh("big");
    const ended = await runJobs([{ cmd: "head -c 100000000 /dev/zero", out }]);
    expect(ended.status).toBe(0);
    expect(readFileSync(out).length).toBe(100_000_000);
    rmSync(out);
  });

  it("env, stdin, shell, relative cd and host reach the job", async () => {
    writeFileSync(join(scratch, "in"), "input\n");
    const ended = await runJobs([{ cmd: "mkdir -p sub/dir" }]);
    expect(ended.status).toBe(0);
    const second = await runJobs([
      { id: 1, cmd: 'cat; echo "$A"', cd: "sub/dir", stdin: "../../in", out: "o1", env: { A: "ä b" } },
      { id: 2, cmd: "import os; print(os.getcwd())", shell: ["python3", "-c"], out: "o2" },
      { id: 3, cmd: "echo $0", shell: "/bin/sh", out: "o3", host: hostname() },
    ]);
    expect(second.status).toBe(0);
    expect(readFileSync(join(scratch, "sub/dir/o1"), "utf8")).toBe("input\nä b\n");
    expect(readFileSync(join(scratch, "o2"), "utf8")).toBe(`${scratch}\n`);
    expect(readFileSync(join(scratch, "o3"), "utf8")).toBe("/bin/sh\n");
  });
});

describe("the log", () => {
  it("has the original's lines", async () => {
    const go = fresh("go");
    const running = start(on(), { cwd: scratch, input: lines([{ cmd: "exit 3" }, { cmd: `until [ -e ${go} ]; do sleep 0.1; done` }]) });
    await until(() => running.stderr().includes("[1/2] returned 3"));
    writeFileSync(go, "");
    const ended = await running.ended;
    const stamp = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}`;
    const host = hostname().replaceAll(".", "\\.");
    const expected = [
      `${stamp} total 2 jobs on 2 engines`,
      `${stamp} \\[1/2\\] returned 3 in 0:\\d\\d:\\d\\d\\.\\d{6} sec on ${host}: exit 3`,
      `${stamp} \\[2/2\\] returned 0 in 0:\\d\\d:\\d\\d\\.\\d{6} sec on ${host}: until .* done`,
      `${stamp} completed`,
    ];
    expect(ended.stderr).toMatch(new RegExp(`^${expected.join("\n")}\n$`));
  });

  it("-i, -o and -l name files", async () => {
    const [input, output, log] = [fresh("in"), fresh("out"), fresh("log")];
    writeFileSync(input, lines([{ cmd: "true" }, { cmd: "true" }]));
    writeFileSync(output, "what was there before\n");
    const ended = await run(on("-i", input, "-o", output, "-l", log));
    expect(ended).toMatchObject({ status: 0, stdout: "", stderr: "" });
    expect(resultsIn(output)).toHaveLength(2);
    expect(readFileSync(log, "utf8")).toMatch(/total 2 jobs on 2 engines\n(.*\n){2}.* completed\n$/);
  });

  it("the total of a redirected file is known, also when something read a part of it", async () => {
    const input = fresh("in");
    writeFileSync(input, lines([{ cmd: "true" }, { cmd: "true" }, { cmd: "true" }]));
    const fd = openSync(input, "r");
    const ended = await run(on(), { stdin: fd });
    closeSync(fd);
    expect(ended.stderr).toContain("total 3 jobs on 2 engines");
    expect(ended.stderr).toContain("[3/3] returned 0");
  });

  it("a pipe that stays open is worked on at once, with what is known as total", async () => {
    const running = start(on(), { input: lines([{ cmd: "true" }]), keepsInput: true });
    // Two pipes: what was written first need not be read first.
    await until(() => results(running.stdout()).length === 1 && running.stderr().includes("returned 0"));
    expect(running.stderr()).toContain("total 1+ jobs on 2 engines");
    expect(running.stderr()).toContain("[1/1+] returned 0");
    running.child.stdin?.end(lines([{ cmd: "exit 1" }]));
    const ended = await running.ended;
    expect(ended.stderr).toMatch(/\[2\/2\+?\] returned 1/);
    expect(ended.status).toBe(1);
  });
});

describe("input", () => {
  it("a malformed line is one error result with its number, and the rest runs", async () => {
    const input = Buffer.concat([
      Buffer.from('\uFEFF{"cmd":"true","id":"a"}\r\n\r\n{"cmd":\n[1]\n{"id":"no cmd"}\n{"cmd":"'),
      Buffer.from([0xff]),
      Buffer.from(`"}\n{"cmd":"${"x".repeat(1_100_000)}"}\n{"cmd":"true","id":"last"}`),
    ]);
    const ended = await run(on("--keep-order"), { input });
    expect(results(ended.stdout).map((line) => [line["line"] ?? line["id"], line.result["code"], line.result["error"] ?? null])).toEqual([
      ["a", 0, null],
      [3, null, expect.stringMatching(/^line 3: not JSON: /)],
      [4, null, "line 4: a job must be a JSON object with `cmd`"],
      [5, null, "line 5: `cmd` is missing"],
      [6, null, "line 6: not UTF-8"],
      [7, null, "line 7: longer than 1048576 bytes"],
      ["last", 0, null],
    ]);
    expect(ended.status).toBe(5);
  });

  it("no jobs at all are a run that completes", async () => {
    const ended = await run(on(), { input: "\n\n" });
    expect(ended.status).toBe(0);
    expect(ended.stderr).toMatch(/total 0 jobs on 2 engines\n.* completed\n$/);
  });
});

describe("flags", () => {
  it("--keep-order gives results in the order of the input", async () => {
    const idsOf = async (...flags: readonly string[]): Promise<unknown[]> => {
      const [go, done] = [fresh("go"), fresh("done")];
      const others = Array.from({ length: 9 }, (_, i) => ({ cmd: `echo ${i} >> ${done}`, id: i + 1 }));
      const running = start(on(...flags), { cwd: scratch, input: lines([{ cmd: `until [ -e ${go} ]; do sleep 0.1; done`, id: 0 }, ...others]) });
      await until(() => existsSync(done) && readFileSync(done, "utf8").split("\n").length === 10);
      // In the order of the input nothing is told before the first.
      if (flags.length === 0) await until(() => running.stderr().includes("[9/10] returned 0"));
      writeFileSync(go, "");
      return results((await running.ended).stdout).map((line) => line["id"]);
    };
    expect(await idsOf("--keep-order")).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect((await idsOf()).at(-1)).toBe(0);
  });

  it("--retries and a job's own retries run a failed job again, counting attempts", async () => {
    const [a, b, c] = [fresh("a"), fresh("b"), fresh("c")];
    const ended = await runJobs(
      [
        { id: "a", cmd: `echo x >> ${a}; [ $(wc -l < ${a}) -ge 3 ]` },
        { id: "b", cmd: `echo x >> ${b}; false` },
        { id: "c", cmd: `echo x >> ${c}; false`, retries: 0 },
        { id: "d", cmd: "true", cd: "/no/such" },
      ],
      ["--retries", "3"],
    );
    const all = byId(ended);
    expect(all.get("a")?.result).toMatchObject({ code: 0, attempt: 3 });
    expect(all.get("b")?.result).toMatchObject({ code: 1, attempt: 4 });
    expect(all.get("c")?.result).toMatchObject({ code: 1, attempt: 1 });
    expect(all.get("d")?.result).toMatchObject({ code: null, attempt: 4 });
    expect(readFileSync(b, "utf8")).toBe("x\n".repeat(4));
    expect(ended.status).toBe(3);
  });

  it("--timeout holds for jobs that do not say", async () => {
    const ended = await runJobs(
      [
        { id: 1, cmd: "sleep 30" },
        { id: 2, cmd: "sleep 0.5", timeout: 20 },
      ],
      ["--timeout", "0.2"],
    );
    const all = byId(ended);
    expect(all.get(1)?.result).toMatchObject({ timed_out: true, code: 143 });
    expect(all.get(2)?.result).toMatchObject({ timed_out: false, code: 0 });
    expect(ended.stderr).toContain("(timed out): sleep 30");
  });

  it("ok_codes say what success is, and priority who goes first", async () => {
    const ended = await runJobs([
      { cmd: "exit 3", ok_codes: [0, 3] },
      { cmd: "true", ok_codes: [1] },
    ]);
    expect(ended.status).toBe(1);
    const order = fresh("order");
    const jobs = Array.from({ length: 40 }, (_, i) => ({ cmd: `echo ${i} >> ${order}`, priority: i === 39 ? 1 : 0 }));
    await runJobs(jobs);
    expect(readFileSync(order, "utf8").split("\n").indexOf("39")).toBeLessThan(20);
  });

  it("--halt soon starts no more, and lets the running end", async () => {
    const mark = fresh("mark");
    const jobs = [{ cmd: `sleep 0.5; echo x > ${mark}` }, { cmd: "false" }, ...Array.from({ length: 50 }, () => ({ cmd: "sleep 0.5" }))];
    const ended = await runJobs(jobs, ["--halt", "soon,fail=1"]);
    const count = results(ended.stdout).length;
    expect(existsSync(mark)).toBe(true);
    expect(count).toBeLessThan(30);
    expect(ended.stderr).toContain(`stopped: ${52 - count} jobs were not run`);
    expect(ended.status).toBe(1 + 52 - count);
  });

  it("--halt now kills the running", async () => {
    const begun = fresh("begun");
    const jobs = [{ id: "long", cmd: `touch ${begun}; sleep 71.${process.pid}` }, { cmd: `until [ -e ${begun} ]; do sleep 0.1; done; false` }];
    const ended = await runJobs(jobs, ["--halt", "now,fail=1"]);
    expect(byId(ended).get("long")?.result).toMatchObject({ code: null, status: "error", error: "the job was stopped before its end" });
    await until(() => pidsOf(`sleep 71.${process.pid}`).length === 0);
  });

  it("--joblog writes GNU parallel's columns", async () => {
    const joblog = fresh("joblog");
    await runJobs([{ cmd: "exit 5" }, { cmd: "kill -9 $$" }, { cmd: "echo a\techo b" }], ["--joblog", joblog, "--keep-order"]);
    const [header, ...rows] = readFileSync(joblog, "utf8").trimEnd().split("\n");
    expect(header).toBe("Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand");
    const cells = rows.map((row) => row.split("\t"));
    expect(cells.map(([seq, host, , , , , code, signal, cmd]) => [seq, host, code, signal, cmd])).toEqual([
      ["1", hostname(), "5", "0", "exit 5"],
      ["2", hostname(), "137", "9", "kill -9 $$"],
      ["3", hostname(), "0", "0", "echo a\\techo b"],
    ]);
    for (const [, , started, runtime] of cells) {
      expect(started).toMatch(/^\d{10}\.\d{3}$/);
      expect(runtime).toMatch(/^ +\d+\.\d{3}$/);
    }
  });

  it("--progress writes plain lines where there is no terminal", async () => {
    const go = fresh("go");
    const running = start(on("--progress"), { cwd: scratch, input: lines([{ cmd: `until [ -e ${go} ]; do sleep 0.1; done` }, { cmd: "false" }]) });
    await until(() => /^1\/2 jobs, 1 failed, [\d.]+\/s, about 0:\d\d:\d\d left$/m.test(running.stderr()));
    writeFileSync(go, "");
    const ended = await running.ended;
    expect(ended.stderr).toMatch(/ completed\n2\/2 jobs, 1 failed, in 0:\d\d:\d\d\n$/);
    expect(ended.stderr.includes("\u001b")).toBe(false);
  });

  it.skipIf(process.platform !== "linux")("--bar draws a bar on a terminal, and log lines above it", async () => {
    const [input, go] = [fresh("in"), fresh("go")];
    writeFileSync(input, lines([{ cmd: `until [ -e ${go} ]; do sleep 0.05; done` }, { cmd: "true" }]));
    const running = startOnTerminal(on("--bar", "-i", input, "-o", fresh("out")));
    await until(() => /=+-+ 1\/2 jobs, 0 failed, /.test(running.stdout()));
    writeFileSync(go, "");
    const { status, stdout } = await running.ended;
    expect(status).toBe(0);
    // Each line of the log begins on a line that was cleared; at the end the bar is gone and the cursor is back.
    const told = stdout.split("\r\n").map((line) => line.slice(line.lastIndexOf("\r\u001b[K") + 4));
    expect(told.map((line) => line.replace(/^[\d-]+ [\d:,]+ /, "").slice(0, 16))).toEqual([
      "total 2 jobs on ",
      "[1/2] returned 0",
      "[2/2] returned 0",
      "completed",
      "2/2 jobs, 0 fail",
      "",
    ]);
    expect(stdout.lastIndexOf("\u001b[?25h")).toBeGreaterThan(stdout.lastIndexOf("\u001b[?25l"));
  });

  it("--resume runs what has no result yet, once, and appends", async () => {
    const [output, mark] = [fresh("out"), fresh("mark")];
    const job = (id: number): object => ({ cmd: `echo ${id} >> ${mark}`, id });
    await runJobs([job(1), job(2), { cmd: "true", cd: "/no/such", id: "broken" }], ["-o", output]);
    // The earlier run was cut off in the middle of a line.
    writeFileSync(output, `${readFileSync(output, "utf8")}{"cmd":"echo 3`);
    // Other positions, another order of keys: the content counts.
    const ended = await runJobs(
      [{ id: 2, cmd: `echo 2 >> ${mark}` }, job(3), job(1), job(1), { cmd: "true", cd: "/no/such", id: "broken" }],
      ["-o", output, "--resume"],
    );
    expect(readFileSync(mark, "utf8").trim().split("\n").sort()).toEqual(["1", "1", "2", "3"]);
    expect(resultsIn(output).map((line) => line["id"])).toHaveLength(6);
    expect(ended.stderr).toContain("total 5 jobs on 2 engines, 2 done before");
    expect(ended.stderr).toContain("[5/5]");
    expect(ended.status).toBe(1);
    const again = await runJobs([job(1), job(2), job(3)], ["-o", output, "--resume"]);
    expect(again.status).toBe(0);
    expect(readFileSync(mark, "utf8").trim().split("\n")).toHaveLength(4);
  });

  it("more than 100 failed jobs give 101", async () => {
    const ended = await runJobs(Array.from({ length: 102 }, () => ({ cmd: "false" })));
    expect(ended.status).toBe(101);
  });
});

describe("stopping", () => {
  it("Ctrl-C once starts no more and waits for the running", async () => {
    const [begun, mark] = [fresh("begun"), fresh("mark")];
    const jobs = [{ cmd: `touch ${begun}; sleep 1; touch ${mark}` }, ...Array.from({ length: 60 }, () => ({ cmd: "sleep 0.3" }))];
    const running = start(on(), { input: lines(jobs) });
    await until(() => existsSync(begun));
    running.child.kill("SIGINT");
    const ended = await running.ended;
    expect(existsSync(mark)).toBe(true);
    expect(ended.stderr).toContain("press Ctrl-C again to kill them");
    const count = results(ended.stdout).length;
    expect(count).toBeLessThan(30);
    expect(ended.stderr).toContain(`stopped: ${61 - count} jobs were not run`);
    expect(ended.status).toBe(61 - count);
  });

  it("Ctrl-C twice kills the running with all their children", async () => {
    const begun = fresh("begun");
    const running = start(on(), {
      input: lines([
        { cmd: `touch ${begun}; sleep 72.${process.pid} & setsid sleep 72.${process.pid} & sleep 72.${process.pid} | cat` },
        { cmd: `trap '' TERM; sleep 73.${process.pid} & wait` },
      ]),
    });
    await until(() => existsSync(begun) && pidsOf(`sleep 72.${process.pid}`).length === 3 && pidsOf(`sleep 73.${process.pid}`).length === 1);
    running.child.kill("SIGINT");
    await until(() => running.stderr().includes("press Ctrl-C again"));
    await pressUntilKilling(running);
    const ended = await running.ended;
    expect(ended.status).toBe(2);
    expect(results(ended.stdout).map((line) => line.result["error"])).toEqual(Array.from({ length: 2 }, () => "the job was stopped before its end"));
    await until(() => pidsOf(`sleep 72.${process.pid}`).length === 0 && pidsOf(`sleep 73.${process.pid}`).length === 0);
    // The engines serve on.
    expect((await runJobs([{ cmd: "true" }, { cmd: "true" }])).status).toBe(0);
  });

  it("a reader that has enough ends the run without complaint", async () => {
    const jobs = fresh("jobs");
    writeFileSync(jobs, lines(Array.from({ length: 400 }, () => ({ cmd: "sleep 0.05" }))));
    const running = start(on("-i", jobs));
    await until(() => results(running.stdout().slice(0, running.stdout().lastIndexOf("\n") + 1)).length > 0);
    running.child.stdout?.destroy();
    const ended = await running.ended;
    expect(ended.stderr).not.toMatch(/EPIPE|Error/);
    expect(ended.stderr.split("\n").length).toBeLessThan(300);
  });

  it("an engine that dies ends its job with its processes; with retries the job runs again elsewhere", async () => {
    const [begun, go] = [fresh("begun"), fresh("go")];
    cluster.addEngines(2);
    const client = await cluster.connect();
    await client.waitForEngines(4, { timeoutMs: 60_000 });
    // Each job writes its shell and the bash server, whose parent is the engine.
    const jobs = [0, 1, 2, 3].map((id) => ({ id, cmd: `echo $$ $PPID > ${begun}-${id}; until [ -e ${go} ]; do sleep 0.1; done`, retries: id === 1 ? 1 : 0 }));
    const running = start(on(), { input: lines(jobs) });
    const tellsOf = (id: number): number[] => (existsSync(`${begun}-${id}`) ? readFileSync(`${begun}-${id}`, "utf8").trim().split(" ").map(Number) : []);
    await until(() => jobs.every(({ id }) => tellsOf(id).length === 2));
    const [shell, server] = tellsOf(0) as [number, number];
    const engineOf = (pid: number): number => Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    const victims = [engineOf(server), engineOf(tellsOf(1)[1] as number)];
    const victimId = [...client.engines.values()].find(({ properties }) => properties["pid"] === victims[0])?.id;
    for (const pid of victims) process.kill(pid, "SIGKILL");
    await until(() => client.length === 2 && results(running.stdout()).length === 1);
    const [dead] = results(running.stdout());
    expect(dead).toMatchObject({ id: 0, result: { code: null, status: "error", attempt: 1, engine_id: victimId, pyerr: { ename: "EngineError" } } });
    expect(dead?.result["error"]).toBe(`the engine that had the job died (engine ${victimId} on ${hostname()}); with \`retries\` it runs again on another`);
    await until(() => !existsSync(`/proc/${shell}`));
    writeFileSync(go, "");
    const all = byId(await running.ended);
    expect([1, 2, 3].map((id) => [all.get(id)?.result["code"], all.get(id)?.result["attempt"]])).toEqual([
      [0, 2],
      [0, 1],
      [0, 1],
    ]);
    await client.close();
  });

  it("a controller that dies ends the run with a sentence, and only what had ended has a line", async () => {
    const ended = await orphaned;
    expect(ended.status).toBe(255);
    expect(ended.stderr).toMatch(/^bakapara: the cluster is gone: the controller at \S+ went away .*; 1 of 2 jobs had ended \(go on with --resume\)$/m);
    expect(results(ended.stdout).map((line) => line["id"])).toEqual(["done"]);
  });
});
