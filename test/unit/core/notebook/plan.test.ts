// Which cells of a notebook a run executes, and with which parameters.

import { describe, expect, it } from "vitest";
import {
  injectParameters,
  parametersCode,
  parseNotebook,
  parseParameter,
  planRun,
  setStatus,
  strangeParameters,
  tagsOf,
  textOf,
  type CellStatus,
  type Notebook,
  type PlanOptions,
} from "../../../../src/core/notebook/index.ts";
import { codeCell, notebookOf } from "./notebooks.ts";

const markdown = { cell_type: "markdown", metadata: {}, source: "text" };

/** What a run left: these cells with these statuses, each with an output. */
function left(...cells: readonly (readonly [source: string, status: CellStatus | undefined])[]): Notebook {
  const notebook = parseNotebook(notebookOf(...cells.map(([source]) => codeCell(source))));
  for (const [index, cell] of notebook.cells.entries()) {
    const status = cells[index]?.[1];
    if (status !== undefined) setStatus(cell, status);
    cell["outputs"] = [{ output_type: "stream", name: "stdout", text: `old ${index + 1}` }];
    cell["execution_count"] = index + 1;
  }
  return notebook;
}

function actions(notebook: Notebook, options: PlanOptions = {}): string[] {
  return planRun(notebook, options).cells.map(({ number, action }) => `${number} ${action}`);
}

describe("a plan", () => {
  it("counts code cells from 1, leaves empty ones and those tagged for it, and clears the others", () => {
    const notebook = parseNotebook(
      notebookOf(markdown, codeCell(" \n"), { ...codeCell("a"), outputs: [{}], execution_count: 3 }, codeCell("b", "skip-execution")),
    );
    expect(actions(notebook)).toEqual(["1 skipped", "2 run", "3 skipped"]);
    expect(notebook.cells[2]).toMatchObject({ outputs: [], execution_count: null });
  });

  it("begins at the first cell that has not run well, with what was left of those before", () => {
    const notebook = parseNotebook(notebookOf(codeCell("a"), codeCell("b"), codeCell("c")));
    const previous = left(["a", "ok"], ["b", "failed"], ["c", undefined]);
    expect(actions(notebook, { resumes: true, previous })).toEqual(["1 kept", "2 run", "3 run"]);
    expect(notebook.cells.map((cell) => [cell["execution_count"], JSON.stringify(cell["outputs"]).includes("old")])).toEqual([
      [1, true],
      [null, false],
      [null, false],
    ]);
  });

  it("begins at a cell that was changed since, and at the first when nothing was left", () => {
    const changed = parseNotebook(notebookOf(codeCell("a"), codeCell("B"), codeCell("c")));
    expect(planRun(changed, { resumes: true, previous: left(["a", "ok"], ["b", "ok"], ["c", "ok"]) }).startAt).toBe(2);
    expect(planRun(parseNotebook(notebookOf(codeCell("a"))), { resumes: true }).startAt).toBe(1);
  });

  it("has nothing to begin at when all ran well", () => {
    expect(planRun(parseNotebook(notebookOf(codeCell("a"), codeCell(""))), { resumes: true, previous: left(["a", "ok"], ["", undefined]) }).startAt).toBe(3);
  });

  it("runs again what sets parameters and what is tagged for it, before a cell that is chosen", () => {
    const notebook = parseNotebook(notebookOf(codeCell("p", "parameters"), codeCell("a"), codeCell("i", "always-run"), codeCell("b")));
    const plan = planRun(notebook, { startAt: 4 });
    expect(plan.again).toEqual([1, 3]);
    expect(plan.cells.map(({ action }) => action)).toEqual(["run", "kept", "run", "run"]);
  });
});

describe("a parameter", () => {
  it.each([
    ["that the defaults name is not strange", [codeCell("let a = 1", "parameters")], undefined],
    ["that they do not name is", [codeCell("let ab = 1", "parameters"), codeCell("a")], 'the cell tagged "parameters" does not name "a"'],
    ["is strange where nothing has defaults", [codeCell("let a = 1")], 'no cell is tagged "parameters"; the values are set before the first cell'],
  ])("%s", (_title, cells, expected) => {
    const notebook = parseNotebook(notebookOf(...cells));
    expect(strangeParameters(notebook, [parseParameter("a=2")])).toBe(expected);
    expect(strangeParameters(notebook, [])).toBeUndefined();
  });

  it("is what JSON says, or else a text", () => {
    expect(["a=1", "a=true", 'a="1"', "a=x=y", "a=", "a=[1, null]"].map((text) => parseParameter(text).value)).toEqual([1, true, "1", "x=y", "", [1, null]]);
    expect(() => parseParameter("a")).toThrow('"a" sets nothing; write name=value');
    expect(() => parseParameter("1a=2")).toThrow("cannot be a parameter's name");
  });

  it("is written in the kernel's language", () => {
    const parameters = ['a={"x": [true, null, "é\\n"]}', "b=12345678901234567890", "c=-1.5e3", "d=it's", "e=[1.0, 12345678901234567890]"].map(parseParameter);
    expect(parametersCode(parameters, "TypeScript")).toBe(
      '// Parameters\nlet a = {"x":[true,null,"é\\n"]};\nlet b = 12345678901234567890;\nlet c = -1.5e3;\nlet d = "it\'s";\nlet e = [1,12345678901234567000];',
    );
    expect(parametersCode(parameters, "python")).toBe(
      '# Parameters\na = {"x": [True, None, "é\\n"]}\nb = 12345678901234567890\nc = -1.5e3\nd = "it\'s"\ne = [1.0, 12345678901234567890]',
    );
    expect(() => parametersCode(parameters, "R")).toThrow("this notebook's kernel speaks R");
  });

  it.each([
    ["behind the cell with the defaults", [codeCell("a"), codeCell("x = 1", "parameters"), codeCell("b")], ["a", "x = 1", "new", "b"]],
    ["before everything when there is none", [markdown, codeCell("a")], ["new", "text", "a"]],
    ["in the place of an earlier run's", [codeCell("x = 1", "parameters"), codeCell("a"), codeCell("old", "injected-parameters")], ["x = 1", "a", "new"]],
  ])("stands %s", (_, cells, sources) => {
    const notebook = parseNotebook(notebookOf(...cells));
    injectParameters(notebook, "new", () => "id");
    expect(notebook.cells.map(({ source }) => textOf(source))).toEqual(sources);
    expect(notebook.cells.filter((cell) => tagsOf(cell).includes("injected-parameters")).map(({ source }) => textOf(source))).toEqual(["new"]);
  });
});
