// Magics with real engines, and a host that keeps what it is told.

import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CompositeError, type Client } from "tsparallel";
import { Magics, type MagicHost } from "../../dist/interactive/index.js";
import { until } from "../support/until.ts";
import { TestCluster } from "../support/with-cluster.ts";

let cluster: TestCluster;
let rc: Client;
let text: string;
let errors: string;
let shown: unknown[];
let progress: string;
let interrupts: Set<() => void>;
let globals: Record<string, unknown>;
let magics: Magics;
let gate = "";

const host = (): MagicHost => ({
  write: (stream, piece) => void (stream === "stdout" ? (text += piece) : (errors += piece)),
  display: (data) => void shown.push(data),
  progress: { write: (piece: string) => void (progress += piece) },
  globals,
  onInterrupt: (listener) => {
    interrupts.add(listener);
    return () => void interrupts.delete(listener);
  },
  connect: async () => rc,
});

const interrupt = (): void => {
  for (const listener of interrupts) listener();
};

/** Runs a cell of nothing but magics, as what compiles cells would. */
async function run(cell: string): Promise<void> {
  const code = magics.expand(cell);
  const calls = [...code.matchAll(/^await globalThis\[Symbol\.for\("tsparallel\.magic"\)\]\((.*)\);$/gm)];
  for (const [, call = ""] of calls) await magics.run(JSON.parse(call) as Parameters<Magics["run"]>[0]);
}

/** Code that waits until `release` was called. */
const HELD = 'const { existsSync } = await import("node:fs"); while (!existsSync(gate)) await new Promise((next) => setTimeout(next, 10));';

async function hold(): Promise<void> {
  gate = join(tmpdir(), `tsparallel-gate-${randomUUID()}`);
  await rc.directView("all").push({ gate });
}

const release = (): void => writeFileSync(gate, "");

const lines = (): string[] => text.trimEnd().split("\n").toSorted();

beforeAll(async () => {
  cluster = await TestCluster.start({ engines: 2 });
  rc = await cluster.connect();
});

afterAll(async () => {
  await cluster.stop();
});

afterEach(() => rmSync(gate, { force: true }));

beforeEach(() => {
  [text, errors, progress, shown, interrupts, globals] = ["", "", "", [], new Set(), {}];
  rc.directView("all").activate();
  magics = new Magics(host());
});

describe("%px", () => {
  it("runs a line on all engines, and shows output and values with their engines", async () => {
    await run("%px console.log('one\\ntwo'); process.stdout.write('no end'); 7");
    const values = rc.ids.map((id) => expect.stringMatching(new RegExp(`^Out\\[${id}:\\d+\\]: 7$`)) as unknown);
    const printed = ["no end", "one", "two"].flatMap((line) => rc.ids.map((id) => `[stdout:${id}] ${line}`));
    expect(lines()).toEqual([...values, ...printed.toSorted()]);
  });

  it("shows output while a cell runs", async () => {
    await hold();
    const running = run(`%%px\nconsole.log('begun'); ${HELD}`);
    await until(() => text.split("begun").length === 3);
    release();
    await running;
    expect(lines()).toEqual(["[stdout:0] begun", "[stdout:1] begun"]);
  });

  it("takes engines as Python writes them, leaves the output of one without its number, and displays", async () => {
    await run("%px -t -1 console.log('alone'); ({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>x</b>', 'text/plain': 'x' }) })");
    expect(text).toMatch(/^alone\nOut\[1:\d+\]:\n$/);
    expect(shown).toEqual([{ "text/html": "<b>x</b>", "text/plain": "x" }]);
    text = "";
    await run("%px --targets 0:1 console.log(1)\n%px --targets 1,0 --group-outputs order console.log(2)");
    expect(text).toBe("1\n[stdout:1] 2\n[stdout:0] 2\n");
  });

  it("fails like its engines: once, with their number", async () => {
    const failing = run("%px throw new RangeError('too far')");
    await expect(failing).rejects.toThrow(CompositeError);
    await expect(failing).rejects.toThrow(/too far/);
    await expect(run("%px --group-outputs type throw new RangeError('too far')")).rejects.toThrow(/too far/);
    expect(text).toBe("");
  });

  it("is told wrong options, missing code and unknown engines by name", async () => {
    await expect(run("%px --blocking 1")).rejects.toThrow('%px: unknown option "--blocking"; did you mean --block?');
    await expect(run("%px")).rejects.toThrow("%px runs the code behind it, and there is none");
    await expect(run("%%px 1 + 1\n2")).rejects.toThrow('%%px runs the lines below it; "1 + 1" stands beside it');
    await expect(run("%px -t 9 1")).rejects.toThrow(/there is no engine 9; the engines are 0/);
    await expect(run("%autopx 1")).rejects.toThrow('%autopx takes options only, and got "1"');
  });
});

