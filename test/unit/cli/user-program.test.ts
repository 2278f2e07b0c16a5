// The command that runs a user's program.

import { describe, expect, it } from "vitest";
import { programCommand, programName } from "../../../src/cli/user-program.ts";

describe("a user's program", () => {
  it("in TypeScript is run by node with hooks, in JavaScript by node, in shell by sh, and any other as it is", () => {
    const [node, hooks, ...rest] = programCommand(["a/b.ts", "-x", "y z"]);
    expect([node, rest]).toEqual([process.execPath, ["a/b.ts", "-x", "y z"]]);
    expect(hooks).toMatch(/^--import=file:\/\/.*\/jiti-register\.mjs$/);
    expect(programCommand(["b.mjs"])).toEqual([process.execPath, "b.mjs"]);
    expect(programCommand(["b.sh", "1"])).toEqual(["sh", "b.sh", "1"]);
    expect(programCommand(["bakapara", "-i", "x.ts"])).toEqual(["bakapara", "-i", "x.ts"]);
  });

  it("is called after its file", () => expect(programName(["/home/me/my.analysis.ts", "b.ts"])).toBe("my.analysis"));
});
