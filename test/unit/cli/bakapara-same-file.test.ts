import { linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { refuseResults, refuseSameFiles } from "../../../src/cli/bakapara-same-file.ts";

let scratch = "";
const at = (name: string): string => join(scratch, name);
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "tsparallel-same-file-"));
  writeFileSync(at("jobs"), '{"cmd":"true"}\n');
  writeFileSync(at("other"), "");
  linkSync(at("jobs"), at("hard"));
  symlinkSync("jobs", at("soft"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const files = (given: { input?: string; output?: string; logging?: string; joblog?: string }): Parameters<typeof refuseSameFiles>[0] => ({
  input: undefined,
  output: undefined,
  logging: undefined,
  joblog: undefined,
  ...Object.fromEntries(Object.entries(given).map(([key, name]) => [key, name.startsWith("/") ? name : at(name)])),
});

it.each([
  [{ input: "jobs", output: "jobs" }, /holds the jobs, and the results would replace them; name another file with -o$/],
  [{ input: "jobs", output: "hard" }, /holds the jobs/],
  [{ input: "soft", output: "jobs" }, /holds the jobs/],
  [{ input: "jobs", logging: "jobs" }, /holds the jobs, and the log would replace them; name another file with -l$/],
  [{ input: "jobs", joblog: "soft" }, /holds the jobs, and the job log would replace them; name another file with --joblog$/],
  [{ input: "jobs", output: "other", logging: "other" }, /cannot hold both the results and the log; name another file with -l$/],
  [{ input: "jobs", output: "new", joblog: "./new" }, /cannot hold both the results and the job log; name another file with --joblog$/],
])("%j are refused", (given, message) => {
  expect(() => refuseSameFiles(files(given))).toThrow(message);
});

it("different files, files that are not there yet, and devices are not in one another's way", () => {
  for (const given of [
    { input: "jobs", output: "other", logging: "new", joblog: "newer" },
    { input: "/dev/null", output: "/dev/null", logging: "/dev/null" },
    { output: "other" },
  ]) {
    expect(() => refuseSameFiles(files(given))).not.toThrow();
  }
  expect(readFileSync(at("jobs"), "utf8")).toBe('{"cmd":"true"}\n');
});

it("a dry run is refused in place of a run's results, and not in place of anything else", () => {
  writeFileSync(at("results"), '{"cmd":"true","result":{"code":0}}\n{"cmd":"false"}\n');
  expect(() => refuseResults(at("results"))).toThrow(/holds the results of a run, and a dry run would replace them/);
  for (const name of ["jobs", "other", "new"]) expect(() => refuseResults(at(name))).not.toThrow();
});
