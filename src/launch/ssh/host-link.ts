// The connection to one host: a process of the system's ssh with the agent at its other end.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { LaunchError, TimeoutError } from "../../base/index.ts";
import { tailLines } from "../output-tail.ts";
import type { AgentCalls, FromAgent, RemoteProcess, ToAgent } from "./agent-messages.ts";
import { agentText, bootstrapLine, MARK } from "./bootstrap.ts";
import { sshCommand, type SshTarget } from "./host-list.ts";
import { connectionFailure, isWorthRetrying, type SshEnd } from "./ssh-failures.ts";

/** The least Node that this package runs on. */
const NODE_MIN = [20, 19] as const;
/** Node may come from a slow disk, and the machine be busy. */
const START_MS = 30_000;
/** Room for the largest file, in base64. */
const LINE_CHARS_MAX = 96 * 1024 * 1024;
const WORDS_CHARS_MAX = 16 * 1024;
const RETRY_MS = [500, 1500];

/** What a host told when the connection was made. */
export interface HostFacts {
  readonly agent: RemoteProcess;
  /** What it calls itself. */
  readonly hostname: string;
  /** The user's home directory. */
  readonly home: string;
  /** The address from which we come, as seen there; empty when it is not known. */
  readonly from: string;
  readonly nodeVersion: string;
}

/** What happens on a host by itself. */
export interface HostEvents {
  output(index: number, text: string): void;
  ended(index: number, exitCode: number | null, signal: string | null): void;
}

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void };

/** A host that can be talked to. */
export class HostLink {
  readonly target: SshTarget;
  /** Resolves when the connection ended; never rejects. */
  readonly ended: Promise<SshEnd>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #end: SshEnd | undefined;
  #words = "";
  #buffer = "";
  #nodeVersion = "";
  #facts: HostFacts | undefined;
  #onHello: (failure?: string) => void = () => undefined;
  #events: HostEvents | undefined;
  /** What happened before somebody followed: a process may end before its start is answered. */
  readonly #early: ((events: HostEvents) => void)[] = [];
  #alive: NodeJS.Timeout | undefined;

