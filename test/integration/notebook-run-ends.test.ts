// How runs of notebooks end that do not end well: the kernel dies, a cell takes too long or writes too much, somebody interrupts or
// kills. Whatever happens, there is a whole notebook, and nothing is left behind.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { TSPARALLEL } from "../support/kernel-process.ts";
import { statusesOf, textOf, withRuns } from "../support/notebook-runs.ts";
import { PYTHON } from "../support/python.ts";

describe("a run", () => {
  it.concurrent(
    "ends at once with a kernel that is killed, and keeps what its cell had written",
    withRuns(async (runs) => {
      const path = runs.write("killed", "typescript", "1", "console.log('so far');\nprocess.kill(process.pid, 'SIGKILL');\nawait new Promise(() => {})", "3");
      const { code, stderr } = await runs.run(path);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/killed\.ipynb: the kernel was ended by SIGKILL while it ran cell 2 of 3; what ran is in /)]);
      expect(statusesOf(runs.out("killed"))).toEqual(["ok", "kernel died", undefined]);
      await runs.nothingLeft();
    }),
  );

  it.concurrent(
    "tells of a cell that ends its kernel",
    withRuns(async (runs) => {
      const { code, stderr } = await runs.run(runs.write("exit", "typescript", "process.exit(3)", "2"));
      expect([code, stderr]).toEqual([1, expect.stringContaining("cell 1 of 2 failed: KernelExit: the cell ended the kernel")]);
      await runs.nothingLeft();
    }),
  );

  it.concurrent(
    "tells the last words of a kernel that does not start",
    withRuns(async (runs) => {
      const spec = { argv: ["sh", "-c", "echo no such module; exit 3", "{connection_file}"], display_name: "Broken", language: "none" };
      runs.installKernel("broken", spec);
      const { code, stderr } = await runs.run(runs.write("broken", "broken", "1"));
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining('the kernel "broken" ended with exit status 3 before it was ready; its last words:\nno such module\n'),
      ]);
      expect(readdirSync(runs.folder)).not.toContain("broken.out.ipynb");
      await runs.nothingLeft();
    }),
  );

  it.concurrent(
    "gives a kernel other ports when somebody takes one before the kernel listens there",
    withRuns(async (runs) => {
      const [program, mark] = [join(runs.folder, "unlucky.mjs"), join(runs.folder, "mark")];
      // The first start finds its port taken, by a program that outlives it, and ends.
      writeFileSync(
        program,
        `import { spawn } from "node:child_process";
         import { existsSync, readFileSync, writeFileSync } from "node:fs";
         const file = process.argv[2];
         if (existsSync(${JSON.stringify(mark)})) {
           const kernel = spawn(process.execPath, [${JSON.stringify(TSPARALLEL)}, "kernel", "start", "-f", file], { stdio: "inherit" });
           kernel.once("exit", (code) => process.exit(code ?? 1));
         } else {
           const { iopub_port: port } = JSON.parse(readFileSync(file, "utf8"));
           const listen = "require('node:net').createServer().listen(" + port + ", '127.0.0.1', () => console.log('taken'))";
           const thief = spawn(process.execPath, ["-e", listen], { detached: true, stdio: ["ignore", "pipe", "ignore"] });
           thief.stdout.once("data", () => {
             writeFileSync(${JSON.stringify(mark)}, String(thief.pid));
             process.exit(1);
           });
         }`,
      );
      runs.installKernel("unlucky", {
        argv: [process.execPath, program, "{connection_file}"],
        display_name: "Unlucky",
        language: "typescript",
      });
      const { code, stderr } = await runs.run(runs.write("ports", "unlucky", "console.log('at last')"));
      expect(code, stderr).toBe(0);
      expect(textOf(runs.out("ports").cells[0])).toBe("at last\n");
      process.kill(Number(readFileSync(mark, "utf8")), "SIGKILL");
      await runs.nothingLeft();
    }),
  );

  it.concurrent(
    "interrupts a cell that takes longer than --timeout",
    withRuns(async (runs) => {
      const { code, stderr } = await runs.run(runs.write("endless", "typescript", "console.log('begun');\nfor (;;);", "2"), "--timeout", "0.5");
      expect([code, stderr]).toEqual([1, expect.stringContaining("cell 1 of 2 took longer than --timeout allows and was interrupted; what ran is in ")]);
      expect(statusesOf(runs.out("endless"))).toEqual(["timed out", undefined]);
      await runs.nothingLeft();
    }),
  );

  it.concurrent(
    "keeps beginning and end of too much text",
    withRuns(async (runs) => {
      const path = runs.write("much", "typescript", "for (let line = 0; line < 60_000; line += 1) console.log(`${line} ${'x'.repeat(60)}`)", "'small'");
      expect((await runs.run(path, "--output-limit", "1")).code).toBe(0);
      const { cells } = runs.out("much");
      expect(textOf(cells[0])).toMatch(/^0 x+\n1 x+\n[^]*… [\d,]+ characters were left out here …\n[^]*\n59999 x+\n$/);
      expect(textOf(cells[0]).length).toBeLessThan(600_000);
      expect(textOf(cells[1])).toBe("'small'");
    }),
  );

  it.concurrent(
    "is interrupted by Ctrl-C, which the kernel is asked to heed, and saves",
    withRuns(async (runs) => {
      const running = runs.start(
        runs.write("interrupted", "typescript", "1", "console.log('begun');\nawait new Promise((done) => setTimeout(done, 600_000))", "3"),
        "--stream",
      );
      await running.prints("begun");
      running.child.kill("SIGINT");
      const { code, stderr } = await running.ended;
      expect([code, stderr]).toEqual([130, expect.stringMatching(/\[2\/3\] interrupted after [^]*interrupted by SIGINT; everything was stopped\n$/)]);
      const out = runs.out("interrupted");
      expect([statusesOf(out), out.metadata.tsparallel.status]).toEqual([["ok", "interrupted", undefined], "interrupted"]);
      expect(out.cells[1]?.outputs[0]).toEqual({ name: "stdout", output_type: "stream", text: ["begun\n"] });
      await runs.nothingLeft();
    }),
  );

  it.concurrent(
    "leaves a whole notebook and no process when it is killed while it saves",
    withRuns(async (runs) => {
      // Every cell makes the notebook larger by some megabytes, so that most of the time it is being saved.
      const big = "display({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': 'x'.repeat(3_000_000) }) })";
      const child = "import { spawn } from 'node:child_process';\nspawn('sleep', ['600'], { stdio: 'ignore' }).pid";
      const running = runs.start(runs.write("torn", "typescript", child, ...Array.from({ length: 20 }, () => big)));
      const isSaving = (): boolean => readdirSync(runs.folder).some((name) => name.startsWith(".torn.out.ipynb.") && name.endsWith(".tmp"));
      await running.until(() => running.stderr.includes("[4/21]") && isSaving(), "saving while it was watched", { everyMs: 1 });
      running.child.kill("SIGKILL");
      await running.ended;
      const statuses = statusesOf(runs.out("torn"));
      expect(statuses.slice(0, 3)).toEqual(["ok", "ok", "ok"]);
      await runs.nothingRuns();
      // The next run resumes, and removes what the last one had begun to save.
      runs.write("torn", "typescript", child, big);
      expect((await runs.run(runs.path("torn"), "--resume")).stderr).toContain("nothing to do");
      expect((await runs.run(runs.path("torn"), "--start-at", "2")).code).toBe(0);
      expect(isSaving()).toBe(false);
    }),
  );
});

describe.skipIf(PYTHON === undefined)("a run in Python", () => {
  it.concurrent(
    "kills a kernel that does not let itself be interrupted, and everything it started",
    withRuns(async (runs) => {
      const stubborn = "import signal, subprocess, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nsubprocess.Popen(['sleep', '600'])\ntime.sleep(600)";
      const { code, stderr } = await runs.run(runs.write("stubborn", "python3", stubborn), "--timeout", "0.2");
      expect([code, stderr]).toEqual([1, expect.stringContaining("was killed with its kernel, which did not let itself be interrupted")]);
      await runs.nothingLeft();
    }),
  );
});
