// A tunnel: local ports that lead, through the system's ssh, to ports that a server reaches. It ends with its owner, is opened
// again when it breaks, and says why when it cannot be opened at all.

import { spawn, type ChildProcess } from "node:child_process";
import { createConnection } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { LaunchError } from "../../base/index.ts";
import { freePorts } from "../free-ports.ts";
import { tailLines } from "../output-tail.ts";
import { noProgram } from "./host-link.ts";
import { readTarget, sshCommand, type SshTarget } from "./host-list.ts";
import { connectionFailure, type SshEnd } from "./ssh-failures.ts";

/** What a tunnel leads to. */
export interface TunnelOptions {
  /** `[user@]host[:port]` of the ssh server. */
  readonly server: string;
  /** File of the private key; absent: as ssh's own configuration has it. */
  readonly key?: string | undefined;
  /** Where the ports are, as the server names it. */
  readonly host: string;
  readonly ports: readonly number[];
  /** How long the server may take to accept the connection. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const POLL_MS = 20;
const WORDS_CHARS_MAX = 16 * 1024;
/** Before a broken tunnel is opened again; doubled up to the second after each failure. */
const AGAIN_MS = [500, 10_000] as const;
const END_MS = 2000;

/**
 * Runs ssh and ends it when standard input ends: so it goes with its owner, also when that is killed. Ends with ssh's own status.
 */
const WATCH = `exec 3<&0; "$@" & p=$!; { cat <&3 >/dev/null; kill $p 2>/dev/null; } & c=$!; wait $p; s=$?; kill $c 2>/dev/null; exit $s`;

/** Open local ports. */
export class SshTunnel {
  readonly #command: readonly string[];
  readonly #target: SshTarget;
  readonly #local: ReadonlyMap<number, number>;
  readonly #closing = new AbortController();
  #child: ChildProcess | undefined;
  #ended: Promise<SshEnd> = Promise.resolve({ exitCode: null, signal: null, words: [] });

  private constructor(command: readonly string[], target: SshTarget, local: ReadonlyMap<number, number>) {
    this.#command = command;
    this.#target = target;
    this.#local = local;
  }

  /**
   * Opens a tunnel; resolves when its ports take connections.
   *
   * @throws ConfigError when the server's name is none; LaunchError with one sentence why it cannot be opened; the signal's reason
   */
  static async open(options: TunnelOptions): Promise<SshTunnel> {
    const { server, key, host, timeoutMs, signal } = options;
    const target = readTarget(
      server,
      { args: key === undefined ? [] : ["-i", key, "-o", "IdentitiesOnly=yes"], connectTimeoutMs: timeoutMs },
      "the ssh server",
    );
    const ports = [...new Set(options.ports)];
    const free = await freePorts(ports.length);
    const local = new Map(ports.map((port, at) => [port, free[at] ?? 0]));
    const forwards = ports.flatMap((port) => ["-L", `127.0.0.1:${local.get(port) ?? 0}:${host.includes(":") ? `[${host}]` : host}:${port}`]);
    const command = sshCommand(target, undefined, ["-N", "-o", "ExitOnForwardFailure=yes", ...forwards]);
    const tunnel = new SshTunnel(command, target, local);
    try {
      await tunnel.#start(timeoutMs, signal);
    } catch (cause) {
      await tunnel.close();
      throw cause;
    }
    void tunnel.#keep(); // does not reject
    return tunnel;
  }

  /** The local port that leads to one of the ports asked for. */
  localPort(port: number): number {
    const local = this.#local.get(port);
    if (local === undefined) throw new LaunchError(`the tunnel through ${this.#target.host} does not lead to port ${port}`);
    return local;
  }

  /** Ends it. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#child?.stdin?.destroy();
    const late = sleep(END_MS, undefined, { ref: false });
    await Promise.race([this.#ended, late]);
    this.#child?.kill("SIGKILL");
  }

  async #start(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    this.#spawn();
    let end: SshEnd | undefined;
    void this.#ended.then((how) => (end = how)); // never rejects
    const deadline = performance.now() + timeoutMs;
    const [first = 0] = this.#local.values();
    while (!(await accepts(first))) {
      signal?.throwIfAborted();
      if (end !== undefined) throw new LaunchError(failureOf(this.#target, end));
      if (performance.now() >= deadline) throw new LaunchError(`the tunnel through ${this.#target.host} was not open within ${timeoutMs / 1000} s`);
      await sleep(POLL_MS);
    }
  }

  #spawn(): void {
    const [program = "ssh", ...args] = process.platform === "win32" ? this.#command : ["sh", "-c", WATCH, "sh", ...this.#command];
    // A group of its own: Ctrl-C is for the owner, which may still have something to say through it.
    const child = spawn(program, args, { detached: true, stdio: ["pipe", "ignore", "pipe"] });
    this.#child = child;
    let words = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (words = `${words}${text}`.slice(-WORDS_CHARS_MAX)));
    child.stdin.on("error", () => undefined); // it ended: `#ended` tells
    this.#ended = new Promise((resolve) => {
      child.once("close", (exitCode, how) => resolve({ exitCode, signal: how, words: tailLines(words) }));
      child.once("error", () => resolve({ exitCode: NO_PROGRAM, signal: null, words: [] }));
    });
    // The tunnel alone keeps no program running.
    child.unref();
    for (const stream of [child.stdin, child.stderr]) (stream as unknown as { unref?: () => void }).unref?.();
  }

  /** Opens it again, on the same local ports, whenever it breaks: whoever uses them tries again too. */
  async #keep(): Promise<void> {
    const { signal } = this.#closing;
    const [leastMs, mostMs] = AGAIN_MS;
    let waitMs: number = leastMs;
    while (!signal.aborted) {
      const since = performance.now();
      await this.#ended;
      if (performance.now() - since > mostMs) waitMs = leastMs;
      await sleep(waitMs, undefined, { ref: false, signal }).catch(() => undefined); // closed
      waitMs = Math.min(2 * waitMs, mostMs);
      if (!signal.aborted) this.#spawn();
    }
  }
}

/** What a shell ends with when there is no such program. */
const NO_PROGRAM = 127;

function failureOf(target: SshTarget, end: SshEnd): string {
  return end.exitCode === NO_PROGRAM ? noProgram(target.ssh[0] ?? "ssh") : connectionFailure(target, end);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    const finish = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once("connect", () => finish(true)).once("error", () => finish(false));
  });
}
