// Notebooks read and written.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addCellIds, kernelNameOf, NotebookWriter, parseNotebook } from "../../../../src/core/notebook/index.ts";
import { codeCell, notebookOf } from "./notebooks.ts";

const written = (text: string): string => new NotebookWriter(parseNotebook(text)).pieces().join("");
const refusal = (text: string): string => {
  try {
    parseNotebook(text);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("a notebook", () => {
  it("is written as Jupyter writes it, and what is not known stays in its place", () => {
    const text = `{
 "cells": [
  {
   "x-before": {
    "a": []
   },
   "cell_type": "markdown",
   "metadata": {},
   "source": [
    "# é\\n"
   ]
  },
  {
   "cell_type": "code",
   "metadata": {},
   "outputs": [],
   "source": [],
   "x-after": 1.50,
   "x-big": 12345678901234567890
  }
 ],
 "x-top": {},
 "metadata": {
  "z": 1.0,
  "a": 2
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
`;
    expect(written(text)).toBe(text);
  });

  it("is the same value after it was written and read", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 4 }), fc.dictionary(fc.string(), fc.jsonValue()), (values, metadata) => {
        // JSON has no negative zero.
        const cells = JSON.parse(JSON.stringify(values.map((value) => ({ ...codeCell("x\ny"), value })))) as object[];
        const text = JSON.stringify({ metadata, nbformat: 4, nbformat_minor: 2, cells });
        expect(JSON.parse(written(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it("writes a changed cell anew, and the others as they were", () => {
    const notebook = parseNotebook(notebookOf(codeCell("a"), codeCell("b")));
    const writer = new NotebookWriter(notebook);
    const before = writer.pieces();
    const [first, second] = notebook.cells;
    if (first === undefined || second === undefined) throw new Error("there are two");
    first["execution_count"] = 5;
    second["execution_count"] = 6;
    writer.touch(first);
    const after = writer.pieces();
    expect(after.filter((piece, index) => piece !== before[index])).toEqual([expect.stringContaining('"execution_count": 5')]);
  });

  it.each([
    ["nothing", "", "is not JSON: it is empty"],
    ["broken JSON", '{"cells": [\n  {,}\n]}', /^is not JSON: .*line 2, column 4/],
    ["another JSON", "[1]", "is no notebook: it is JSON, but not an object"],
    ["no format", "{}", "is no notebook: it has no nbformat"],
    ["an old format", '{"nbformat": 3}', "is a notebook of format 3; convert it with `jupyter nbconvert --to notebook --nbformat 4`"],
    ["a later format", '{"nbformat": 5}', "is a notebook of format 5; format 4 is understood"],
    ["no cells", '{"nbformat": 4}', "is a damaged notebook: it has no list of cells"],
    ["a cell that is none", '{"nbformat": 4, "cells": [{"cell_type": "raw"}, 1]}', "is a damaged notebook: cell 2 of all is not an object"],
    ["a cell without a type", '{"nbformat": 4, "cells": [{}]}', "is a damaged notebook: cell 1 of all has no cell_type"],
    [
      "a source that is none",
      '{"nbformat": 4, "cells": [{"cell_type": "code", "source": 1}]}',
      "is a damaged notebook: cell 1 of all has a source that is no text",
    ],
    ["outputs that are none", '{"nbformat": 4, "cells": [{"cell_type": "code", "outputs": 1}]}', /outputs that are no list of objects$/],
  ])("is refused in words when it is %s", (_, text, words) => {
    expect(refusal(text)).toMatch(words);
  });

  it("never fails otherwise than by refusing", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(refusal(`{"nbformat": 4, "cells": [{"cell_type": "code", "x": ${text}}, ${text}]}`)).toMatch(/^$|^is (?:a damaged|no) notebook/);
      }),
    );
  });

  it("gets ids for its cells where the format has them", () => {
    const ids = (minor: number): unknown[] => {
      const notebook = parseNotebook(JSON.stringify({ nbformat: 4, nbformat_minor: minor, cells: [codeCell("a"), { ...codeCell("b"), id: "own" }] }));
      addCellIds(notebook, () => "new");
      return notebook.cells.map((cell) => cell["id"]);
    };
    expect(ids(4)).toEqual([undefined, "own"]);
    expect(ids(5)).toEqual(["new", "own"]);
  });

  it("names its kernel, or none", () => {
    const named = (metadata: unknown): string | undefined => kernelNameOf(parseNotebook(JSON.stringify({ nbformat: 4, metadata, cells: [] })));
    expect([named({ kernelspec: { name: "python3" } }), named({ kernelspec: {} }), named({})]).toEqual(["python3", undefined, undefined]);
  });
});
