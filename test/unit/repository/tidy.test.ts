// The source itself, held to the rules that no compiler or linter keeps.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ERROR_TABLE } from "../../../src/base/index.ts";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const LINES_MAX = 400;

interface Settings {
  readonly compilerOptions: { readonly types?: readonly string[]; readonly lib?: readonly string[] };
  readonly references?: readonly { readonly path: string }[];
  readonly include?: readonly string[];
}

const settings = (name: string): Settings => JSON.parse(read(name)) as Settings;

function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((name) => name.endsWith(ending) && !name.includes("node_modules") && statSync(join(ROOT, name)).isFile());
}

const read = (name: string): string => readFileSync(join(ROOT, name), "utf8");
const sources = filesUnder("src", ".ts");
const room = (name: string): string => relative("src", name).split("/")[0] ?? "";
const importsOf = (text: string): string[] => [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");

describe("the source tree", () => {
  it("enters other rooms only through their index or public entrance", () => {
    const trespasses = sources.flatMap((name) =>
      importsOf(read(name))
        .filter((target) => target.startsWith("."))
        .map((target) => join(dirname(name), target))
        .filter((target) => room(target) !== room(name) && target.split("/").length > 2 && !/\/(index|public)\.ts$/.test(target))
        .filter((target) => !(room(name) === "cli" && room(target) === "cli"))
        .map((target) => `${name} -> ${target}`),
    );
    expect(trespasses).toEqual([]);
  });

  it("imports zeromq in one file only", () => {
    const importers = sources.filter((name) => importsOf(read(name)).includes("zeromq"));
    expect(importers).toEqual(["src/net/zeromq-transport.ts"]);
  });

  it("keeps the pure floor free of Node and npm", () => {
    const foreign = sources
      .filter((name) => ["base", "wire", "core"].includes(room(name)))
      .flatMap((name) =>
        importsOf(read(name))
          .filter((target) => !target.startsWith("."))
          .map((target) => `${name} -> ${target}`),
      );
    expect(foreign).toEqual([]);
  });

  it("compiles the pure floor without the platform's types, and no room with a room above it", () => {
    const floor = ["base", "wire", "core"];
    const services = ["controller", "engine", "client", "kernel"];
    const top = ["cluster", "bakapara", "interactive", "notebook", "cli"];
    const level = (name: string): number => (floor.includes(name) ? floor.indexOf(name) : top.includes(name) ? 5 : services.includes(name) ? 4 : 3);
    const { types, lib } = settings("tsconfig.base.json").compilerOptions;
    expect([types, lib?.filter((name) => name.startsWith("dom"))]).toEqual([[], []]);
    for (const name of new Set(sources.map(room).filter((one) => !one.endsWith(".ts") && one !== "ambient"))) {
      const { compilerOptions, references = [], include } = settings(`src/${name}/tsconfig.json`);
      const used = references.map(({ path }) => path.replace("../", ""));
      const upwards = used.filter((other) => level(other) > level(name) || (level(name) !== 3 && level(name) !== 5 && level(other) === level(name)));
      expect([name, upwards]).toEqual([name, []]);
      if (!floor.includes(name)) continue;
      expect([name, compilerOptions.types, compilerOptions.lib, include]).toEqual([name, [], undefined, ["**/*.ts", "../ambient/platform.d.ts"]]);
    }
    // What the floor gets in place of the platform's types.
    expect([...read("src/ambient/platform.d.ts").matchAll(/^declare (.*?) ?\{?$/gm)].map((match) => match[1])).toEqual([
      "class TextEncoder",
      "class TextDecoder",
    ]);
  });

  it("names no type of typed arrays by its buffer, which compilers before TypeScript 5.7 cannot read in the package's declarations", () => {
    expect(sources.filter((name) => /\b(?:Uint|Int|Float|BigInt|BigUint)\d+(?:Clamped)?Array</.test(read(name)))).toEqual([]);
  });

  it("has no file longer than a reader's patience", () => {
    const long = sources.map((name) => `${name}: ${read(name).split("\n").length}`).filter((line) => Number(line.split(": ")[1]) > LINES_MAX);
    expect(long).toEqual([]);
  });

  it("begins every file with a comment that says what it is for", () => {
    const bare = sources.filter((name) => !/^(#!.*\n)?\s*\/[/*]/.test(read(name)));
    expect(bare).toEqual([]);
  });

  it("has no default export, no enum and no leftover marker", () => {
    const marks = sources.filter((name) => /^export default |^\s*(export )?(const )?enum |\b(TODO|FIXME|XXX|HACK)\b/m.test(read(name)));
    expect(marks).toEqual([]);
  });
});

describe("documents", () => {
  it("list every error code with the table's meaning and remedy", () => {
    const page = read("docs/reference/errors.md");
    const missing = Object.entries(ERROR_TABLE)
      .filter(([code, [meaning, remedy]]) => !page.includes(`| \`${code}\` | ${meaning} | ${remedy} |`))
      .map(([code]) => code);
    const listed = [...page.matchAll(/^\| `(ERR_\w+)` \|/gm)].map((match) => match[1]);
    expect(missing).toEqual([]);
    expect(new Set(listed)).toEqual(new Set(Object.keys(ERROR_TABLE)));
    expect(listed.length).toBe(Object.keys(ERROR_TABLE).length);
  });

  it("have no dead relative link", () => {
    const pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", ...filesUnder("docs", ".md")];
    const dead = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map((match) => match[1] ?? "")
        .filter((target) => !exists(join(ROOT, dirname(page), target)))
        .map((target) => `${page} -> ${target}`),
    );
    expect(dead).toEqual([]);
  });

  it("agree with the package on its version", () => {
    const { version } = JSON.parse(read("package.json")) as { version: string };
    expect(read("src/base/version.ts")).toContain(`"${version}"`);
    expect(read("CHANGELOG.md")).toMatch(/^## \[?Unreleased/m);
  });
});

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}
