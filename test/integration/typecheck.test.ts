// `%typecheck` in a notebook, with the compiler of this repository.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelProcess } from "../support/kernel-process.ts";
import { until } from "../support/until.ts";

let kernel: KernelProcess;
/** The kernel's directory for temporary files. */
let temporary: string;
beforeAll(async () => {
  temporary = mkdtempSync(join(tmpdir(), "tsparallel-types-"));
  kernel = await KernelProcess.start({ env: { TMPDIR: temporary } });
});
afterAll(async () => {
  await kernel.close();
  rmSync(temporary, { recursive: true, force: true });
});

/** Runs a cell and gives what it wrote. */
async function run(code: string): Promise<{ readonly status: unknown; readonly stdout: string; readonly stderr: string; readonly evalue: unknown }> {
  const header = kernel.execute(code);
  const { reply } = await kernel.ended(header);
  return {
    status: reply["status"],
    evalue: reply["evalue"],
    stdout: kernel.streamOf(header.msg_id),
    stderr: kernel.streamOf(header.msg_id, "stderr"),
  };
}

describe("%typecheck", () => {
  it("finds nothing wrong with cells that use each other's names, declare them again, import and display", async () => {
    await run(`import { writeFileSync, mkdirSync } from "node:fs";
      writeFileSync("helper.ts", "export const twice = (x: number): number => 2 * x;");
      mkdirSync("node_modules/dep", { recursive: true });
      writeFileSync("node_modules/dep/package.json", '{"name":"dep","type":"module","exports":{"./sub":"./index.js"}}');
      writeFileSync("node_modules/dep/index.js", "export const sub = 1;");
      writeFileSync("node_modules/dep/index.d.ts", "export declare const sub: number;");`);
    await run('import { twice } from "./helper.ts";\nimport { sub } from "dep/sub";\nimport { html, type Displayable } from "tsparallel/engine";');
    await run("interface Point<T = number> { x: T }\nconst points: Point[] = [{ x: twice(sub) }];\nlet count = 0;\nfunction total() { return sum(points); }");
    await run("export function sum(all: Point[]): number { return all.length; }\nclass Box<T> { held: T; constructor(held: T) { this.held = held; } }");
    await run("count += total();\nconst shown: Displayable = html('x');\ndisplay(shown);\nnew Box<string>('x').held;");
    await run("{ count, far: points.map(({ x }) => x) }");
    await run("let points = new Set(['now something else']);\n(globalThis as any).put = 1;");
    await run("points.has('x'); put + 1");
    const { stdout, stderr } = await run("%typecheck");
    expect({ stdout, stderr }).toEqual({ stdout: "no type errors in 8 cells\n", stderr: "" });
  });

  it("shows errors in the coordinates of the cells, once for a cell that was run again as it is", async () => {
    const { reply } = await kernel.run("%px 1; // a magic's line is no code\nconst wrong: number = 'x';\ndisplay(3).nothing", { stop_on_error: false });
    const [first, second] = [Number(reply["execution_count"]) + 1, Number(reply["execution_count"]) + 2];
    await run("\nconst size: number = 'y';");
    await run("\nconst size: number = 'y';");
    const { stdout, status } = await run("%typecheck");
    expect(status).toBe("ok");
    expect(stdout).not.toContain(`cell [${first}]`);
    expect(stdout).toContain(`cell [${second}]:2:7 TS2322: Type 'string' is not assignable to type 'number'.\n    const size: number = 'y';\n          ^\n`);
    expect(stdout).toMatch(/cell \[\d+\]:2:7 TS2322[^]*cell \[\d+\]:3:12 TS2339[^]*\n3 type errors in 10 cells\n$/);
  });

  it("checks a cell without running it, as %%typecheck", async () => {
    const { stdout } = await run("%%typecheck\nglobalThis.ran = true;\nconst text: string = points.size;");
    expect(stdout).toMatch(/cell \[\d+\]:3:7 TS2322: Type 'number' is not assignable to type 'string'/);
    expect(stdout).toMatch(/\n\d type errors? in 1 cell\n$/);
    expect((await run("'ran' in globalThis ? 'it ran' : console.log('it did not run')")).stdout).toBe("it did not run\n");
    expect((await run("%%typecheck\nconst = 3")).evalue).toMatch(/line 1/);
  });

  it("checks each cell before it runs while it is on, and the cell runs all the same", async () => {
    expect((await run("%typecheck on")).stdout).toMatch(/^each cell is checked by typescript \d/);
    const { stderr, stdout, status } = await run("const n: number = 'text';\nconsole.log(n);");
    expect(stderr).toMatch(/^cell \[\d+\]:1:7 TS2322: .*\n {4}const n: number = 'text';\n {10}\^\n$/);
    expect({ stdout, status }).toEqual({ stdout: "text\n", status: "ok" });
    expect((await run("n.length")).stderr).toMatch(/TS2339/);
    expect((await run("1 + 1")).stderr).toBe("");
    await run("%typecheck off");
    expect((await run("n.length")).stderr).toBe("");
  });

  it("says what it takes", async () => {
    expect(await run("%typecheck of")).toMatchObject({ status: "error", evalue: '%typecheck takes on, off, or nothing, and got "of"' });
    expect(await run("%%typecheck on\n1")).toMatchObject({ evalue: '%%typecheck takes no options, and got "on"' });
    expect(await run("%%typechek\n1")).toMatchObject({ evalue: "there is no magic %%typechek; did you mean %%typecheck?" });
  });

  it("is interrupted like any cell, and leaves no compiler behind", async () => {
    // Seconds of work for the compiler.
    await run(
      `type Count<N extends number, A extends 0[] = []> = A["length"] extends N ? A : Count<N, [...A, 0]>;
       ${Array.from({ length: 490 }, (_, i) => `let v${i}!: Count<${i + 500}>;`).join(" ")}`,
    );
    expect(readdirSync(temporary)).toEqual([]);
    const checking = kernel.execute("%typecheck");
    await until(() => readdirSync(temporary).length > 0);
    await kernel.ask("interrupt_request", {}, "control");
    expect((await kernel.ended(checking)).reply).toMatchObject({ status: "error", evalue: "the type check was interrupted" });
    await until(() => readdirSync(temporary).length === 0);
  });
});
