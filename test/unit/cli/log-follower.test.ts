// Logs are read from their ends, and on as they grow.

import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LogFollower } from "../../../src/cli/log-follower.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tsparallel-log-"));
  path = join(dir, "one.log");
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("a log", () => {
  it("gives its last lines, then those that come, an unfinished one when it is finished", () => {
    writeFileSync(path, "a\nb\r\nc\nd");
    const follower = new LogFollower(path);
    expect(follower.tail(2)).toEqual(["b", "c"]);
    expect(follower.more()).toEqual([]);
    appendFileSync(path, "one\ne\n");
    expect(follower.more()).toEqual(["done", "e"]);
    appendFileSync(path, "no end");
    expect(follower.more()).toEqual([]);
    expect(follower.rest()).toBe("no end");
    expect(follower.rest()).toBe("");
  });

  it("keeps a letter together that is written in two halves", () => {
    const bytes = Buffer.from("grün\n");
    writeFileSync(path, bytes.subarray(0, 3));
    const follower = new LogFollower(path);
    expect(follower.tail(9)).toEqual([]);
    appendFileSync(path, bytes.subarray(3));
    expect(follower.more()).toEqual(["grün"]);
  });

  it("with no lines wanted begins at its end", () => {
    writeFileSync(path, "a\nb\n");
    const follower = new LogFollower(path);
    expect(follower.tail(0)).toEqual([]);
    appendFileSync(path, "c\n");
    expect(follower.more()).toEqual(["c"]);
  });

  it("of many megabytes is read from its last four, and a line without end comes in pieces", () => {
    writeFileSync(path, `first\n${"x".repeat(5 * 1024 * 1024)}\nlast\n`);
    const follower = new LogFollower(path);
    expect(follower.tail(10).at(-1)).toBe("last");
    appendFileSync(path, "y".repeat(100_000));
    expect(follower.more()).toEqual(["y".repeat(100_000)]);
  });

  it("that became shorter is read from its beginning, and one that is gone is empty", () => {
    writeFileSync(path, "a long line of before\n");
    const follower = new LogFollower(path);
    follower.tail(10);
    writeFileSync(path, "anew\n");
    expect(follower.more()).toEqual(["anew"]);
    rmSync(path);
    expect(follower.more()).toEqual([]);
    expect(new LogFollower(path).tail(10)).toEqual([]);
  });
});
