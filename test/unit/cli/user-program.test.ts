// The command that runs a user's program.

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { programCommand, programName, refuseAbsentProgram } from "../../../src/cli/user-program.ts";

describe("a user's program", () => {
  it("in TypeScript is run by node with hooks, in JavaScript by node, in shell by sh, and any other as it is", () => {
    const [node, hooks, ...rest] = programCommand(["a/b.ts", "-x", "y z"]);
    expect([node, rest]).toEqual([process.execPath, ["a/b.ts", "-x", "y z"]]);
    expect(hooks).toMatch(/^--import=file:\/\/.*\/jiti-register\.mjs$/);
    expect(programCommand(["b.mjs"])).toEqual([process.execPath, "b.mjs"]); // this package is found from here
    expect(programCommand(["b.sh", "1"])).toEqual(["sh", "b.sh", "1"]);
    expect(programCommand(["bakapara", "-i", "x.ts"])).toEqual(["bakapara", "-i", "x.ts"]);
  });

  it("is called after its file", () => expect(programName(["/home/me/my.analysis.ts", "b.ts"])).toBe("my.analysis"));
});

describe("a program that is not there", () => {
  it.each([["nowhere.ts"], ["nowhere/to/be/found"], ["nowhere.sh"]])("%s is refused by its whole path", (file) => {
    expect(() => refuseAbsentProgram([file], false)).toThrow(`there is no program ${resolve(file)}`);
  });

  it("is refused as a command only where it would be looked for", () => {
    expect(() => refuseAbsentProgram(["no-such-command-anywhere"], true)).toThrow(/there is no command "no-such-command-anywhere" on this machine's PATH/);
    expect(() => refuseAbsentProgram(["no-such-command-anywhere"], false)).not.toThrow();
  });

  it("is another thing than one that is", () => {
    for (const words of [[fileURLToPath(import.meta.url)], ["ls", "nowhere.ts"]]) expect(() => refuseAbsentProgram(words, true)).not.toThrow();
    expect(() => refuseAbsentProgram(["/"], false)).toThrow("/ is a directory, and no program");
  });
});
