// Flags of a notebook's run, and the same said again to a run inside a job.

import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addNotebookFlags, notebookArguments, outputOf, type NotebookFlags } from "../../../src/cli/notebook-flags.ts";
import { Command } from "../../../src/cli/program.ts";

/** What the flags mean, and the notebook's path. */
function read(words: readonly string[]): { readonly path: string; readonly flags: NotebookFlags } {
  const command = addNotebookFlags(new Command("run").argument("<notebook>"));
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  command.parse(words, { from: "user" });
  return { path: command.args[0] ?? "", flags: command.opts<NotebookFlags>() };
}

const seconds = fc.integer({ min: 1, max: 1_000_000 }).map(String);
const name = fc.stringMatching(/^[a-z_]\w{0,8}$/);
const flag = fc.oneof(
  name.map((one) => [`--output=${one}.ipynb`]),
  name.map((one) => [`--kernel=${one}`]),
  fc.tuple(name, fc.string()).map(([key, value]) => [`--param=${key}=${value}`]),
  fc.tuple(name, fc.json()).map(([key, value]) => ["--param", `${key}=${value}`]),
  seconds.map((one) => ["--timeout", one]),
  seconds.map((one) => [`--start-at=${one}`]),
  name.map((one) => ["--cwd", one]),
  seconds.map((one) => ["--output-limit", one]),
  fc.constantFrom(["--allow-errors"], ["--stream"]),
);

describe("the flags of a notebook's run", () => {
  it("say the same when they are handed on to another run, whatever they hold", () => {
    fc.assert(
      fc.property(fc.array(flag), (words) => {
        const first = read(["my fit.ipynb", ...words.flat()]);
        const again = read(notebookArguments(first.path, first.flags));
        const { output, cwd, ...others } = first.flags;
        expect(again.path).toBe(resolve("my fit.ipynb"));
        expect(again.flags).toEqual({
          ...others,
          output: resolve(outputOf(first.path, output === undefined ? {} : { output })),
          ...(cwd === undefined ? {} : { cwd: resolve(cwd) }),
        });
      }),
    );
  });

  it("name the file that is written: beside the notebook, in its place, or as told", () => {
    const { path, flags } = read(["a/fit.ipynb", "--resume", "--inplace"]);
    expect(notebookArguments(path, flags)).toEqual([resolve("a/fit.ipynb"), `--output=${resolve("a/fit.ipynb")}`, "--resume"]);
    expect(outputOf("a/fit.ipynb", {})).toBe("a/fit.out.ipynb");
    expect(outputOf("a/fit", { output: "b.ipynb" })).toBe("b.ipynb");
  });

  it("are refused where they contradict each other or mean nothing", () => {
    expect(() => read(["a.ipynb", "--inplace", "-o", "b.ipynb"])).toThrow(/cannot be used with/);
    expect(() => read(["a.ipynb", "--resume", "--start-at=2"])).toThrow(/cannot be used with/);
    expect(() => read(["a.ipynb", "--start-at=0"])).toThrow(/code cells are counted from 1/);
    expect(() => read(["a.ipynb", "--param=alpha"])).toThrow(/"alpha" sets nothing; write name=value/);
  });
});
