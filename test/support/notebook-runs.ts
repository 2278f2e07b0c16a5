// Runs the compiled `tsparallel notebook run` in a directory of its own, which holds the notebooks, IPython's and Jupyter's
// directories and the temporary files, and by which every process that was started is found.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { nothingRunsWith, processesWith, RunningCommand, type CommandEnd } from "./ipcluster.ts";
import { TSPARALLEL } from "./kernel-process.ts";
import { PYTHON } from "./python.ts";

/** A code cell after a run. */
export interface ExecutedCell {
  readonly source: readonly string[];
  readonly execution_count: number | null;
  readonly metadata: { readonly tsparallel?: { readonly status: string } };
  readonly outputs: readonly { readonly output_type: string; readonly text?: readonly string[]; readonly data?: Readonly<Record<string, unknown>> }[];
}

/** A notebook after a run. */
export interface Executed {
  readonly metadata: { readonly tsparallel: { readonly status: string }; readonly language_info: { readonly name: string } };
  readonly cells: readonly ExecutedCell[];
}

/** A code cell before a run. */
export function codeCell(source: string, ...tags: string[]): object {
  return { cell_type: "code", execution_count: null, metadata: { tags }, outputs: [], source };
}

/** What a cell wrote, and the texts of what it displayed. */
export function textOf(cell: ExecutedCell | undefined): string {
  return (cell?.outputs ?? []).flatMap(({ text, data }) => text ?? (data?.["text/plain"] as string[] | undefined) ?? []).join("");
}

/** How each code cell went. */
export function statusesOf({ cells }: Executed): unknown[] {
  return cells.map(({ metadata }) => metadata.tsparallel?.status);
}

/** A directory with notebooks, and the commands that run them. */
export class NotebookRuns {
  readonly folder: string = mkdtempSync(join(tmpdir(), "tsparallel-notebooks-"));

  /** Writes `name.ipynb`; a cell that is a text is a code cell. */
  write(name: string, kernel: string, ...cells: readonly (string | object)[]): string {
    const path = this.path(name);
    const content = cells.map((cell) => (typeof cell === "string" ? codeCell(cell) : cell));
    const metadata = { kernelspec: { name: kernel, display_name: kernel, language: "" } };
    writeFileSync(path, JSON.stringify({ cells: content, metadata, nbformat: 4, nbformat_minor: 4 }));
    return path;
  }

  /** Makes a kernel known. */
  installKernel(name: string, spec: object): void {
    const folder = join(this.folder, "jupyter", "kernels", name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "kernel.json"), JSON.stringify(spec));
  }

  path(name: string): string {
    return join(this.folder, `${name}.ipynb`);
  }

  /** What stands in `name.out.ipynb`. */
  out(name: string): Executed {
    return JSON.parse(readFileSync(this.path(`${name}.out`), "utf8")) as Executed;
  }

  /** What nbformat has to say against `name.out.ipynb`: nothing, mostly; `undefined` without Python. */
  complaints(name: string): string | undefined {
    if (PYTHON === undefined) return undefined;
    const script = "import nbformat, sys\nnbformat.validate(nbformat.read(sys.argv[1], as_version=4))";
    const { status, stderr } = spawnSync(PYTHON, ["-c", script, this.path(`${name}.out`)], { encoding: "utf8" });
    return status === 0 ? stderr : `exit status ${status}: ${stderr}`;
  }

  start(...args: readonly string[]): RunningCommand {
    const { IPP_PROFILE_DIR: _dir, IPP_CLUSTER_ID: _id, VIRTUAL_ENV: _venv, ...inherited } = process.env;
    const path = PYTHON === undefined ? {} : { PATH: `${dirname(PYTHON)}${delimiter}${process.env["PATH"] ?? ""}` };
    const env = { ...inherited, ...path, IPYTHONDIR: join(this.folder, "ipython"), JUPYTER_DATA_DIR: join(this.folder, "jupyter"), TMPDIR: this.folder };
    return new RunningCommand(spawn(process.execPath, [TSPARALLEL, "notebook", "run", ...args], { env, stdio: ["ignore", "pipe", "pipe"], cwd: this.folder }));
  }

  run(...args: readonly string[]): Promise<CommandEnd> {
    return this.start(...args).ended;
  }

  /** Nothing that was started runs any more. */
  async nothingRuns(): Promise<void> {
    await nothingRunsWith(this.folder);
  }

  /** Nothing runs, and no file is left but notebooks. */
  async nothingLeft(): Promise<void> {
    await this.nothingRuns();
    const left = readdirSync(this.folder).filter((name) => name.startsWith("tsparallel-") || name.endsWith(".tmp"));
    if (left.length > 0) throw new Error(`these files are left: ${left.join(", ")}`);
  }

  /** Kills what is left and removes the directory. */
  dispose(): void {
    for (const pid of processesWith(this.folder)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // ended in the meantime
      }
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Runs a test in a directory of its own. */
export function withRuns(test: (runs: NotebookRuns) => Promise<void>): () => Promise<void> {
  return async () => {
    const runs = new NotebookRuns();
    try {
      await test(runs);
    } finally {
      runs.dispose();
    }
  };
}
