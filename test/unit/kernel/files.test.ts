// The kernel's files: connection file, kernelspec, history.

import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseKernelConnection } from "../../../src/kernel/connection-file.ts";
import { History } from "../../../src/kernel/history.ts";
import { installKernelspec, jupyterDataDir, kernelspec, kernelspecDir, uninstallKernelspec } from "../../../src/kernel/kernelspec.ts";
import { SILENT } from "../../../src/log/index.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tsparallel-kernel-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a connection file", () => {
  const whole = {
    transport: "tcp",
    ip: "127.0.0.1",
    key: "k",
    signature_scheme: "hmac-sha256",
    shell_port: 1,
    control_port: 2,
    stdin_port: 3,
    iopub_port: 4,
    hb_port: 5,
  };

  it("says where to listen", () => {
    expect(parseKernelConnection(JSON.stringify(whole))).toEqual({
      interface: "tcp://127.0.0.1",
      shellPort: 1,
      controlPort: 2,
      stdinPort: 3,
      iopubPort: 4,
      heartbeatPort: 5,
      key: "k",
      signatureScheme: "hmac-sha256",
    });
    expect(parseKernelConnection(JSON.stringify({ ...whole, ip: "0.0.0.0" })).interface).toBe("tcp://*");
  });

  it.each([
    ["{", /not JSON/],
    ["[]", /not a JSON object/],
    [JSON.stringify({ ...whole, transport: "ipc" }), /transport is "ipc"/],
    [JSON.stringify({ ...whole, hb_port: 0 }), /hb_port must be a port/],
    [JSON.stringify({ ...whole, key: 1 }), /must be texts/],
  ])("that is wrong is refused: %s", (text, why) => {
    expect(() => parseKernelConnection(text)).toThrow(why);
  });
});

describe("the kernelspec", () => {
  const places = (env: NodeJS.ProcessEnv, platform: NodeJS.Platform = "linux") => ({ env, platform, home: "/home/me" });

  it("lies where Jupyter looks", () => {
    expect(jupyterDataDir(places({ JUPYTER_DATA_DIR: "/d" }))).toBe("/d");
    expect(jupyterDataDir(places({}))).toBe("/home/me/.local/share/jupyter");
    expect(jupyterDataDir(places({ XDG_DATA_HOME: "/x" }))).toBe("/x/jupyter");
    expect(jupyterDataDir(places({}, "darwin"))).toBe("/home/me/Library/Jupyter");
    expect(jupyterDataDir(places({ APPDATA: "/a" }, "win32"))).toBe("/a/jupyter");
    expect(kernelspecDir({ type: "prefix", prefix: "/p" }, places({}))).toBe("/p/share/jupyter/kernels/typescript");
    expect(kernelspecDir({ type: "environment" }, places({ CONDA_PREFIX: "/c" }))).toBe("/c/share/jupyter/kernels/typescript");
    expect(() => kernelspecDir({ type: "environment" }, places({}))).toThrow(/no Python environment is active/);
  });

  it("is written and removed, and leaves another program's alone", async () => {
    const dir = join(folder, "kernels", "typescript");
    const spec = kernelspec("/bin/node", "/p/tsparallel.js");
    await installKernelspec(dir, spec, false);
    await installKernelspec(dir, spec, false);
    expect(JSON.parse(readFileSync(join(dir, "kernel.json"), "utf8"))).toEqual(spec);
    expect(readFileSync(join(dir, "logo-svg.svg"), "utf8")).toMatch(/^<svg /);
    for (const pixels of [32, 64]) {
      const png = readFileSync(join(dir, `logo-${pixels}x${pixels}.png`));
      expect([png.subarray(1, 4).toString(), png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual(["PNG", pixels, pixels]);
    }
    await uninstallKernelspec(dir);
    await expect(uninstallKernelspec(dir)).rejects.toThrow(/there is no kernelspec/);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "kernel.json"), "{}");
    await expect(installKernelspec(dir, spec, false)).rejects.toThrow(/another program's/);
    await expect(uninstallKernelspec(dir)).rejects.toThrow(/another program's/);
    await installKernelspec(dir, spec, true);
  });

  it("that cannot be written is told in one sentence with the remedy", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(installKernelspec(join(folder, "file", "k"), {}, false)).rejects.toThrow(/cannot write the kernelspec to .*; choose another place/);
  });
});

describe("the history", () => {
  const rows = (history: History, type: "tail", n = 10): unknown => history.query({ type, n, wantsOutput: false });

  it("keeps what was typed for later sessions, in a file of the user's alone", () => {
    const path = join(folder, "deep", "history.jsonl");
    const first = new History(path, SILENT);
    first.add(1, "a");
    first.add(2, "b");
    first.setOutput(2, "B");
    expect(first.query({ type: "tail", n: 1, wantsOutput: true })).toEqual([[1, 2, ["b", "B"]]]);
    expect(statSync(path).mode & 0o077).toBe(0);
    appendFileSync(path, '{"session":1,"li');
    appendFileSync(path, "\n");
    const second = new History(path, SILENT);
    second.add(1, "c");
    expect(rows(second, "tail")).toEqual([
      [1, 1, "a"],
      [1, 2, "b"],
      [2, 1, "c"],
    ]);
    expect(second.query({ type: "range", session: -1, start: 1, stop: 2, wantsOutput: false })).toEqual([[1, 1, "a"]]);
    expect(second.query({ type: "range", session: 0, start: 0, stop: undefined, wantsOutput: false })).toEqual([[2, 1, "c"]]);
  });

  it("is searched by pattern, each text once when that is wanted", () => {
    const history = new History(null, SILENT);
    for (const [i, text] of ["f(1)", "g\nf", "f(1)", "f(2)"].entries()) history.add(i + 1, text);
    const search = (pattern: string, isUnique: boolean, n?: number): unknown =>
      history.query({ type: "search", pattern, isUnique, n, wantsOutput: false }).map(([, line]) => line);
    expect(search("f(*", false)).toEqual([1, 3, 4]);
    expect(search("f(*", true)).toEqual([3, 4]);
    expect(search("*f*", false, 2)).toEqual([3, 4]);
    expect(search("g?f", false)).toEqual([2]);
  });

  it("is bounded, in memory and in its file", () => {
    const path = join(folder, "history.jsonl");
    const options = { entriesMax: 4, fileBytesMax: 100 };
    const history = new History(path, SILENT, options);
    for (let line = 1; line <= 10; line += 1) history.add(line, "x".repeat(20));
    expect(rows(history, "tail")).toHaveLength(4);
    rows(new History(path, SILENT, options), "tail");
    expect(readFileSync(path, "utf8").trim().split("\n")).toHaveLength(2);
  });

  it("that cannot be written is this session's", () => {
    writeFileSync(join(folder, "file"), "");
    const history = new History(join(folder, "file", "history.jsonl"), SILENT);
    history.add(1, "a");
    expect(rows(history, "tail")).toEqual([[1, 1, "a"]]);
  });
});
