// A real kernel process, compiled, and a front end that speaks with it over its five sockets.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../src/launch/index.ts";
import { createSession, ZeromqTransport, type MessageSocket } from "../../src/net/index.ts";
import type { Dict, Header, Message, Session } from "../../src/wire/index.ts";
import { until, WAIT_MS } from "./until.ts";

/** The program whose sub-command `kernel start` runs a kernel. */
export const TSPARALLEL: string = fileURLToPath(new URL("../../dist/cli/bin/tsparallel.js", import.meta.url));
const KEY = "0a1b2c3d-test";
const KILL_MS = 5000;
const LAST_WORDS_MS = 5000;

/** A message that the kernel published, sent as a reply or asked the user. */
export interface Heard {
  readonly channel: "shell" | "control" | "iopub" | "stdin";
  readonly type: string;
  readonly content: Dict;
  readonly parentId: unknown;
  readonly header: Header;
}

interface KernelOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly frontEndKey?: string;
}

/** A kernel and its only front end. */
export class KernelProcess {
  readonly child: ChildProcess;
  readonly heard: Heard[] = [];
  /** What it wrote to its own stdout and stderr. */
  output = "";
  exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;
  pongs = 0;
  readonly #folder: string;
  readonly #transport = new ZeromqTransport();
  readonly #session: Session;
  readonly #sockets: Readonly<Record<"shell" | "control" | "stdin" | "heart", MessageSocket>>;

  private constructor(folder: string, child: ChildProcess, ports: readonly number[], key: string) {
    this.#folder = folder;
    this.child = child;
    this.#session = createSession({ key });
    const identity = this.#session.sessionId;
    const connect = (kind: "dealer" | "sub", i: number): MessageSocket =>
      this.#transport.connect(kind, [`tcp://127.0.0.1:${ports[i]}`], { identity, lingerMs: 0 });
    this.#sockets = { shell: connect("dealer", 0), control: connect("dealer", 1), stdin: connect("dealer", 2), heart: connect("dealer", 4) };
    this.#listen("iopub", connect("sub", 3));
    for (const channel of ["shell", "control", "stdin"] as const) this.#listen(channel, this.#sockets[channel]);
    this.#sockets.heart.receive(() => (this.pongs += 1));
    const collect = (chunk: Buffer): void => {
      this.output = (this.output + chunk.toString()).slice(-100_000);
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
    child.once("exit", (code, signal) => (this.exit = { code, signal }));
  }

  /** Starts a kernel and waits until it is heard on iopub; with other ports when somebody has taken one meanwhile. */
  static async start(options: KernelOptions = {}): Promise<KernelProcess> {
    for (let attempt = 1; ; attempt += 1) {
      const kernel = await KernelProcess.#spawn(options);
      try {
        if (options.frontEndKey === undefined) await kernel.#waitForIopub();
        return kernel;
      } catch (cause) {
        await kernel.close();
        if (attempt === 3 || !kernel.output.includes("the port is in use")) throw cause;
      }
    }
  }

  static async #spawn(options: KernelOptions): Promise<KernelProcess> {
    const folder = mkdtempSync(join(tmpdir(), "tsparallel-kernel-"));
    const ports = await freePorts(5);
    const [shell_port, control_port, stdin_port, iopub_port, hb_port] = ports;
    const file = join(folder, "connection.json");
    const facts = { transport: "tcp", ip: "127.0.0.1", key: KEY, signature_scheme: "hmac-sha256" };
    writeFileSync(file, JSON.stringify({ ...facts, shell_port, control_port, stdin_port, iopub_port, hb_port }));
    const env = { ...process.env, JUPYTER_DATA_DIR: folder, JPY_PARENT_PID: "", ...options.env };
    const args = ["--no-force-async-hooks-checks", TSPARALLEL, "kernel", "start", "-f", file];
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"], cwd: folder });
    return new KernelProcess(folder, child, ports, options.frontEndKey ?? KEY);
  }

  get pid(): number {
    return this.child.pid as number;
  }

