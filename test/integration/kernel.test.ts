// The notebook kernel as a process, spoken to as front ends do.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelProcess, TSPARALLEL, type Heard } from "../support/kernel-process.ts";
import { snippetsOf } from "../support/snippets.ts";
import { until } from "../support/until.ts";

let kernel: KernelProcess;
beforeAll(async () => {
  kernel = await KernelProcess.start();
});
afterAll(() => kernel.close());

const kinds = (published: readonly Heard[]): string[] =>
  published.map(({ type, content }) => (type === "status" ? String(content["execution_state"]) : type === "stream" ? String(content["name"]) : type));
const dataOf = (published: readonly Heard[], type: string): unknown => published.find((one) => one.type === type)?.content["data"];

describe("a cell", () => {
  it("is TypeScript, and leaves its names to the next", async () => {
    await kernel.run("interface P { x: number }\nconst p: P = { x: 1 };\nimport { basename } from 'node:path';");
    const { reply, published } = await kernel.run("const p = { x: await Promise.resolve(2) };\nbasename(`/a/${p.x}`)");
    expect(reply).toMatchObject({ status: "ok", user_expressions: {}, payload: [] });
    expect(kinds(published)).toEqual(["busy", "execute_input", "execute_result", "idle"]);
    expect(dataOf(published, "execute_result")).toEqual({ "text/plain": "'2'" });
  });

  it("tells its output in order, between busy and idle", async () => {
    const { published } = await kernel.run("console.log('a'); display(1); console.error('b'); console.log('c'); 4");
    expect(kinds(published)).toEqual(["busy", "execute_input", "stdout", "display_data", "stderr", "stdout", "execute_result", "idle"]);
  });

  it("that fails names the error and its place in the cell", async () => {
    const { reply, published } = await kernel.run("const a = 1;\nfunction f() {\n  throw new RangeError('no');\n}\nf();");
    expect(reply).toMatchObject({ status: "error", ename: "RangeError", evalue: "no" });
    const traceback = (reply["traceback"] as string[]).join("\n");
    expect(traceback).toMatch(/at f \(cell \[\d+\]:3:9\)/);
    expect(traceback).not.toMatch(/\/dist\//);
    expect(kinds(published)).toEqual(["busy", "execute_input", "error", "idle"]);
  });

  it("that imports JSON gets it", async () => {
    const file = join(process.cwd(), "package.json");
    const { published } = await kernel.run(`import about from ${JSON.stringify(file)} with { type: "json" };\nabout.name`);
    expect(dataOf(published, "execute_result")).toEqual({ "text/plain": "'tsparallel'" });
  });

  it("that imports what is not there names the folder it was looked for from, and no file that nobody has written", async () => {
    const shown = dataOf((await kernel.run("process.cwd()")).published, "execute_result") as Record<string, string>;
    const cwd = String(shown["text/plain"]).slice(1, -1);
    const { reply } = await kernel.run('import x from "no-such-package-x";');
    expect(reply["evalue"]).toBe(`Cannot find package 'no-such-package-x' from ${cwd}; install it there, or in a folder above`);
    expect((reply["traceback"] as string[])[0]).toContain(`from ${cwd}; install it there`);
    const { reply: missing } = await kernel.run('import y from "./no-such-file.ts";');
    expect(missing["evalue"]).toBe(`Cannot find module '${cwd}/no-such-file.ts', imported by a cell that runs in ${cwd}`);
    expect(String((await kernel.run('require("no-such-package-x")')).reply["evalue"])).not.toContain("ipp-cell");
  });

  it("that fails has the cells behind it aborted, unless it says otherwise", async () => {
    const failing = kernel.execute("await new Promise((resolve) => setTimeout(resolve, 200)); throw 1");
    const waiting = [kernel.execute("globalThis.hasRun = 1"), kernel.execute("globalThis.hasRun = 2")];
    await kernel.ended(failing);
    expect(await Promise.all(waiting.map(async (one) => (await kernel.ended(one)).reply))).toEqual([{ status: "aborted" }, { status: "aborted" }]);
    const forgiving = kernel.execute("throw 1", { stop_on_error: false });
    const running = kernel.execute("globalThis.hasRun ?? 'never'");
    await kernel.ended(forgiving);
    expect(dataOf((await kernel.ended(running)).published, "execute_result")).toEqual({ "text/plain": "'never'" });
  });

  it("that is silent publishes nothing and is not counted; expressions are evaluated behind it", async () => {
    const before = (await kernel.run("0")).reply["execution_count"];
    const { reply, published } = await kernel.run("globalThis.quiet = 5", {
      silent: true,
      store_history: false,
      user_expressions: { a: "quiet + 1", b: "nothing" },
    });
    expect(kinds(published)).toEqual(["busy", "idle"]);
    expect(reply).toMatchObject({ execution_count: before, user_expressions: { a: { data: { "text/plain": "6" } }, b: { ename: "ReferenceError" } } });
  });

  it("whose timer writes later is still the one that is told of", async () => {
    const { msg_id: id } = kernel.execute("setTimeout(() => console.log('late'), 50); undefined");
    const late = await kernel.find((one) => one.type === "stream" && one.parentId === id);
    expect(late.content).toEqual({ name: "stdout", text: "late\n" });
  });

  it("that awaits and fails names places of its own text only", async () => {
    const { reply } = await kernel.run("await null;\nthrow new Error('behind');");
    expect(reply["traceback"]).toEqual(["Error: behind", expect.stringMatching(/^ {4}at cell \[\d+\]:2:7$/)]);
    expect((await kernel.run("throw { code: 7 }")).reply).toMatchObject({ ename: "object", evalue: "{ code: 7 }", traceback: ["thrown value: { code: 7 }"] });
    const sync = await kernel.run("function f(): never {\n  throw new Error('in f');\n}\n0;\nf();\nawait null;");
    expect((sync.reply["traceback"] as string[]).length).toBe(3);
  });

  it("that leaves a rejection to nobody has it told, and goes on", async () => {
    const { msg_id: id } = kernel.execute("Promise.reject(new Error('nobody')); void setTimeout(() => { throw new Error('later') }, 1)");
    await until(() => /nobody\n {4}at cell \[\d+\]:1:16[^]*later/.test(kernel.streamOf(id, "stderr")));
    expect((await kernel.run("1")).reply["status"]).toBe("ok");
  });

  it("that prints without end is bounded, and says so", async () => {
    const { msg_id: id } = await (async () => {
      const header = kernel.execute("const line = 'x'.repeat(99) + '\\n';\nfor (let i = 0; i < 1_000_000; i += 1) process.stdout.write(line);");
      await kernel.ended(header);
      return header;
    })();
    expect(kernel.streamOf(id).length).toBe(32 * 1024 * 1024);
    expect(kernel.streamOf(id, "stderr")).toMatch(/\d+ more characters of output were dropped/);
  });
});

describe("a display", () => {
  it("has the value's own forms; bytes go as base64, and what cannot be shown is said", async () => {
    const { published } = await kernel.run(
      "const o: any = {}; o.o = o;\n({ _repr_png_: () => new Uint8Array([1, 2, 3]), _repr_html_: () => '<b>', _repr_json_: () => o })",
    );
    const data = dataOf(published, "execute_result") as Record<string, string>;
    expect(data).toMatchObject({ "image/png": "AQID", "text/html": "<b>" });
    expect(data["text/plain"]).toContain("application/json is not shown: it cannot be written as JSON");
  });

  it("of a circular object is text", async () => {
    const { published } = await kernel.run("const ring: any = { name: 'r' }; ring.self = ring; ring");
    expect(dataOf(published, "execute_result")).toEqual({ "text/plain": "<ref *1> { name: 'r', self: [Circular *1] }" });
  });

  it("can be changed in place and cleared", async () => {
    const { published } = await kernel.run("display(1, { displayId: 'd' }); display(2, { displayId: 'd', update: true }); clearOutput({ wait: true })");
    expect(published.slice(2, -1).map(({ type, content }) => [type, content["transient"] ?? content["wait"]])).toEqual([
      ["display_data", { display_id: "d" }],
      ["update_display_data", { display_id: "d" }],
      ["clear_output", true],
    ]);
  });
});

describe("a question", () => {
  it("reaches the user, and its answer the cell", async () => {
    const cell = kernel.execute("`${await input('who? ')} ${await password()}`");
    for (const [prompt, isPassword, value] of [
      ["who? ", false, "me"],
      ["", true, "secret"],
    ] as const) {
      const question = await kernel.find((one) => one.type === "input_request" && one.parentId === cell.msg_id && one.content["password"] === isPassword);
      expect(question.content).toEqual({ prompt, password: isPassword });
      kernel.send("stdin", "input_reply", { status: "ok", value }, question.header);
    }
    expect(dataOf((await kernel.ended(cell)).published, "execute_result")).toEqual({ "text/plain": "'me secret'" });
  });

  it("is refused where nobody can be asked", async () => {
    const { reply } = await kernel.run("await input()", { allow_stdin: false });
    expect(reply).toMatchObject({ status: "error", ename: "NotSupportedError" });
  });
});

describe("an interrupt", () => {
  it.each([
    ["a loop", "for (;;);"],
    ["a wait", "await new Promise(() => undefined)"],
    ["a question", "await input('?')"],
    ["a loop of awaits", "for (;;) await null;"],
  ])("ends %s, keeps the namespace and aborts what waits", async (_, code) => {
    await kernel.run("globalThis.kept = 1");
    const cell = kernel.execute(`globalThis.kept += 1; console.log('begun'); ${code}`);
    const waiting = kernel.execute("kept = 100");
    await until(() => kernel.streamOf(cell.msg_id) === "begun\n");
    expect(await kernel.ask("interrupt_request", {}, "control")).toEqual({ status: "ok" });
    expect((await kernel.ended(cell)).reply).toMatchObject({ status: "error", ename: "KeyboardInterrupt" });
    expect((await kernel.ended(waiting)).reply).toEqual({ status: "aborted" });
    expect(dataOf((await kernel.run("kept")).published, "execute_result")).toEqual({ "text/plain": "2" });
  });

  it("comes by signal too, and does nothing when nothing runs", async () => {
    process.kill(kernel.pid, "SIGINT");
    // A request wakes the main thread, which takes signals; by the others the side thread has looked for something to interrupt.
    await kernel.run("0");
    for (let i = 0; i < 3; i += 1) await kernel.ask("interrupt_request", {}, "control");
    const cell = kernel.execute("console.log('begun'); for (;;);");
    await until(() => kernel.streamOf(cell.msg_id) === "begun\n");
    process.kill(kernel.pid, "SIGINT");
    expect((await kernel.ended(cell)).reply).toMatchObject({ status: "error", ename: "KeyboardInterrupt" });
  });
});

describe("while a cell spins", () => {
  it("the heart beats and control requests are answered", async () => {
    const cell = kernel.execute("console.log('begun'); for (;;);");
    await until(() => kernel.streamOf(cell.msg_id) === "begun\n");
    const before = kernel.pongs;
    kernel.ping();
    await until(() => kernel.pongs > before);
    expect(await kernel.ask("kernel_info_request", {}, "control")).toMatchObject({ language_info: { name: "typescript" } });
    await kernel.ask("interrupt_request", {}, "control");
    await kernel.ended(cell);
  });
});

describe("questions about code", () => {
  it("complete members without running getters, with positions in code points", async () => {
    await kernel.run("globalThis.spied = 0; const box = { alpha: 1, get beta() { spied += 1; return 1; }, alphabet() {} }; undefined");
    const code = "'😀'; box.al";
    expect(await kernel.ask("complete_request", { code, cursor_pos: 11 })).toMatchObject({ matches: ["alpha", "alphabet"], cursor_start: 9, cursor_end: 11 });
    await kernel.ask("complete_request", { code: "box.beta.", cursor_pos: 9 });
    await kernel.ask("inspect_request", { code: "box", cursor_pos: 3, detail_level: 1 });
    expect(dataOf((await kernel.run("spied")).published, "execute_result")).toEqual({ "text/plain": "0" });
  });

  it("inspect functions and values", async () => {
    await kernel.run("function area(width: number, height = 2) { return width * height; }");
    const { data } = await kernel.ask("inspect_request", { code: "area(3", cursor_pos: 6, detail_level: 0 });
    expect((data as Record<string, string>)["text/plain"]).toMatch(/Signature: function area\(width {8,}, height = 2\)/);
    expect(await kernel.ask("inspect_request", { code: "nothing_here", cursor_pos: 3 })).toEqual({ status: "ok", found: false, data: {}, metadata: {} });
  });

  it("are answered as editors ask them that speak with the kernel themselves", async () => {
    const info = await kernel.ask("kernel_info_request");
    expect(info).toMatchObject({
      status: "ok",
      protocol_version: "5.3",
      language_info: { name: "typescript", mimetype: "text/typescript", file_extension: ".ts", codemirror_mode: "typescript", pygments_lexer: "typescript" },
      supported_features: [],
      debugger: false,
    });
    expect(await kernel.ask("kernel_info_request", {}, "control")).toEqual(info);
    const before = (await kernel.run("0")).reply["execution_count"];
    // What an editor runs for itself is neither counted nor kept.
    await kernel.run("globalThis.editor = 1", { silent: true, store_history: false, stop_on_error: false });
    expect((await kernel.run("editor")).reply["execution_count"]).toBe(Number(before) + 1);
    const { history } = await kernel.ask("history_request", { hist_access_type: "tail", n: 1, output: false, raw: true });
    expect(history).toEqual([[expect.any(Number), Number(before) + 1, "editor"]]);
    expect(await kernel.ask("comm_info_request", { target_name: "jupyter.widget" })).toEqual({ status: "ok", comms: {} });
    expect(await kernel.ask("is_complete_request", { code: "%%px" })).toEqual({ status: "incomplete", indent: "" });
    // A debugger is not offered; who asks for it all the same sees the request begin and end, and the kernel lives.
    const { msg_id: id } = kernel.send("control", "debug_request", { type: "request", seq: 1, command: "initialize", arguments: {} });
    await kernel.find((one) => one.parentId === id && one.content["execution_state"] === "idle");
    expect((await kernel.run("1")).reply["status"]).toBe("ok");
  });

  it("refuse comms politely, and say that there are none", async () => {
    kernel.send("shell", "comm_open", { comm_id: "c1", target_name: "t", data: {} });
    await kernel.find((one) => one.type === "comm_close" && one.content["comm_id"] === "c1");
    expect(await kernel.ask("comm_info_request")).toEqual({ status: "ok", comms: {} });
  });
});

describe("a kernel of its own", () => {
  it("ends when asked to, also in the middle of a loop, and keeps its history for the next", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tsparallel-history-"));
    try {
      const first = await KernelProcess.start({ env: { JUPYTER_DATA_DIR: folder } });
      await first.run("'typed before'");
      const cell = first.execute("console.log('begun'); for (;;);");
      await until(() => first.streamOf(cell.msg_id) === "begun\n");
      expect(await first.ask("shutdown_request", { restart: true }, "control")).toEqual({ status: "ok", restart: true });
      expect(await first.processEnd()).toEqual({ code: 0, signal: null });
      await first.close();
      const second = await KernelProcess.start({ env: { JUPYTER_DATA_DIR: folder } });
      const { history } = await second.ask("history_request", { hist_access_type: "search", pattern: "*typed*", output: false, raw: true });
      expect(history).toEqual([[1, 1, "'typed before'"]]);
      await second.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("that a cell ends says so, and goes with the cell's status", async () => {
    const own = await KernelProcess.start();
    const { reply } = await own.run("console.log('last words'); process.exit(3)");
    expect(reply).toMatchObject({ status: "error", ename: "KernelExit" });
    expect(await own.processEnd()).toEqual({ code: 3, signal: null });
    await own.close();
  });

  it("ends with the process that started it", async () => {
    const parent = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    const own = await KernelProcess.start({ env: { JPY_PARENT_PID: String(parent.pid) } });
    expect((await own.run("process.env.JPY_PARENT_PID ?? 'hidden'")).published.find(({ type }) => type === "execute_result")?.content["data"]).toEqual({
      "text/plain": "'hidden'",
    });
    parent.kill("SIGKILL");
    expect(await own.processEnd()).toEqual({ code: 0, signal: null });
    await own.close();
  });

  it("answers nobody without its key", async () => {
    const own = await KernelProcess.start({ frontEndKey: "another" });
    own.execute("1");
    await until(() => /dropped a message.*badSignature/.test(own.output));
    expect(own.heard).toEqual([]);
    await own.close();
  });
});

describe("the page on notebooks", () => {
  it("has cells that run, one after another", async () => {
    const cells = snippetsOf(readFileSync(new URL("../../docs/guide/notebooks.md", import.meta.url), "utf8")).filter(
      ({ language }) => language === "typescript",
    );
    expect(cells.length).toBeGreaterThan(4);
    const shown: unknown[] = [];
    for (const { code } of cells) {
      const { reply, published } = await kernel.run(code);
      expect(reply).toMatchObject({ status: "ok" });
      const data = dataOf(published, "execute_result") as Record<string, string> | undefined;
      if (data !== undefined) shown.push(data["text/plain"]?.startsWith("[") === true ? data["text/plain"] : Object.keys(data));
    }
    expect(shown).toEqual(["[ 2, 5, 10 ]", "[ 101, 104, 109 ]", ["text/plain", "image/svg+xml"]]);
  });
});

describe("the command", () => {
  const run = (...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
    spawnSync(process.execPath, [TSPARALLEL, "kernel", ...args], { encoding: "utf8", timeout: 120_000 });

  it("installs and uninstalls the kernelspec", () => {
    const folder = mkdtempSync(join(tmpdir(), "tsparallel-spec-"));
    try {
      const dir = join(folder, "share", "jupyter", "kernels", "typescript");
      expect(run("install", "--prefix", folder)).toMatchObject({ status: 0, stdout: `installed the kernel "TypeScript (tsparallel)" in ${dir}\n` });
      const { argv } = JSON.parse(readFileSync(join(dir, "kernel.json"), "utf8")) as { readonly argv: readonly string[] };
      expect([argv[0], argv[2], argv.at(-1)]).toEqual([process.execPath, TSPARALLEL, "{connection_file}"]);
      expect(run("uninstall", "--prefix", folder)).toMatchObject({ status: 0, stdout: `removed ${dir}\n` });
      expect(existsSync(dir)).toBe(false);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("refuses a connection file that is none with one sentence", () => {
    const { status, stderr } = run("start", "-f", TSPARALLEL);
    expect([status, stderr]).toEqual([1, `tsparallel: the connection file ${TSPARALLEL} cannot be used: it is not JSON\n`]);
  });
});
