// What the examples share as programs, and that their pages quote them as they are.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { choice, engineCount, flag, folder, makeFolder, readOptions, runExample, tableOf, text, whole } from "../../../examples/program.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const OPTIONS = {
  files: whole(15, "files"),
  percent: whole(5, "percent", { min: 0, max: 100 }),
  serial: choice(["all", "none"], "all", "what"),
  out: folder("here", "where"),
  title: text("a title", "its title"),
  quiet: flag("say nothing"),
};

describe("options of examples", () => {
  it("have the values they are given, and the others their own", () => {
    const given = ["--files=3", "--percent=0", "--serial", "none", "--out=a/b", "--title=", "--quiet"];
    expect(readOptions(OPTIONS, given)).toEqual({ files: 3, percent: 0, serial: "none", out: resolve("a/b"), title: "", quiet: true });
    expect(readOptions(OPTIONS, [])).toEqual({ files: 15, percent: 5, serial: "all", out: resolve("here"), title: "a title", quiet: false });
    expect(readOptions({ engines: engineCount(2) }, []).engines).toBeGreaterThanOrEqual(2);
  });

  it.each([
    ["--files=none", "--files must be a whole number of at least 1, and is none"],
    ["--files=", "--files must be a whole number of at least 1, and is empty"],
    ["--files=1.5", "--files must be a whole number of at least 1, and is 1.5"],
    ["--files=0", "--files must be a whole number of at least 1, and is 0"],
    ["--percent=101", "--percent must be a whole number from 0 to 100, and is 101"],
    ["--serial=some", "--serial must be one of all, none, and is some"],
    ["--filez=1", "Unknown option '--filez'; the options are --files=N --percent=N --serial=all|none --out=DIR --title=TEXT --quiet"],
    ["word", "Unexpected argument 'word'; the options are --files=N --percent=N --serial=all|none --out=DIR --title=TEXT --quiet"],
    ["--files", "Option '--files <value>' argument missing; the options are --files=N --percent=N --serial=all|none --out=DIR --title=TEXT --quiet"],
  ])("are refused as %s, with what would do", (argument, sentence) => {
    expect(() => readOptions(OPTIONS, [argument])).toThrow(sentence);
  });
});

describe("an example", () => {
  it("tells a failure in one line and its exit status", async () => {
    const told = vi.spyOn(console, "error").mockImplementation(() => undefined);
    await runExample("some", () => Promise.reject(new Error("the sums differ")));
    expect([told.mock.calls, process.exitCode]).toEqual([[["some: the sums differ"]], 1]);
    process.exitCode = undefined;
    told.mockRestore();
  });

  it("is told of Ctrl-C by its signal, and then ends as interrupted", async () => {
    const told = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const listeners = process.listenerCount("SIGINT");
    await runExample("some", async (signal) => {
      process.emit("SIGINT");
      signal.throwIfAborted();
      await Promise.resolve();
    });
    expect([told.mock.calls, process.exitCode]).toEqual([[["some: interrupted; everything was stopped"]], 130]);
    expect(process.listenerCount("SIGINT")).toBe(listeners);
    process.exitCode = undefined;
    told.mockRestore();
  });

  it("puts tables into columns", () => {
    expect(
      tableOf([
        ["name", "n"],
        ["a", "12"],
      ]),
    ).toBe("name   n\na     12");
  });
});

describe("the page of each example", () => {
  const names = readdirSync(join(ROOT, "examples"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(ROOT, "examples", entry.name, `${entry.name}.ts`)))
    .map(({ name }) => name);
  const page = (name: string): string => readFileSync(join(ROOT, "docs", "examples", `${name}.md`), "utf8");
  const source = (name: string): string =>
    readdirSync(join(ROOT, "examples", name))
      .map((file) => readFileSync(join(ROOT, "examples", name, file), "utf8"))
      .join("\n");
  const packed = (code: string): string =>
    code
      .replaceAll(/\s+/g, "")
      .replaceAll(/,(?=[)\]}]|$)/g, "")
      .replace(/;$/, "");

  it.each(names)("%s quotes the program as it is", (name) => {
    const quotes = [...page(name).matchAll(/```ts\n([^]*?)```/g)].flatMap(([, code = ""]) => code.split(/^…$/m)).map(packed);
    expect(quotes.filter((quote) => !packed(source(name)).includes(quote))).toEqual([]);
  });

  it.each(names)("%s lists the options there are, and how to run it", (name) => {
    const [table = ""] = /const OPTIONS = \{\n[^]*?\n\};/.exec(source(name)) ?? [];
    const options = [...table.matchAll(/^ {2}"?([\w-]+)"?: /gm)].map(([, option]) => option);
    const listed = [...page(name).matchAll(/^\| `--([\w-]+)/gm)].map(([, option]) => option);
    expect(options.length).toBeGreaterThan(0);
    expect(new Set(listed)).toEqual(new Set(options));
    expect(listed).toHaveLength(options.length);
    expect(page(name)).toContain(`npm run example -- ${name}\n`);
  });

  it.each(names)("%s is in the list of examples and in the README", (name) => {
    expect(readFileSync(join(ROOT, "docs", "examples", "README.md"), "utf8")).toContain(`](${name}.md)`);
    expect(readFileSync(join(ROOT, "README.md"), "utf8")).toContain(`](docs/examples/${name}.md)`);
  });
});

describe("makeFolder", () => {
  it("makes a folder with those above it, and says why one cannot be made", async () => {
    const place = mkdtempSync(join(tmpdir(), "tsparallel-folders-"));
    try {
      await makeFolder(join(place, "a", "b"));
      await makeFolder(join(place, "a", "b"));
      expect(existsSync(join(place, "a", "b"))).toBe(true);
      writeFileSync(join(place, "file"), "");
      await expect(makeFolder(join(place, "file", "b"))).rejects.toThrow(/^cannot make the folder .*file\/b: ENOTDIR/);
    } finally {
      rmSync(place, { recursive: true });
    }
  });

  it.runIf(existsSync("/proc/self"))("ends where no folder can be made", async () => {
    await expect(makeFolder("/proc/tsparallel/b")).rejects.toThrow("cannot make the folder /proc/tsparallel: ENOENT");
  });
});
