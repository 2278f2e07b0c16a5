import { describe, expect, it } from "vitest";
import { InvalidArgumentError } from "../../../src/base/index.ts";
import { readPxLine } from "../../../src/interactive/px-options.ts";

const read = (line: string): unknown => readPxLine("%px", line);

describe("a line of %px", () => {
  it("is code behind its options, which stays as it was written", () => {
    expect(read("console.log('a  b', --x)")).toEqual({ options: {}, code: "console.log('a  b', --x)" });
    expect(read("-t 0,2 --noblock  a  =  1")).toEqual({ options: { targets: "0,2", block: false }, code: "a  =  1" });
    expect(read("--targets ::2 --group-outputs engine --out ar f()")).toEqual({ options: { targets: "::2", groupOutputs: "engine", out: "ar" }, code: "f()" });
    expect(read("--no-stream --progress-after -1 --no-signal-on-interrupt --local --block")).toEqual({
      options: { stream: false, progressAfter: -1, signalOnInterrupt: false, local: true, block: true },
      code: "",
    });
  });

  it.each([["-1 + 2"], ["-x"], ["- 3"], ["-a.length"]])("may begin with a minus that is no option: %j", (code) => {
    expect(read(code)).toEqual({ options: {}, code });
  });

  it.each([
    ["--target 0 1", '%px: unknown option "--target"; did you mean --targets?'],
    ["--targets", '%px: option "-t, --targets <engines>" argument missing'],
    ["-t one 1", '%px: option "-t, --targets <engines>" argument "one" is invalid; write all, 2, -1, 0,2,5, 1:4 or ::2'],
    ["-g engines 1", '%px: option "-g, --group-outputs <how>" argument "engines" is none of engine, type, order'],
    ["-o 2b 1", '%px: option "-o, --out <name>" argument "2b" is invalid; write the name of a variable'],
    ["--progress-after soon 1", '%px: option "--progress-after <seconds>" argument "soon" is invalid; write a number of seconds; -1 is never'],
  ])("%s is refused: %s", (line, sentence) => {
    expect(() => read(line)).toThrow(InvalidArgumentError);
    expect(() => read(line)).toThrow(sentence);
  });
});
