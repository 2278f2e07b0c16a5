// The protocol's page, held to the tests that it names and the source that names it.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const read = (name: string): string => readFileSync(join(ROOT, name), "utf8");
const PAGE = read("docs/reference/protocol.md");
const TITLE = /\bit(?:\.each\([^)]*\))?\(\s*["'`]13\.(\d+): /g;

function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name}`)
    .filter((name) => name.endsWith(ending));
}

/** Rows of section 13: number and the test files it names. */
const ROWS = [...PAGE.slice(PAGE.indexOf("\n## 13. ")).matchAll(/^\|\s*(\d+)\s*\|.*\|([^|]*)\|$/gm)].map(
  ([, number = "", files = ""]) => [Number(number), [...files.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "")] as const,
);
const marked = (name: string): Set<number> => new Set([...read(name).matchAll(TITLE)].map((match) => Number(match[1])));

describe("section 13 of the protocol's page", () => {
  it("has the numbers 1 to 30, each once and in order", () => {
    expect(ROWS.map(([number]) => number)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  });

  it.each(ROWS)("item %i names tests whose titles bear its number", (number, files) => {
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !marked(file).has(number))).toEqual([]);
  });

  it("names every test file that has such a title", () => {
    const named = new Map(ROWS);
    const missing = filesUnder("test", ".test.ts").flatMap((file) =>
      [...marked(file)].filter((number) => named.get(number)?.includes(file) !== true).map((number) => `13.${number}: ${file}`),
    );
    expect(missing).toEqual([]);
  });
});

it("the page has every section that comments in the source name", () => {
  const sections = new Set([...PAGE.matchAll(/^##+ (\d+(?:\.\d+)?)\.? /gm)].map((match) => match[1]));
  const dangling = [...filesUnder("src", ".ts"), ...filesUnder("test", ".ts")].flatMap((file) =>
    [...read(file).matchAll(/§(\d+(?:\.\d+)?)/g)].filter((match) => !sections.has(match[1])).map((match) => `${file}: ${match[0]}`),
  );
  expect(dangling).toEqual([]);
});
