// What `%typecheck` gives the compiler, and what it makes of its answer.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ownText, type MagicTable } from "../../../src/interactive/expand-magics.ts";
import { findCompiler } from "../../../src/interactive/typecheck/compiler.ts";
import { declaredNames, withoutExports } from "../../../src/interactive/typecheck/declared-names.ts";
import { readReport, shownDiagnostic } from "../../../src/interactive/typecheck/diagnostics.ts";
import { inCellWords, placeInCell, programOf, type CheckedCell } from "../../../src/interactive/typecheck/session-program.ts";

const cell = (number: number, code: string, variables: readonly string[] = [], entities: readonly string[] = []): CheckedCell => ({
  number,
  code,
  names: { variables, entities },
  isObject: false,
});

describe("names that a cell declares", () => {
  it("are variables, or what other cells import: functions, classes, enums, types and imports", () => {
    const code = `import def, { type A, b as c } from "m";
import type { D } from 'n';
import * as space from "o";
export interface Face<T> { type: T }
type Alias<T> = T[]; type Other = 1;
export const x = 1, { y } = z();
let later;
async function* f() {}
class K {}
enum E { A }
declare const told: number;`;
    const values = ["def", "c", "space", "x", "y", "later", "f", "K", "E"];
    expect(declaredNames(code, values)).toEqual({
      variables: ["x", "y", "later"],
      entities: expect.arrayContaining(["def", "A", "c", "D", "space", "Face", "Alias", "Other", "f", "K", "E", "told"]) as unknown,
    });
    expect(declaredNames(code, values).entities).toHaveLength(12);
  });

  it("are none in properties that are called like keywords, and in what only looks like an import", () => {
    const code = 'const o = { type: 1, interface: 2 };\nconst text = "class X";\nawait import("m");\ntype(o);';
    expect(declaredNames(code, ["o", "text"])).toEqual({ variables: ["o", "text"], entities: [] });
  });

  it("lose `export`, and nothing moves", () => {
    expect(withoutExports("export const a = 1;\n  export interface B {}\nexport default 3;")).toBe(
      "       const a = 1;\n         interface B {}\nexport default 3;",
    );
  });
});

describe("the cells as a program", () => {
  it("have the names of the cells before them: types imported, variables assignable, the latest of each name", () => {
    const files = programOf(
      [cell(1, "let a = 1;\ninterface P {}", ["a"], ["P"]), cell(2, 'let a = "";', ["a"]), cell(5, "a; let b: P;", ["b"])],
      new Map([
        ["rc", "Client"],
        ["b", "any"],
      ]),
    );
    expect(files.get("cell-1.ts")).toMatch(/\n;export \{ a, P \};\n$/);
    expect(files.get("cell-2.ts")?.split("\n")[0]).toContain('import { P } from "./cell-1.ts";');
    expect(files.get("cell-2.ts")?.split("\n")[0]).not.toContain("a:");
    expect(files.get("cell-5.ts")?.split("\n").slice(0, 3)).toEqual([
      'declare let a: typeof import("./cell-2.ts").a; import { P } from "./cell-1.ts";',
      "a; let b: P;",
      ";export { b };",
    ]);
    expect(files.get("globals.d.ts")).toBe("export {};\ndeclare global {\n  var rc: Client;\n}\n");
  });

  it("see a later cell's name when no earlier one has it", () => {
    const files = programOf([cell(1, "const f = () => g();", ["f"]), cell(2, "function g() {}", [], ["g"]), cell(3, "let g = 1", ["g"])], new Map());
    expect(files.get("cell-1.ts")).toMatch(/^import \{ g \} from ".\/cell-2.ts";\n/);
  });

  it("map places back to the cell, and none of the lines around it", () => {
    const cells = [cell(3, "a\nb")];
    expect(placeInCell(cells, "cell-3.ts", 2, 7)).toEqual({ cell: 3, line: 1, column: 7 });
    expect(placeInCell(cells, "cell-3.ts", 3, 1)).toEqual({ cell: 3, line: 2, column: 1 });
    for (const [file, line] of [
      ["cell-3.ts", 1],
      ["cell-3.ts", 4],
      ["cell-4.ts", 2],
      ["../helper.ts", 2],
    ] as const)
      expect(placeInCell(cells, file, line, 1)).toBeUndefined();
  });

  it("are called in messages as users call them", () => {
    expect(inCellWords(`Type 'import("/tmp/a/cell-12").Point' is not assignable to type 'Point'.`)).toBe(
      "Type 'cell [12] Point' is not assignable to type 'Point'.",
    );
  });

  it("leave out lines that are magics and cells of engines, and keep their numbers", () => {
    const table: MagicTable = {
      lineNames: new Set(["px"]),
      cellNames: new Set(["px", "typecheck"]),
      runsHere: ({ line }) => line.includes("--local"),
      expressionOf: () => "",
    };
    expect(ownText("let a = 5 \n%px x\n  %px\na % px", table)).toBe("let a = 5 \n\n\na % px");
    expect(ownText("\n%%px --local\na\nb", table)).toBe("\n\na\nb");
    expect(ownText("%%px\na", table)).toBe("");
  });
});

