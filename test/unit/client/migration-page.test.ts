// The table for those who come from ipyparallel names nothing that is not there.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as entrance from "../../../src/index.ts";
import { snippetsOf } from "../../support/snippets.ts";
import { connectScripted } from "./helpers.ts";

const ROOT = new URL("../../../", import.meta.url);
const PAGE = new URL("../../../docs/reference/migration.md", import.meta.url);
const rows = readFileSync(PAGE, "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| ipyparallel"));
/** The right column's code. */
const codes = rows.flatMap((row) => [...(row.split(" | ")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code));

/** The programs that tests run: those of the pages, and the example. */
const programs = [
  ...["README.md", ...["tutorial", "guide"].flatMap((folder) => readdirSync(new URL(`docs/${folder}`, ROOT)).map((name) => `docs/${folder}/${name}`))].flatMap(
    (page) =>
      snippetsOf(readFileSync(new URL(page, ROOT), "utf8"))
        .filter(({ language }) => language === "ts")
        .map(({ code }) => code),
  ),
  readFileSync(new URL("examples/quickstart.ts", ROOT), "utf8"),
].join("\n");
/** Does nothing, and is there for ipyparallel's users only. */
const NOT_SHOWN = ["spin"];

/** Members that the code takes of a name: `rc.ids` gives `ids`. */
const membersOf = (name: string): string[] => [
  ...new Set(codes.flatMap((code) => [...code.matchAll(new RegExp(`\\b${name}\\.(\\w+)`, "g"))].map(([, member = ""]) => member))),
];

describe("the migration page", () => {
  it("has a row for everything a user of ipyparallel looks for", () => {
    expect(rows.length).toBeGreaterThan(60);
    expect(rows.filter((row) => row.split(" | ").length !== 2)).toEqual([]);
  });

  it("names members that are there", async () => {
    const { client } = await connectScripted();
    const lview = client.loadBalancedView();
    const things = { rc: [client], view: [lview, client.directView()], lview: [lview], ar: [lview.map((x: number) => x, [1])] };
    for (const [name, owners] of Object.entries(things)) {
      const members = membersOf(name);
      expect(members.length, name).toBeGreaterThan(3 - owners.length);
      expect(
        members.filter((member) => !owners.some((owner) => member in owner)),
        name,
      ).toEqual([]);
    }
  });

  it("names classes and functions that are exported", () => {
    const named = codes.flatMap((code) =>
      [...code.matchAll(/(?:\bnew |instanceof |^)(Dependency|Reference|RemoteError|CompositeError|TimeoutError|require|depend|dependent)\b/g)].map(
        ([, name = ""]) => name,
      ),
    );
    expect(new Set(named).size).toBe(8);
    for (const name of named) expect(Object.keys(entrance)).toContain(name);
  });

  it("names nothing that no program on these pages shows", () => {
    const members = ["rc", "view", "lview", "ar", "cluster"].flatMap(membersOf).filter((member) => !NOT_SHOWN.includes(member));
    expect(members.length).toBeGreaterThan(60);
    expect(members.filter((member) => !new RegExp(`\\.${member}\\b`).test(programs))).toEqual([]);
  });
});
