import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeDirectory, makeDirectorySync } from "../../../src/config/index.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tsparallel-directories-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  ["makeDirectory", makeDirectory],
  ["makeDirectorySync", async (dir: string, mode?: number) => makeDirectorySync(dir, mode)],
])("%s", (name, make) => {
  it("makes a directory with those above it, in the mode that is asked for, and takes one that is there", async () => {
    const dir = join(folder, name, "a", "b");
    await make(dir, 0o700);
    await make(dir, 0o700);
    expect([dir, join(folder, name, "a"), join(folder, name)].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700, 0o700]);
  });

  it("fails where a file is in the way", async () => {
    const file = join(folder, `${name}.txt`);
    writeFileSync(file, "");
    await expect(make(file)).rejects.toMatchObject({ code: "EEXIST" });
    await expect(make(join(file, "a", "b"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  it.runIf(existsSync("/proc/self"))("fails, and ends, where directories cannot be made at all", async () => {
    await expect(make("/proc/tsparallel/a/b")).rejects.toMatchObject({ code: "ENOENT" });
  });
});