describe("%px --noblock", () => {
  it("returns at once; %pxresult shows the output by engine, kind or order, and --out keeps the result", async () => {
    await run("%px --noblock --out kept console.log(1); console.error(2)");
    expect(text).toMatch(/^<AsyncResult: .*>; %pxresult shows its output\n$/);
    text = "";
    await run("%pxresult --group-outputs engine");
    expect(text).toBe("[stdout:0] 1\n[stderr:0] 2\n[stdout:1] 1\n[stderr:1] 2\n");
    text = "";
    await run("%pxresult --out again");
    expect(text).toBe("[stdout:0] 1\n[stdout:1] 1\n[stderr:0] 2\n[stderr:1] 2\n");
    expect(globals["again"]).toBe(globals["kept"]);
  });

  it("has no result before there was one", async () => {
    await expect(run("%pxresult")).rejects.toThrow("there is no result yet; run something with %px");
  });
});

describe("views with a suffix", () => {
  it("have magics of their own, with a configuration of their own", async () => {
    rc.directView(1).activate("b");
    await run("%pxb console.log('b')");
    expect(text).toBe("b\n");
    text = "";
    await run("%pxconfig --targets 0 --no-stream\n%px console.log('a')\n%pxb console.log('b')");
    expect(text).toBe("engines: 0; waits: yes; output: at the end, by type; progress: after 2 s; Ctrl-C interrupts engines: yes\n[stdout:0] a\nb\n");
    await expect(run("%pxconfig --local")).rejects.toThrow("%pxconfig has no option --local: it belongs to one %px");
  });
});

describe("%autopx", () => {
  it("sends whole cells, until it is given again", async () => {
    await run("%autopx --targets 0");
    await run("let auto = 3;\nconsole.log('auto', auto)");
    await run("%autopx");
    expect(magics.expand("let auto = 3;")).toBe("let auto = 3;");
    expect(text).toBe("cells run on the engines now, until %autopx\nauto 3\ncells run here again\n");
  });
});

describe("an interrupt of %px", () => {
  it("goes to the engines", async () => {
    // What is printed leaves an engine after 50 ms at the latest, if it prints again or pauses.
    const running = run("%px for (;;) { console.log('busy'); for (const end = performance.now() + 20; performance.now() < end; ); }");
    await until(() => rc.ids.every((id) => text.includes(`[stdout:${id}] busy`)));
    interrupt();
    await expect(running).rejects.toThrow(/Interrupt/i);
    expect(errors).toBe("interrupted engines 0, 1; once more to wait no longer\n");
    expect(interrupts.size).toBe(0);
  });

  it("ends the wait when it is not to be relayed; the engines go on", async () => {
    await hold();
    const running = run(`%px --no-signal-on-interrupt console.log('waits'); ${HELD} console.log('went on')`);
    await until(() => text.split("waits").length === 3);
    interrupt();
    await expect(running).rejects.toThrow("no longer waiting; the engines go on, and %pxresult shows what they put out");
    release();
    text = "";
    await run("%pxresult");
    expect(text.split("went on").length).toBe(3);
  });
});

describe("progress of %px", () => {
  it("is shown when a cell takes longer than told", async () => {
    await hold();
    const running = run(`%px --progress-after 0 ${HELD}`);
    await until(() => progress.includes("0/2 tasks finished"));
    release();
    await running;
    expect(text).toBe("");
  });
});
