// A job does not outlive the process that runs it, however that ends. The process is a stand-in for an engine.

import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { Gate } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { pidsOf } from "./bakapara-support.ts";

const JOBS = new URL("../../dist/jobs/index.js", import.meta.url).href;
const processes: ChildProcess[] = [];
afterEach(() => {
  for (const child of processes.splice(0)) child.kill("SIGKILL");
});

function host(code: string, env: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = spawn(process.execPath, ["--input-type=module", "-e", `import { runJob } from ${JSON.stringify(JOBS)};\n${code}`], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  processes.push(child);
  return child;
}

const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.on("exit", (code) => resolve(code)));
const spec = (cmd: string): string => JSON.stringify({ cmd, cwd: "/" });

// The second environment is one that a bash server cannot serve, so that each job gets a shell of its own.
describe.each([
  ["a bash server", {}],
  ["a shell for each job", { POSIXLY_CORRECT: "" }],
])("with %s", (_name, env) => {
  it("a job is stopped when its process is killed", async () => {
    const child = host(`await runJob(${spec(`sleep 81.${process.pid} & sleep 81.${process.pid} | cat`)});`, env);
    await until(() => pidsOf(`sleep 81.${process.pid}`).length === 2);
    child.kill("SIGKILL");
    await until(() => pidsOf(`sleep 81.${process.pid}`).length === 0);
    expect(pidsOf(`sleep 81.${process.pid}`)).toEqual([]);
  });

  it("a job that ignores SIGTERM is killed a little later", async () => {
    const child = host(`await runJob(${spec(`trap '' TERM; sleep 82.${process.pid}; sleep 82.${process.pid}`)});`, env);
    await until(() => pidsOf(`sleep 82.${process.pid}`).length === 1);
    child.kill("SIGKILL");
    await until(() => pidsOf(`sleep 82.${process.pid}`).length === 0);
    expect(pidsOf(`sleep 82.${process.pid}`)).toEqual([]);
  });

  it("a job is killed when its process exits", async () => {
    const child = host(`process.once("SIGUSR2", () => process.exit(7)); void runJob(${spec(`sleep 83.${process.pid}`)});`, env);
    const end = ended(child);
    await until(() => pidsOf(`sleep 83.${process.pid}`).length === 1);
    child.kill("SIGUSR2");
    expect(await end).toBe(7);
    await until(() => pidsOf(`sleep 83.${process.pid}`).length === 0);
  });

  it("a process that has run its jobs ends by itself and leaves nothing", async () => {
    using gate = new Gate();
    const job = `until [ -e ${gate.path} ]; do sleep 0.05; done; exit 3`;
    const child = host(`const { code } = await runJob(${spec(job)}); process.exitCode = code;`, env);
    const end = ended(child);
    const { pid } = child;
    await until(() => pidsOf(`.*tsparallel-job-guard ${pid}`).length === 1);
    gate.open();
    expect(await end).toBe(3);
    await until(() => pidsOf(`.*tsparallel-job-guard ${pid}`).length === 0);
  });

  it("an interrupted request of an engine stops its job", async () => {
    const child = host(
      `const abort = new AbortController();
       globalThis[Symbol.for("tsparallel.engine")] = { currentTask: () => ({ signal: abort.signal }) };
       process.once("SIGUSR2", () => abort.abort());
       const { aborted, signal } = await runJob(${spec(`sleep 84.${process.pid} & wait`)});
       process.exitCode = aborted && signal === "SIGTERM" ? 5 : 6;`,
      env,
    );
    await until(() => pidsOf(`sleep 84.${process.pid}`).length === 1);
    const end = ended(child);
    child.kill("SIGUSR2");
    expect(await end).toBe(5);
    await until(() => pidsOf(`sleep 84.${process.pid}`).length === 0);
  });
});
