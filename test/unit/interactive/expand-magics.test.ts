import { describe, expect, it } from "vitest";
import { expandMagics, type MagicCall, type MagicTable } from "../../../src/interactive/expand-magics.ts";

const table: MagicTable = {
  lineNames: new Set(["px", "px1", "autopx"]),
  cellNames: new Set(["px", "px1"]),
  runsHere: ({ line }) => line.includes("--local"),
  expressionOf: (call: MagicCall) => `run(${JSON.stringify(call)})`,
};

const expand = (code: string): string => expandMagics(code, table);

describe("a line that begins with a magic", () => {
  it("becomes a call, between lines that stay", () => {
    expect(expand("const a = 1;\n%px b = `${2}`\na + 1")).toBe('const a = 1;\nawait run({"name":"px","line":"b = `${2}`"});\na + 1');
  });

  it("may be indented, have a suffix, and nothing behind its name", () => {
    expect(expand("  %px1 -t 0 f()\n%autopx")).toBe('await run({"name":"px1","line":"-t 0 f()"});\nawait run({"name":"autopx","line":""});');
  });

  it.each(["1\n%other 1", "a %px b", "x\n  % px", "a\n%pxx 2"])("is no magic in %j, or none that is known", (code) => {
    expect(expand(code)).toBe(code);
  });
});

describe("a cell that begins with a percent sign and a name", () => {
  it("is refused, with what may have been meant, when there is no such magic", () => {
    expect(() => expand("\n%pxx 2")).toThrow("there is no magic %pxx; did you mean %px?");
    expect(() => expand("%matplotlib inline\n1")).toThrow("there is no magic %matplotlib; there are %px, %px1, %autopx");
  });
});

describe("a cell that begins with a magic", () => {
  it("is all the magic's, with its lines as they are, `%` too", () => {
    expect(expand('%%px --targets 0\nlet s = "x";\n%px 1\n')).toBe('await run({"name":"px","line":"--targets 0","body":"let s = \\"x\\";\\n%px 1\\n"});');
  });

  it("runs here too when the magic says so, after it", () => {
    expect(expand("\n%%px --local\nlet a = 1;\na")).toBe('\nawait run({"name":"px","line":"--local","body":"let a = 1;\\na"});\nlet a = 1;\na');
  });

  it("is refused, with what may have been meant, when there is no such magic", () => {
    expect(() => expand("%%xp\n1")).toThrow("there is no magic %%xp; did you mean %%px?");
    expect(() => expand("%%other")).toThrow("there is no magic %%other; there are %%px, %%px1");
  });
});
