// Our client against Python's, each on the same controller and engine of Python's, in turns.

import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { Client } from "tsparallel";
import { compared, median, type Figure, type Measure } from "../measure.ts";
import { PEER_SCRIPT } from "../peers.ts";

const ROUNDS = 5;

/** One call of a Python function after the other on one Python engine. */
export const pythonEngines: Measure = {
  name: "python",
  title: "round trip of one call of a Python function on a Python engine of a Python controller (median)",
  floor: { atMost: 1 },
  async run({ python, quick }) {
    if (python === undefined) return { ours: { value: Number.NaN, unit: "ms" }, missing: "ipyparallel", ratio: undefined };
    const peer = new Peer(python);
    try {
      const { file } = JSON.parse(await peer.line()) as { readonly file: string };
      await using rc = await Client.connect({ file });
      await rc.waitForEngines(1, { timeoutMs: 60_000 });
      const ours: number[] = [];
      const theirs: number[] = [];
      for (let round = 0; round < (quick ? 1 : ROUNDS); round += 1) {
        ours.push(await measure(rc, quick ? 20 : 300));
        theirs.push((JSON.parse(await peer.ask()) as Figure).value);
      }
      return compared({ value: median(ours), unit: "ms" }, { value: median(theirs), unit: "ms" }, `${ours.length} rounds in turns`);
    } finally {
      await peer.stop();
    }
  },
};

async function measure(rc: Client, count: number): Promise<number> {
  const view = rc.directView(0);
  for (let i = 0; i < 50; i += 1) await view.call("math.sqrt", 4);
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const began = performance.now();
    if ((await view.call("math.sqrt", 4)) !== 2) throw new Error("a call gave a wrong result");
    times.push(performance.now() - began);
  }
  return median(times);
}

/** The script that has the cluster and measures Python's client on request. */
class Peer {
  readonly #child;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<void>;

  constructor(python: string) {
    this.#child = spawn(python, [PEER_SCRIPT, "beside"], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve) => this.#child.once("close", () => resolve()));
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("ipyparallel ended early");
    return value.startsWith("{") ? value : this.line();
  }

  ask(): Promise<string> {
    this.#child.stdin.write("measure\n");
    return this.line();
  }

  async stop(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }
}
