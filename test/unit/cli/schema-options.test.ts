import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/index.ts";
import { createProgram, type Command } from "../../../src/cli/program.ts";
import { addProgramOptions, givenValues, profileChoice } from "../../../src/cli/schema-options.ts";
import { normalizeArgv } from "../../../src/cli/argv.ts";
import { CLUSTER_OPTIONS } from "../../../src/config/index.ts";

function parse(...argv: string[]): Command {
  const program = createProgram({ name: "test", description: "a test", examples: [] });
  const start = addProgramOptions(program.command("start"), CLUSTER_OPTIONS).action(() => undefined);
  program.parse(normalizeArgv(["start", ...argv]), { from: "user" });
  return start;
}

describe("flags made from an option table", () => {
  it("give their values by full name, and only those that were given", () => {
    expect(givenValues(parse(), CLUSTER_OPTIONS)).toEqual({});
    expect(givenValues(parse("-n", "4", "--ip=*", "--controller=local", "--daemonize", "--no-clean-logs", "--log-level=WARNING"), CLUSTER_OPTIONS)).toEqual({
      n: 4,
      "controller.ip": "*",
      "controller.launcher": "local",
      daemonize: true,
      cleanLogs: false,
      logLevel: "warn",
    });
  });

  it("may be written with ipyparallel's names, and the own flag wins", () => {
    expect(givenValues(parse("--Cluster.n=3", "--Cluster.controller_args=['--hwm=0', '--nodb']"), CLUSTER_OPTIONS)).toEqual({
      n: 3,
      "controller.args": ["--hwm=0", "--nodb"],
    });
    expect(givenValues(parse("-n=4", "--Cluster.n=3"), CLUSTER_OPTIONS)).toEqual({ n: 4 });
  });

  it("refuse ipyparallel's names that mean nothing here, with a suggestion", () => {
    expect(() => givenValues(parse("--Cluster.nn=3"), CLUSTER_OPTIONS)).toThrow(new ConfigError('unknown option "--Cluster.nn"; did you mean "Cluster.n"?'));
  });

  it.each([
    [["--quiet"], "error"],
    [["--quiet", "--log-level=warn"], "warn"],
    [["--debug", "--log-level=warn", "--quiet"], "debug"],
    [["--Cluster.log_level=10", "--quiet"], "debug"],
  ])("%j mean log level %s", (argv, logLevel) => {
    expect(givenValues(parse(...argv), CLUSTER_OPTIONS)).toEqual({ logLevel });
  });

  it("choose the profile", () => {
    expect(profileChoice(parse("--profile=lab", "--ipython-dir", "/i"))).toEqual({ profile: "lab", profileDir: undefined, ipythonDir: "/i" });
  });
});
