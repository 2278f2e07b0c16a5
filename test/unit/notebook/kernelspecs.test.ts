// Kernels as Jupyter finds them, and the commands that start them.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kernelCommand, kernelDirs, kernelEnvironment, kernelSpecOf, listKernels, type KernelSpec } from "../../../src/notebook/kernelspecs.ts";
import { findKernel } from "../../../src/notebook/index.ts";

const OWN = specOf("typescript", { argv: ["node", "{connection_file}"], display_name: "Own", language: "typescript" });

function specOf(name: string, content: Record<string, unknown>, dir?: string): KernelSpec {
  const spec = kernelSpecOf(name, content, dir);
  if (spec === undefined) throw new Error("it starts nothing");
  return spec;
}

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "tsparallel-kernelspecs-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const placesWith = (env: NodeJS.ProcessEnv) => ({ env: { IPYTHONDIR: join(home, "ipython"), ...env }, platform: "linux", home }) as const;

function install(dir: string, name: string, content: unknown): void {
  mkdirSync(join(dir, "kernels", name), { recursive: true });
  writeFileSync(join(dir, "kernels", name, "kernel.json"), typeof content === "string" ? content : JSON.stringify(content));
}

describe("the kernels that are there", () => {
  it("are looked for where Jupyter does: given paths, environments, the user's, the system's, IPython's", () => {
    const bin = join(home, "venv", "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "python3"), "");
    chmodSync(join(bin, "python3"), 0o755);
    const env = { JUPYTER_PATH: "/a:/b", CONDA_PREFIX: "/conda", PATH: `${bin}:/nowhere` };
    expect(kernelDirs(placesWith(env)).map((dir) => dir.replace(home, "~"))).toEqual([
      "/a/kernels",
      "/b/kernels",
      "/conda/share/jupyter/kernels",
      "~/venv/share/jupyter/kernels",
      "~/.local/share/jupyter/kernels",
      "/usr/local/share/jupyter/kernels",
      "/usr/share/jupyter/kernels",
      "~/ipython/kernels",
    ]);
  });

  it("count once, the first of a name, and our own is there uninstalled", () => {
    install(join(home, "a"), "Python3", { argv: ["first"], display_name: "First" });
    install(join(home, "b"), "python3", { argv: ["second"] });
    install(join(home, "b"), "broken", "{");
    install(join(home, "b"), "idle", { argv: [] });
    const kernels = listKernels(placesWith({ JUPYTER_PATH: `${join(home, "a")}:${join(home, "b")}` }), OWN);
    expect(kernels.get("python3")).toMatchObject({ argv: ["first"], displayName: "First" });
    expect(kernels.get("typescript")).toBe(OWN);
    expect([kernels.has("broken"), kernels.has("idle")]).toEqual([false, false]);
    expect(findKernel("PYTHON3", kernels).displayName).toBe("First");
  });

  it("are named when another one is wanted", () => {
    expect(() => findKernel("nope", new Map([["typescript", OWN]]))).toThrow('there is no Jupyter kernel "nope"; choose one with --kernel: typescript (Own)');
  });
});

describe("the command of a kernel", () => {
  it("has the connection file, and the places of its kernelspec", () => {
    const spec = specOf("r", { argv: ["{prefix}/bin/R", "--file={connection_file}", "{resource_dir}/x", "{other}"] }, "/env/share/jupyter/kernels/r");
    expect(kernelCommand(spec, "/f.json")).toEqual(["/env/bin/R", "--file=/f.json", "/env/share/jupyter/kernels/r/x", "{other}"]);
  });

  it("means the Python of the environment in which the kernelspec is, and keeps no history", () => {
    mkdirSync(join(home, "bin"));
    writeFileSync(join(home, "bin", "python"), "");
    const content = { argv: ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"] };
    const command = (dir: string): string[] => kernelCommand(specOf("python3", content, dir), "/f.json");
    const rest = ["-m", "ipykernel_launcher", "-f", "/f.json", "--HistoryManager.hist_file=:memory:"];
    expect(command(join(home, "share", "jupyter", "kernels", "python3"))).toEqual([join(home, "bin", "python"), ...rest]);
    expect(command("/elsewhere/share/jupyter/kernels/python3")).toEqual(["python", ...rest]);
    expect(command("/elsewhere/python3")).toEqual(["python", ...rest]);
  });

  it("has an environment with the kernelspec's own variables", () => {
    const spec = specOf("x", { argv: ["x"], env: { A: "${B}:c", N: 1 }, interrupt_mode: "message" });
    expect(kernelEnvironment(spec, { A: "a", B: "b" })).toEqual({ A: "b:c", B: "b", TSPARALLEL_KERNEL_HISTORY: "none" });
    expect(spec.interruptMode).toBe("message");
    expect(specOf("x", { argv: ["x"] }).interruptMode).toBe("signal");
  });
});
