// The kernel of notebooks beside IPython's, both driven by the same front end over Jupyter's protocol.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../src/launch/index.ts";
import { createSession, ZeromqTransport, type MessageSocket } from "../../src/net/index.ts";
import type { Message, Session } from "../../src/wire/index.ts";
import { median, type BenchContext, type Measure, type Outcome } from "../measure.ts";

const TSPARALLEL = fileURLToPath(new URL("../../dist/cli/bin/tsparallel.js", import.meta.url));
const OURS = [process.execPath, "--no-force-async-hooks-checks", TSPARALLEL, "kernel", "start", "-f"];
const KEY = "bench";
const WAIT_MS = 60_000;

/** A kernel and the front end that drives it. */
class FrontEnd implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "tsparallel-bench-kernel-"));
  readonly #transport = new ZeromqTransport();
  readonly #session: Session = createSession({ key: KEY });
  readonly #child: ChildProcess;
  readonly #shell: MessageSocket;
  /** Something came on iopub. */
  hasHeardOutput = false;
  #hear: (message: Message) => void = () => undefined;

  constructor(command: readonly string[], [shell_port = 0, iopub_port = 0, control_port = 0, stdin_port = 0, hb_port = 0]: readonly number[]) {
    const file = join(this.#folder, "connection.json");
    const facts = { transport: "tcp", ip: "127.0.0.1", key: KEY, signature_scheme: "hmac-sha256" };
    writeFileSync(file, JSON.stringify({ ...facts, shell_port, iopub_port, control_port, stdin_port, hb_port }));
    const [program = "", ...args] = command;
    const env = { ...process.env, JUPYTER_DATA_DIR: this.#folder, IPYTHONDIR: this.#folder };
    this.#child = spawn(program, [...args, file], { env, stdio: "ignore" });
    const connect = (kind: "dealer" | "sub", port: number): MessageSocket => {
      const socket = this.#transport.connect(kind, [`tcp://127.0.0.1:${port}`], { identity: this.#session.sessionId, lingerMs: 0 });
      socket.receive((frames) => {
        const parsed = this.#session.parse(frames);
        if (kind === "sub") this.hasHeardOutput = true;
        if (parsed.ok) this.#hear(parsed.value);
      });
      return socket;
    };
    this.#shell = connect("dealer", shell_port);
    connect("sub", iopub_port);
  }

  /** Runs a cell until its reply is there, and the kernel is idle again if that is wanted: subscriptions take their time after a start. */
  async run(code: string, waitsForIdle: boolean): Promise<void> {
    const header = this.#session.header("execute_request");
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false, stop_on_error: true };
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`the kernel did not answer within ${WAIT_MS / 1000} s`)), WAIT_MS);
        const missing = new Set(waitsForIdle ? ["reply", "idle"] : ["reply"]);
        this.#hear = (message) => {
          if (message.parentHeader["msg_id"] !== header.msg_id) return;
          const { msg_type: type } = message.header;
          if (type === "execute_reply" && message.content["status"] !== "ok") reject(new Error("the cell failed"));
          if (type === "execute_reply") missing.delete("reply");
          if (type === "status" && message.content["execution_state"] === "idle") missing.delete("idle");
          if (missing.size === 0) resolve();
        };
        this.#shell.send(this.#session.build("execute_request", content, { header }));
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await ended;
    await this.#transport.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Seconds from the start of the process to the reply to the first cell. */
async function startTime(command: readonly string[], rounds: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < rounds; i += 1) {
    const ports = await freePorts(5);
    const began = performance.now();
    await using frontEnd = new FrontEnd(command, ports);
    await frontEnd.run("1 + 1", false);
    times.push((performance.now() - began) / 1000);
  }
  return median(times);
}

/** Milliseconds from a cell to its reply and the end of its output. */
async function cellTime(command: readonly string[], cells: number): Promise<number> {
  await using frontEnd = new FrontEnd(command, await freePorts(5));
  await frontEnd.run("1 + 1", false);
  while (!frontEnd.hasHeardOutput) await frontEnd.run("1 + 1", false); // The subscription reaches the kernel when it does.
  const times: number[] = [];
  for (let i = 0; i < cells; i += 1) {
    const began = performance.now();
    await frontEnd.run(`${i} + 1`, true);
    times.push(performance.now() - began);
  }
  return median(times);
}

type Timed = (command: readonly string[], times: number) => Promise<number>;

async function outcome({ python }: BenchContext, time: Timed, unit: string, times: number): Promise<Outcome> {
  const ours = { value: await time(OURS, times), unit };
  if (python === undefined) return { ours, ratio: ours.value, notes: "ipykernel: not installed" };
  const peer = { value: await time([python, "-m", "ipykernel_launcher", "-f"], times), unit };
  return { ours, peer, ratio: ours.value, notes: `${(ours.value / peer.value).toPrecision(2)} of ipykernel's` };
}

/** What a person waits for who opens a notebook. */
export const kernelStart: Measure = {
  name: "kernel-start",
  title: "notebook kernel, from its start to the first cell's reply (seconds; peer: ipykernel)",
  floor: { atMost: 1 },
  run: (context) => outcome(context, startTime, "s", context.quick ? 1 : 5),
};

/** What each cell costs beside its own work. */
export const kernelCell: Measure = {
  name: "kernel-cell",
  title: "a trivial cell of a notebook, to its reply and the end of its output (ms, median; peer: ipykernel)",
  floor: { atMost: 10 },
  run: (context) => outcome(context, cellTime, "ms", context.quick ? 3 : 200),
};
