import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalizeArgv } from "../../../src/cli/argv.ts";

const SWITCHES = new Set(["--daemonize", "--no-clean-logs", "--clean-logs"]);

describe("a command line in traitlets style", () => {
  it.each([
    ["-n=4", ["-n", "4"]],
    ["-c=import x = 1", ["-c", "import x = 1"]],
    ["--n=4", ["--n=4"]],
    ["--daemonize=True", ["--daemonize"]],
    ["--daemonize=false", []],
    ["--clean-logs=False", ["--no-clean-logs"]],
    ["--daemonize=perhaps", ["--daemonize=perhaps"]],
    ["--log-to-file=True", ["--log-to-file=True"]],
    ["--IPController.ip=*", ["--set", "IPController.ip=*"]],
    ["--InteractiveShell.colors=nocolor", ["--set", "InteractiveShell.colors=nocolor"]],
    ["--Session.key=a=b", ["--set", "Session.key=a=b"]],
    ["stop", ["stop"]],
  ])("%s becomes %j", (word, expected) => {
    expect(normalizeArgv([word], SWITCHES)).toEqual(expected);
  });

  it("may have a trait's value as the next word", () => {
    expect(normalizeArgv(["--Cluster.n", "4", "x"])).toEqual(["--set", "Cluster.n=4", "x"]);
    expect(normalizeArgv(["--Cluster.n"])).toEqual(["--set", "Cluster.n="]);
  });

  it("is left alone after --", () => {
    expect(normalizeArgv(["-n=1", "--", "-n=1", "--A.b=c"])).toEqual(["-n", "1", "--", "-n=1", "--A.b=c"]);
  });

  it("changes no further when it is normalized again, and any words are taken", () => {
    const words = fc.array(fc.oneof(fc.string(), fc.constantFrom("-n=4", "--A.b=c", "--daemonize=1", "--", "--Cluster.n", "--n=4")));
    fc.assert(
      fc.property(words, (argv) => {
        const once = normalizeArgv(argv, SWITCHES);
        // A short flag's value may look like a flag itself; such a line is the one thing a second pass could read anew.
        fc.pre(!once.some((word, index) => /^-[A-Za-z]$|^--set$/.test(once[index - 1] ?? "") && word.startsWith("-")));
        expect(normalizeArgv(once, SWITCHES)).toEqual(once);
      }),
    );
  });
});