  #listen(channel: Heard["channel"], socket: MessageSocket): void {
    socket.receive((frames) => {
      const parsed = this.#session.parse(frames);
      if (!parsed.ok) return;
      const { header, content, parentHeader }: Message = parsed.value;
      this.heard.push({ channel, type: header.msg_type, content, parentId: parentHeader["msg_id"], header });
    });
  }

  async #waitForIopub(): Promise<void> {
    // A subscription takes its time to reach the publisher, so it is asked until something is heard.
    const isHeard = (): boolean => this.heard.some(({ channel }) => channel === "iopub");
    const deadline = Date.now() + WAIT_MS;
    while (!isHeard()) {
      if (this.exit !== undefined || Date.now() > deadline) throw new Error(`the kernel did not start: ${this.output}`);
      const { msg_id: id } = this.send("shell", "kernel_info_request", {});
      await this.find((one) => one.channel === "shell" && one.parentId === id);
      await until(isHeard, { timeoutMs: 200 }).catch(() => undefined);
    }
  }

  /** Sends a message. */
  send(channel: "shell" | "control" | "stdin", type: string, content: Dict, parent?: Dict): Header {
    const header = this.#session.header(type);
    this.#sockets[channel].send(this.#session.build(type, content, { header, ...(parent === undefined ? {} : { parent }) }));
    return header;
  }

  /** Pings the heart. */
  ping(): void {
    this.#sockets.heart.send([Buffer.alloc(0), Buffer.from("ping")]);
  }

  /** The first message that was or will be heard and is meant. */
  async find(isMeant: (heard: Heard) => boolean): Promise<Heard> {
    await until(() => this.heard.some(isMeant) || this.exit !== undefined, { instead: () => `the kernel wrote: ${this.output}` });
    // What it said last may still be on its way when it has ended.
    if (!this.heard.some(isMeant)) await until(() => this.heard.some(isMeant), { timeoutMs: LAST_WORDS_MS }).catch(() => undefined);
    const found = this.heard.find(isMeant);
    if (found === undefined) throw new Error(`the kernel ended (${JSON.stringify(this.exit)}) without the message: ${this.output}`);
    return found;
  }

  /** Sends a request and gives the content of its reply. */
  async ask(type: string, content: Dict = {}, channel: "shell" | "control" = "shell"): Promise<Dict> {
    const { msg_id: id } = this.send(channel, type, content);
    return (await this.find((one) => one.channel === channel && one.parentId === id)).content;
  }

  /** Sends a cell. */
  execute(code: string, content: Dict = {}): Header {
    const defaults = { silent: false, store_history: true, user_expressions: {}, allow_stdin: true, stop_on_error: true };
    return this.send("shell", "execute_request", { code, ...defaults, ...content });
  }

  /** Sends a cell, and gives its reply and what was published for it, when it is idle again. */
  async run(code: string, content: Dict = {}): Promise<{ readonly reply: Dict; readonly published: readonly Heard[] }> {
    return this.ended(this.execute(code, content));
  }

  /** Reply and publications of a cell that was sent. */
  async ended({ msg_id: id }: Header): Promise<{ readonly reply: Dict; readonly published: readonly Heard[] }> {
    const { content } = await this.find((one) => one.channel === "shell" && one.parentId === id);
    await this.find((one) => one.parentId === id && one.type === "status" && one.content["execution_state"] === "idle");
    return { reply: content, published: this.published(id) };
  }

  /** What was published for a request so far. */
  published(id: string): Heard[] {
    return this.heard.filter((one) => one.channel === "iopub" && one.parentId === id);
  }

  /** Text that was written for a request so far. */
  streamOf(id: string, name: "stdout" | "stderr" = "stdout"): string {
    return this.published(id)
      .filter(({ type, content }) => type === "stream" && content["name"] === name)
      .map(({ content }) => String(content["text"]))
      .join("");
  }

  /** Waits for the process to end. */
  async processEnd(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
    await until(() => this.exit !== undefined);
    return this.exit as { code: number | null; signal: NodeJS.Signals | null };
  }

  /** Ends it and removes its files. */
  async close(): Promise<void> {
    if (this.exit === undefined) this.child.kill("SIGTERM");
    try {
      await until(() => this.exit !== undefined, { timeoutMs: KILL_MS });
    } finally {
      this.child.kill("SIGKILL");
      await this.#transport.close();
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }
}