describe("what the compiler prints", () => {
  it("is read: places, messages of several lines, and what is of no file", () => {
    const output = [
      "cell-1.ts(3,9): error TS2322: Type 'A' is not assignable to type 'B'.",
      "  Property 'x' is missing.",
      "    And more.",
      "a(b)/c.ts(1,2): error TS1005: ';' expected.",
      "error TS5023: Unknown compiler option 'x'.",
      "  of which more",
      "",
    ].join("\r\n");
    expect(readReport(output)).toEqual({
      diagnostics: [
        {
          file: "cell-1.ts",
          line: 3,
          column: 9,
          code: "TS2322",
          message: "Type 'A' is not assignable to type 'B'.\n  Property 'x' is missing.\n    And more.",
        },
        { file: "a(b)/c.ts", line: 1, column: 2, code: "TS1005", message: "';' expected." },
      ],
      troubles: ["TS5023: Unknown compiler option 'x'."],
    });
  });

  it("is shown with the cell's line and a mark, under tabs and in long lines too", () => {
    const complaint = { code: "TS1", message: "no" };
    expect(shownDiagnostic({ cell: 2, line: 2, column: 3 }, complaint, "a\r\n\tb c\r\n")).toBe("cell [2]:2:3 TS1: no\n    \tb c\n    \t ^\n");
    const [, line = "", mark = ""] = shownDiagnostic({ cell: 2, line: 1, column: 301 }, complaint, `${"x".repeat(300)}Y${"x".repeat(300)}`).split("\n");
    expect(line.length).toBeLessThan(210);
    expect(line[mark.indexOf("^")]).toBe("Y");
  });
});

describe("the compiler", () => {
  it("is the one of the user's folder, else of this package; where there is none, the remedy is said", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tsparallel-find-"));
    const nowhere = join(folder, "x.js");
    const install = (name: string, manifest: object): void => {
      mkdirSync(join(folder, "node_modules", name), { recursive: true });
      writeFileSync(join(folder, "node_modules", name, "package.json"), JSON.stringify(manifest));
    };
    try {
      await expect(findCompiler(folder, nowhere)).rejects.toThrow(/`npm install --save-dev typescript @types\/node`/);
      expect((await findCompiler(folder)).script).toMatch(/node_modules\/typescript\/bin\/tsc$/);
      install("typescript", { version: "5.0.4", bin: { tsc: "./bin/tsc" } });
      await expect(findCompiler(folder, nowhere)).rejects.toThrow(/needs @types\/node, which .* `npm install --save-dev @types\/node`/);
      install("@types/node", {});
      expect(await findCompiler(folder, nowhere)).toEqual({
        script: join(folder, "node_modules/typescript/bin/tsc"),
        version: "5.0.4",
        typeRoot: join(folder, "node_modules/@types"),
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
