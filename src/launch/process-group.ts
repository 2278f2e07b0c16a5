// A process of ours or of an earlier program run, together with its process group: watched, signalled, stopped.

import { setTimeout as sleep } from "node:timers/promises";
import { LaunchError } from "../base/index.ts";
import type { ProcessExit } from "./launcher.ts";
import { outputTail } from "./output-tail.ts";
import { isAlive, type ProcessIdentity } from "./process-identity.ts";

const POLL_MS = 20;
/** How long the system may take to end a process after SIGKILL. */
const KILL_MS = 5000;

/** A process that leads a group of its own. */
export class ProcessGroup {
  readonly identity: ProcessIdentity;
  readonly outputFile: string;
  readonly exited: Promise<ProcessExit>;
  readonly #isChild: boolean;
  #exit: ProcessExit | undefined;
  #stopping: Promise<void> | undefined;

  /**
   * @param exited how it ended, when it is a child of this process; absent: it is watched by its id
   */
  constructor(identity: ProcessIdentity, outputFile: string, exited?: Promise<ProcessExit>) {
    this.identity = identity;
    this.outputFile = outputFile;
    this.#isChild = exited !== undefined;
    this.exited = (exited ?? this.#watch()).then((exit) => {
      this.#exit = exit;
      // What the leader left behind in its group (shells of user code) has no owner any more.
      this.#signalGroup("SIGKILL");
      return exit;
    });
  }

  get isRunning(): boolean {
    return this.#exit === undefined;
  }

  /** Signals the whole group. A process known by its id only is looked at again before, for the id may be another's by now. */
  signal(signal: NodeJS.Signals): void {
    if (this.isRunning && (this.#isChild || isAlive(this.identity))) this.#signalGroup(signal);
  }

  kill(): void {
    this.signal("SIGKILL");
  }

  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async #stop(graceMs: number): Promise<void> {
    if (!this.isRunning) return;
    this.signal("SIGTERM");
    if (await this.#endsWithin(graceMs)) return;
    this.signal("SIGKILL");
    if (await this.#endsWithin(KILL_MS)) return;
    throw new LaunchError(`process ${this.identity.pid} did not end ${KILL_MS / 1000} s after SIGKILL; it hangs in the operating system`);
  }

  async #endsWithin(waitMs: number): Promise<boolean> {
    const timer = new AbortController();
    const late = sleep(waitMs, false, { signal: timer.signal }).catch(() => false); // aborted: the process ended first
    const ended = await Promise.race([this.exited.then(() => true), late]);
    timer.abort();
    return ended;
  }

  #signalGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.identity.pid, signal);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === "ESRCH") return; // it ended in the meantime
      if (code !== "EPERM") throw cause;
      // macOS answers EPERM for a group whose members are all zombies; a foreign owner's process cannot be in our files.
    }
  }

  async #watch(): Promise<ProcessExit> {
    // The watch alone must not keep this process alive; `stop` holds a timer of its own.
    while (isAlive(this.identity)) await sleep(POLL_MS, undefined, { ref: false });
    return { exitCode: null, signal: null, outputTail: outputTail(this.outputFile) };
  }
}
