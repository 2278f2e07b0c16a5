// What decides in the interop runner: reading reports, comparing test by test, the table, the command line.

import { describe, expect, it } from "vitest";
import { baselineOf, findRegressions, type FileRun } from "../../../scripts/interop/compare.ts";
import { parseOptions } from "../../../scripts/interop/options.ts";
import { parseReport, type Outcome, type TestResult } from "../../../scripts/interop/report.ts";
import { FILES } from "../../../scripts/interop/suite.ts";
import { fileLine, totalLine } from "../../../scripts/interop/table.ts";

const result = (name: string, outcome: Outcome, reason = ""): TestResult => ({ name, outcome, seconds: 1, reason });
const runOf = (file: string, ...tests: TestResult[]): FileRun => ({ file, seconds: 2.34, tests });
const reportOf = (...lines: object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join("");

describe("an interop report", () => {
  it("counts a test that was begun and never told of as failed", () => {
    const text = reportOf({ collected: ["f.py::a", "f.py::b"] }, result("f.py::a", "passed"));
    expect(parseReport(`${text}{"name":"f.py::b","outc`, "killed")).toEqual([
      result("f.py::a", "passed"),
      { ...result("f.py::b", "failed", "killed"), seconds: 0 },
    ]);
  });

  it("counts a file that cannot be imported as failed", () => {
    expect(parseReport(reportOf({ broken: "f.py", reason: "ImportError" }, { collected: [] }), "")).toMatchObject([
      { name: "f.py", outcome: "failed", reason: "ImportError" },
    ]);
  });
});

describe("the comparison", () => {
  const original = baselineOf([
    runOf(
      "f.py",
      result("f.py::a", "passed"),
      result("f.py::b", "passed"),
      result("f.py::c", "failed"),
      result("f.py::d", "xfailed"),
      result("f.py::e", "skipped"),
    ),
    runOf("g.py", result("g.py::a", "passed")),
  ]);

  it("demands each test that passes with the original, and no other", () => {
    const ours = [runOf("f.py", result("f.py::a", "passed"), result("f.py::b", "failed", "broken"), result("f.py::c", "failed"), result("f.py::d", "xpassed"))];
    expect(findRegressions(original, ours, { isChoice: false })).toEqual([{ name: "f.py::b", outcome: "failed", reason: "broken" }]);
  });

  it("takes a skip, an expected failure and a test that is gone for what they are", () => {
    const ours = [runOf("f.py", result("f.py::a", "skipped", "no numpy"))];
    expect(findRegressions(original, ours, { isChoice: false }).map(({ name, outcome }) => [name, outcome])).toEqual([
      ["f.py::a", "skipped"],
      ["f.py::b", "missing"],
    ]);
    expect(findRegressions(original, ours, { isChoice: true }).map(({ name }) => name)).toEqual(["f.py::a"]);
  });
});

describe("the table", () => {
  it("has a row for each file and one for all, without counts of zero", () => {
    const original = runOf("f.py", result("a", "passed"), result("b", "xfailed"));
    const ours = runOf("f.py", result("a", "passed"), result("b", "failed"));
    expect(fileLine("f.py", original, ours).split(/ {2,}/)).toEqual(["f.py", "1 passed, 1 xfailed, 2.3 s", "1 passed, 1 failed, 2.3 s"]);
    expect(totalLine([original, original], []).split(/ {2,}/)).toEqual(["total", "2 passed, 2 xfailed, 4.7 s"]);
  });
});

describe("the command line of test:interop", () => {
  it("runs everything with both when nothing is said", () => {
    expect(parseOptions([])).toMatchObject({ sides: ["original", "ours"], files: FILES, extra: [], isChoice: false, isRecording: false });
  });

  it("takes one half, some files, and choices of tests", () => {
    expect(parseOptions(["--ours", "view", "test_client.py", "-k", "apply and not numpy", "--", "-x"])).toMatchObject({
      sides: ["ours"],
      files: ["test_view.py", "test_client.py"],
      extra: ["-k", "apply and not numpy", "-x"],
      isChoice: true,
    });
  });

  it("refuses files that are not there, and a record of less than everything", () => {
    expect(() => parseOptions(["vew"])).toThrow(/"vew" is none of the suite's files; they are client, lbview/);
    expect(() => parseOptions(["--record", "view"])).toThrow("--record needs the whole suite");
    expect(() => parseOptions(["--record", "--ours"])).toThrow("--record needs the whole suite");
  });
});
