// The API reference is what the comments in the source say, and there is a comment for everything that is public.

import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { readExports } from "../../../scripts/api-reference/declarations.ts";
import { readEntries, type Doc, type Entry } from "../../../scripts/api-reference/model.ts";
import { pagesOf } from "../../../scripts/api-reference/pages.ts";

const FOLDER = new URL("../../../docs/reference/api/", import.meta.url);
/** Reading the declarations of the whole package takes seconds on a busy machine. */
const READ_MS = 60_000;
let entries: readonly Entry[] = [];

beforeAll(() => {
  entries = readEntries(readExports());
}, READ_MS);

const isDocumented = ({ text, params }: Doc): boolean => text !== "" || params.length > 0;

describe("the API reference", () => {
  it("is what the comments in the source say (`npm run docs` writes it)", () => {
    const pages = pagesOf(entries);
    expect(readdirSync(FOLDER).sort()).toEqual([...pages.keys()].sort());
    const stale = [...pages].filter(([name, text]) => readFileSync(new URL(name, FOLDER), "utf8") !== text).map(([name]) => name);
    expect(stale).toEqual([]);
  });

  it("has an entry for every name that an entry point exports", async () => {
    const modules = await Promise.all([
      import("../../../src/index.ts"),
      import("../../../src/bakapara/index.ts"),
      import("../../../src/engine/public.ts"),
      import("../../../src/config/public.ts"),
    ]);
    const headings = new Set(
      readdirSync(FOLDER).flatMap((name) => [...readFileSync(new URL(name, FOLDER), "utf8").matchAll(/^## (\w+)$/gm)].map((match) => match[1])),
    );
    expect(entries.length).toBeGreaterThan(150);
    expect([...modules.flatMap((module) => Object.keys(module)), ...entries.map(({ name }) => name)].filter((name) => !headings.has(name))).toEqual([]);
  });

  it("has links that lead to headings", () => {
    const textOf = (name: string): string => readFileSync(new URL(name, FOLDER), "utf8");
    const titlesOf = (name: string): string[] => [...textOf(name).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => title);
    const anchorOf = (title: string): string =>
      title
        .toLowerCase()
        .replaceAll(/[^\w -]/g, "")
        .replaceAll(" ", "-");
    const anchors = new Map(readdirSync(FOLDER).map((name) => [name, new Set(titlesOf(name).map(anchorOf))]));
    const links = readdirSync(FOLDER).flatMap((name) =>
      [...textOf(name).matchAll(/\]\((\w*\.md)?#([^)]*)\)/g)].map(([, page = name, anchor = ""]) => [page, anchor] as const),
    );
    expect(links.length).toBeGreaterThan(300);
    // Of two headings that differ in case only the second has a number.
    expect(links.filter(([page, anchor]) => anchors.get(page)?.has(anchor.replace(/-\d+$/, "")) !== true)).toEqual([]);
  });
});

describe("the public API", () => {
  it("has a doc comment for every export, and for every member of its classes", () => {
    const isError = ({ name }: Entry): boolean => name.endsWith("Error") || ["NoData"].includes(name);
    const bare = entries.flatMap((entry) => [
      ...(isDocumented(entry.doc) ? [] : [entry.name]),
      ...(entry.kind === "class" ? entry.members : [])
        .filter((member) => !isDocumented(member.doc) && !(member.isConstructor && isError(entry)))
        .map((member) => `${entry.name}.${member.name}`),
    ]);
    expect(bare).toEqual([]);
  });

  it("has no `any`", () => {
    const signatures = entries.flatMap((entry) => [entry.signature, ...entry.members.flatMap((member) => [...member.signatures, member.type])]);
    expect(signatures.filter((text) => /\bany\b/.test(text))).toEqual([]);
  });
});
