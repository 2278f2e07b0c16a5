// What runs on one host: the processes that were started over one connection, or that an earlier one left a note of.

import { appendFileSync } from "node:fs";
import { LaunchError, type EngineUuid } from "../../base/index.ts";
import type { ProcessExit } from "../launcher.ts";
import { tailLines } from "../output-tail.ts";
import type { RemoteProcess } from "./agent-messages.ts";
import { HostLink } from "./host-link.ts";
import type { SshTarget } from "./host-list.ts";
import { lossOf, type SshEnd } from "./ssh-failures.ts";

const TAIL_CHARS_MAX = 16 * 1024;
/** Beyond the time a process may take after SIGTERM: SIGKILL's 5 s, and the way there and back. */
const ANSWER_MS = 8000;

/** A process on a host. */
export class HostProcess {
  readonly index: number;
  readonly uuid: EngineUuid | undefined;
  readonly host: string;
  readonly identity: RemoteProcess;
  /** Local file that its output is appended to; empty: none. */
  readonly log: string;
  readonly exited: Promise<ProcessExit>;
  #exit: ProcessExit | undefined;
  #resolve!: (exit: ProcessExit) => void;
  #tail = "";

  constructor(parts: Pick<HostProcess, "index" | "uuid" | "host" | "identity" | "log">) {
    this.index = parts.index;
    this.uuid = parts.uuid;
    this.host = parts.host;
    this.identity = parts.identity;
    this.log = parts.log;
    this.exited = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get pid(): number {
    return this.identity.pid;
  }

  get isRunning(): boolean {
    return this.#exit === undefined;
  }

  output(text: string): void {
    this.#tail = `${this.#tail}${text}`.slice(-TAIL_CHARS_MAX);
    if (this.log === "") return;
    try {
      appendFileSync(this.log, text, { mode: 0o600 });
    } catch {
      // The log's disk is full or gone; the process goes on, and its last words are kept here.
    }
  }

  end(how: { readonly exitCode: number | null; readonly signal: string | null; readonly how?: string }): void {
    if (this.#exit !== undefined) return;
    this.#exit = { ...how, outputTail: tailLines(this.#tail) };
    this.#resolve(this.#exit);
  }
}

/** Processes of one host. */
export interface HostGroup {
  readonly target: SshTarget;
  readonly agent: RemoteProcess;
  readonly processes: readonly HostProcess[];
  /** How long they go on when nobody can be heard any more. */
  readonly contactMs: number;
  /** Whether something may run there: a process does, or nobody knows since the connection was lost. */
  readonly mayRun: boolean;
  signal(signal: NodeJS.Signals): Promise<void>;
  stop(graceMs: number): Promise<void>;
  kill(): void;
}

/** Processes that were started over a connection of this process. */
export class LiveGroup implements HostGroup {
  readonly target: SshTarget;
  readonly agent: RemoteProcess;
  readonly processes: readonly HostProcess[];
  readonly contactMs: number;
  readonly #link: HostLink;
  #isStopping = false;
  /** When the connection was lost; what ran then ends by itself a while after that. */
  #lostAt: number | undefined;

  constructor(link: HostLink, processes: readonly HostProcess[], contactMs: number) {
    this.target = link.target;
    this.agent = link.facts.agent;
    this.processes = processes;
    this.contactMs = contactMs;
    this.#link = link;
    link.follow(
      {
        output: (index, text) => this.#process(index)?.output(text),
        ended: (index, exitCode, signal) => this.#onEnd(index, { exitCode, signal }),
      },
      contactMs,
    );
    void link.ended.then((end) => this.#onLost(end)); // `ended` never rejects
  }

  get mayRun(): boolean {
    if (this.processes.some((process) => process.isRunning)) return true;
    return this.#lostAt !== undefined && performance.now() - this.#lostAt < this.contactMs;
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    if (this.processes.some((process) => process.isRunning)) await this.#link.call("signal", { signal }, ANSWER_MS);
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    if (this.#lostAt !== undefined) return this.#stopLost(graceMs);
    try {
      const { left } = await this.#link.call("stop", { graceMs }, graceMs + ANSWER_MS);
      if (left.length > 0) throw new LaunchError(`on ${this.target.host} processes did not end after SIGKILL: ${left.join(", ")}`);
      for (const process of this.processes) process.end({ exitCode: null, signal: null });
      this.#link.close();
    } catch (cause) {
      this.#link.kill();
      // Its end by itself while it was asked (nothing ran any more, or somebody else stopped it) is as good.
      if (this.processes.every((process) => !process.isRunning) && this.#lostAt === undefined) return;
      throw new LaunchError(remainsOf(this, cause instanceof Error ? cause.message : String(cause)), { cause });
    }
  }

  kill(): void {
    this.#isStopping = true;
    this.#link.killAll();
  }

  /** The host may be back, or only the one connection was cut. */
  async #stopLost(graceMs: number): Promise<void> {
    if (!this.mayRun) return;
    await new FoundGroup(this).stop(graceMs);
    this.#lostAt = undefined;
  }

  /** With the last process the connection goes, and with it the agent: nothing is left on a host that has nothing to do. */
  #onEnd(index: number, end: { readonly exitCode: number | null; readonly signal: string | null }): void {
    this.#process(index)?.end(end);
    if (!this.#isStopping && this.processes.every((process) => !process.isRunning)) this.#link.close();
  }

  #process(index: number): HostProcess | undefined {
    return this.processes.find((process) => process.index === index);
  }

  #onLost(end: SshEnd): void {
    const running = this.processes.filter((process) => process.isRunning);
    // An agent that was told to end has ended.
    if (running.length > 0 && !(this.#isStopping && end.exitCode === 0)) this.#lostAt = performance.now();
    for (const process of running) process.end({ exitCode: null, signal: null, how: lossOf(this.target, end) });
  }
}

/** Processes known from a note: each request makes a connection of its own. Their ends are not watched: whoever started them does. */
export class FoundGroup implements HostGroup {
  readonly target: SshTarget;
  readonly agent: RemoteProcess;
  readonly processes: readonly HostProcess[];
  readonly contactMs: number;
  /** Why the host could not be asked. */
  #unreachable: LaunchError | undefined;

  constructor({ target, agent, processes, contactMs }: Pick<HostGroup, "target" | "agent" | "processes" | "contactMs">) {
    this.target = target;
    this.agent = agent;
    this.processes = processes;
    this.contactMs = contactMs;
  }

  get mayRun(): boolean {
    return this.processes.some((process) => process.isRunning);
  }

  /** Looks which of them live. A host that cannot be asked leaves all of them as they are. */
  async look(): Promise<void> {
    let alive: readonly number[];
    try {
      alive = await this.#ask((link) => link.call("find", { processes: this.#identities() }, ANSWER_MS).then((answer) => answer.alive));
    } catch (cause) {
      if (!(cause instanceof LaunchError)) throw cause;
      this.#unreachable = cause;
      return;
    }
    for (const process of this.processes) if (!alive.includes(process.pid)) process.end({ exitCode: null, signal: null });
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    await this.#ask((link) => link.call("signalOthers", { processes: this.#identities(), signal }, ANSWER_MS));
  }

  async stop(graceMs: number): Promise<void> {
    const asks = { agent: this.agent, processes: this.#identities(), graceMs };
    try {
      // It was asked a moment ago: another try would only take as long again.
      if (this.#unreachable !== undefined) throw this.#unreachable;
      const { left } = await this.#ask((link) => link.call("stopOthers", asks, graceMs + ANSWER_MS));
      if (left.length > 0) throw new LaunchError(`processes did not end after SIGKILL: ${left.join(", ")}`);
    } catch (cause) {
      throw new LaunchError(remainsOf(this, cause instanceof Error ? cause.message : String(cause)), { cause });
    }
    for (const process of this.processes) process.end({ exitCode: null, signal: null });
  }

  kill(): void {
    // Nothing can be said to another host in the last moment: those who started them, or their agent, end them.
  }

  #identities(): RemoteProcess[] {
    return this.processes.map((process) => process.identity);
  }

  async #ask<Answer>(work: (link: HostLink) => Promise<Answer>): Promise<Answer> {
    const link = await HostLink.open(this.target);
    try {
      return await work(link);
    } finally {
      link.close();
    }
  }
}

/** What may be left on a host that could not be asked to stop it. */
function remainsOf({ target, processes, contactMs }: HostGroup, why: string): string {
  return `could not stop ${processes.length} process${processes.length === 1 ? "" : "es"} on ${target.host}: ${why}; what runs there ends by itself within ${Math.ceil(contactMs / 1000)} s without contact`;
}
