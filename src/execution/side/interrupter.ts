// Stops user code on the main thread from beside it, whatever it is in the middle of.
//
// An inspector session asks the main thread itself whether user code is on its stack; only then does it stop itself
// (`Containment.interrupt`). So nothing of the engine is ever cut, and an interrupt that comes too late does nothing. The
// question is answered within a loop, a regular expression or a wait; not within a synchronous child process, which is
// therefore ended first.

import inspector from "node:inspector";
import { readdirSync, readFileSync } from "node:fs";
import { cancelExpression, interruptExpression } from "../host/index.ts";

/** How long the main thread may take to answer before a child process is looked for. */
const ANSWER_MS = 150;
/** How long a child process may take to end after SIGTERM. */
const CHILD_END_MS = 500;

/** Whether this Node can interrupt at all. */
export function canInterrupt(): boolean {
  return typeof inspector.Session.prototype.connectToMainThread === "function";
}

/** Talks to the main thread in the middle of whatever it does. */
export class Interrupter {
  #session: inspector.Session | undefined;

  /**
   * Stops what the main thread runs for the user; with `only`, only the request of that serial number.
   *
   * @returns serial number of the request that was told to stop, 0 when none ran
   */
  async interrupt(only: number, isOverLimit: boolean): Promise<number> {
    return Number(await this.#stop(interruptExpression(only, isOverLimit), () => true));
  }

  /**
   * Stops what the main thread runs if it is one of these requests.
   *
   * @param isMeant whether it is, as far as that is known without asking the main thread
   * @returns `<serial> <msg_id>` of the request that was told to stop, or ""
   */
  async cancel(msgIds: readonly string[], isMeant: () => boolean): Promise<string> {
    return String(await this.#stop(cancelExpression(msgIds), isMeant));
  }

  async #stop(expression: string, isMeant: () => boolean): Promise<unknown> {
    const answer = this.#ask(expression);
    if (await isSettledWithin(answer, ANSWER_MS)) return answer;
    if (isMeant()) killBlockingChild("SIGTERM");
    if (!(await isSettledWithin(answer, CHILD_END_MS)) && isMeant()) killBlockingChild("SIGKILL");
    return answer;
  }

  #ask(expression: string): Promise<unknown> {
    if (this.#session === undefined) {
      this.#session = new inspector.Session();
      this.#session.connectToMainThread();
    }
    const session = this.#session;
    return new Promise((resolve, reject) => {
      session.post("Runtime.evaluate", { expression, returnByValue: true, silent: true }, (error, reply) => {
        if (error !== null) reject(error);
        // Code that has used up its stack leaves none to look at it.
        else if (reply.exceptionDetails !== undefined) reject(new Error(reply.exceptionDetails.exception?.description ?? reply.exceptionDetails.text));
        else resolve(reply.result.value);
      });
    });
  }

  /** Lets go of the main thread. */
  close(): void {
    this.#session?.disconnect();
    this.#session = undefined;
  }
}

function isSettledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs);
    const settled = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    promise.then(settled, settled);
  });
}

/** Ends the process tree that a synchronous call waits for: the youngest child, and only when the main thread sleeps. */
function killBlockingChild(signal: NodeJS.Signals): void {
  try {
    const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, "latin1");
    if (stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) === "R") return;
    const child = childrenOf(process.pid).at(-1);
    if (child !== undefined) for (const pid of treeOf(child)) process.kill(pid, signal);
  } catch {
    // No /proc, or the child ended meanwhile: then there is nothing to end.
  }
}

function childrenOf(pid: number): number[] {
  const found: number[] = [];
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${task}/children`, "latin1").trim();
    if (text !== "") found.push(...text.split(" ").map(Number));
  }
  return found;
}

/** A process and its descendants, leaves first. */
function treeOf(pid: number): number[] {
  return [...childrenOf(pid).flatMap(treeOf), pid];
}