  private constructor(target: SshTarget) {
    this.target = target;
    const [program = "ssh", ...args] = sshCommand(target, bootstrapLine(target.node));
    // A group of its own: Ctrl-C at the terminal is for the launcher, which then ends this in order.
    this.#child = spawn(program, args, { detached: true, stdio: ["pipe", "pipe", "pipe"] });
    this.ended = new Promise((resolve) => {
      const finish = (end: SshEnd): void => {
        this.#onEnd(end);
        resolve(end);
      };
      this.#child.once("close", (exitCode, signal) => finish({ exitCode, signal, words: tailLines(this.#words) }));
      this.#child.once("error", (cause: NodeJS.ErrnoException) => {
        if (this.#child.pid === undefined) finish({ exitCode: null, signal: null, words: [cause.code === "ENOENT" ? noProgram(program) : cause.message] });
      });
    });
    this.#child.stdin.on("error", () => undefined); // the connection's end is told by `ended`
    this.#child.stdin.write(agentText());
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#words = `${this.#words}${text}`.slice(-WORDS_CHARS_MAX);
    });
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => this.#take(text));
  }

  /**
   * Logs in and starts the agent.
   *
   * @throws LaunchError with one sentence why that is not possible; the signal's reason
   */
  static async open(target: SshTarget, signal?: AbortSignal): Promise<HostLink> {
    for (const [attempt, waitMs] of [0, ...RETRY_MS].entries()) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      signal?.throwIfAborted();
      const link = new HostLink(target);
      const failure = await link.#ready(signal);
      if (failure === undefined) return link;
      link.kill();
      signal?.throwIfAborted();
      if (attempt === RETRY_MS.length || link.#end === undefined || !isWorthRetrying(link.#end)) throw new LaunchError(failure);
    }
    throw new LaunchError(`${target.host} cannot be reached`);
  }

  get facts(): HostFacts {
    if (this.#facts === undefined) throw new LaunchError(`${this.target.host} has not answered yet`);
    return this.#facts;
  }

  /** Tells what happens there from now on, and keeps the agent's engines alive by a word every now and then. */
  follow(events: HostEvents, contactMs: number): void {
    this.#events = events;
    for (const tell of this.#early.splice(0)) tell(events);
    this.#alive = setInterval(() => this.#send({ type: "alive" }), Math.min(5000, contactMs / 4));
    this.#alive.unref();
    // What runs there does not keep this process alive; whoever waits for something holds a timer.
    this.#child.unref();
    for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) (stream as unknown as { unref?: () => void }).unref?.();
  }

  /**
   * Asks the agent.
   *
   * @throws LaunchError when it refuses or the connection ends; TimeoutError
   */
  async call<Name extends keyof AgentCalls>(name: Name, asks: AgentCalls[Name]["asks"], waitMs: number): Promise<AgentCalls[Name]["answers"]> {
    if (this.#end !== undefined) throw new LaunchError(connectionFailure(this.target, this.#end));
    this.#lastId += 1;
    const id = this.#lastId;
    let timer: NodeJS.Timeout | undefined;
    try {
      const answer = await new Promise((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        timer = setTimeout(() => reject(new TimeoutError(`${this.target.host} did not answer within ${waitMs / 1000} s`)), waitMs);
        this.#send({ type: name, id, ...asks } as unknown as ToAgent);
      });
      return answer as AgentCalls[Name]["answers"];
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Ends the connection; the agent stops what it started. */
  close(): void {
    clearInterval(this.#alive);
    this.#child.stdin.end();
  }

  /** Has the agent kill everything, without waiting: the word leaves before this process ends, and ssh ends by itself after it. */
  killAll(): void {
    this.#send({ type: "kill" });
    this.close();
  }

  /** Ends the connection at once. */
  kill(): void {
    clearInterval(this.#alive);
    this.#child.kill("SIGKILL");
  }

  #ready(signal: AbortSignal | undefined): Promise<string | undefined> {
    return new Promise((resolve) => {
      const limitMs = this.target.connectMs + START_MS;
      const timer = setTimeout(() => finish(`${this.target.host} did not start Node within ${limitMs / 1000} s`), limitMs);
      const finish = (failure?: string): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        resolve(failure);
      };
      const onAbort = (): void => finish("the start was given up");
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#onHello = finish;
      void this.ended.then((end) =>
        finish(end.exitCode === null && end.signal === null ? (end.words[0] ?? "ssh failed") : connectionFailure(this.target, end)),
      );
    });
  }

  #send(message: ToAgent): void {
    if (this.#end === undefined && this.#child.stdin.writable) this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  #take(text: string): void {
    // Only what has come is looked at, since a file's content is one line in many pieces.
    const end = text.lastIndexOf("\n");
    const lines = end < 0 ? [] : `${this.#buffer}${text.slice(0, end)}`.split("\n");
    if (end >= 0) this.#buffer = "";
    if (this.#buffer.length < LINE_CHARS_MAX) this.#buffer += text.slice(end + 1);
    for (const line of lines) {
      // Before the agent speaks, the host's login may print what it likes.
      const at = line.indexOf(MARK);
      const message = at < 0 ? undefined : parseMessage(line.slice(at + MARK.length));
      if (message !== undefined) this.#onMessage(message);
    }
  }

  #onMessage(message: FromHost): void {
    switch (message.type) {
      case "node":
        this.#nodeVersion = message.version;
        if (!isRecent(message.version)) this.#onHello(tooOld(this.target, message.version));
        return;
      case "hello": {
        const { pid, started, host, home, from } = message;
        this.#facts = { agent: { pid, started }, hostname: host, home, from, nodeVersion: this.#nodeVersion };
        return this.#onHello();
      }
      case "answer":
        return this.#waiting.get(message.id)?.resolve(message.value);
      case "refusal":
        return this.#waiting.get(message.id)?.reject(new LaunchError(`${this.target.host}: ${message.why}`));
      case "output":
        return this.#tell((events) => events.output(message.index, message.text));
      case "ended":
        return this.#tell((events) => events.ended(message.index, message.exitCode, message.signal));
    }
  }

  #tell(event: (events: HostEvents) => void): void {
    if (this.#events === undefined) this.#early.push(event);
    else event(this.#events);
  }

  #onEnd(end: SshEnd): void {
    clearInterval(this.#alive);
    this.#end ??= end;
    for (const { reject } of this.#waiting.values()) reject(new LaunchError(connectionFailure(this.target, end)));
  }
}

/** What the reader of the agent says, and the agent. */
type FromHost = FromAgent | { readonly type: "node"; readonly version: string };

function parseMessage(text: string): FromHost | undefined {
  try {
    return JSON.parse(text) as FromHost;
  } catch {
    // Something else wrote into the middle of a line. What was said in it is missed, and a request in it ends by its limit.
    return undefined;
  }
}

/** The sentence for a missing ssh. */
export function noProgram(program: string): string {
  return `there is no program "${program}" here: install the OpenSSH client (on Debian: apt-get install openssh-client), or name one by "ssh.command"`;
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
}

function tooOld({ host }: SshTarget, version: string): string {
  return `${host} has Node ${version}; ${NODE_MIN.join(".")} or newer is needed: install it there, or name another one's program by "ssh.node"`;
}
