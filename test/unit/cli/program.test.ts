// What a wrong command line is answered with.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createProgram, main, type Command } from "../../../src/cli/program.ts";

function program(): Command {
  const made = createProgram({ name: "tool", description: "", examples: [] });
  const group = made.command("notes");
  group
    .command("send")
    .argument("<file>")
    .option("--wait", "")
    .action(() => undefined);
  group.command("receive").option("--wayt", "");
  return made;
}

describe("wrong use", () => {
  let said = "";

  beforeEach(() => {
    said = "";
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      said += String(text);
      return true;
    });
  });

  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });

  it.each([
    [["notes", "snd"], 'unknown command "snd"; did you mean "send"?'],
    [["notes", "fetch"], 'unknown command "fetch"; see `tool notes --help`'],
    [["notes", "send"], 'missing required argument "file"; see `tool notes send --help`'],
    [["notes", "send", "a", "--wiat"], 'unknown option "--wiat"; did you mean "--wait"?'],
    [["notes", "send", "a", "--other"], 'unknown option "--other"; see `tool notes send --help`'],
    [["notes", "send", "a", "--wayt=3"], 'unknown option "--wayt=3"; did you mean "--wait"?'], // not the same flag, of another command
    [["nots"], 'unknown command "nots"; did you mean "notes"?'],
  ])("%j is told with what to read or write instead", async (argv, sentence) => {
    expect(await main(program(), argv)).toBe(2);
    expect(said).toBe(`tool: ${sentence}\n`);
  });
});
