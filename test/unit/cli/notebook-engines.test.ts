// Which engines a notebook wants.

import { describe, expect, it } from "vitest";
import { enginesFor } from "../../../src/cli/notebook-engines.ts";
import type { KernelSpec } from "../../../src/notebook/index.ts";

const kernel = (change: Partial<KernelSpec> = {}): KernelSpec => ({
  name: "python3",
  displayName: "Python 3",
  language: "python",
  argv: ["/venv/bin/python3.11", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
  env: {},
  interruptMode: "signal",
  resourceDir: undefined,
  prefix: undefined,
  ...change,
});

describe("a notebook's engines", () => {
  it.each([
    ["TypeScript", kernel({ language: "TypeScript" }), undefined, { language: "typescript", executable: undefined }],
    ["javascript", undefined, undefined, { language: "typescript", executable: undefined }],
    ["python", kernel(), undefined, { language: "python", executable: "/venv/bin/python3.11" }],
    ["python", kernel({ argv: ["conda", "run", "python"] }), undefined, { language: "python", executable: undefined }],
    ["python", undefined, undefined, { language: "python", executable: undefined }],
    ["R", kernel({ language: "R", argv: ["R"] }), "python", { language: "python", executable: undefined }],
    ["python", kernel(), "typescript", { language: "typescript", executable: undefined }],
  ] as const)("of a kernel that speaks %s run what it speaks, or what was said, by the kernel's own Python", (language, spec, wanted, engines) => {
    expect(enginesFor(language, spec, wanted)).toEqual(engines);
  });

  it("are asked for by name when no engine speaks the kernel's language", () => {
    expect(() => enginesFor("R", kernel({ language: "R" }), undefined)).toThrow(
      "the notebook's kernel speaks R, and no engine does; say by --engine-language=typescript or python which engines it wants",
    );
    expect(() => enginesFor("", undefined, undefined)).toThrow(/^the notebook does not say what its kernel speaks; say by/);
  });
});
