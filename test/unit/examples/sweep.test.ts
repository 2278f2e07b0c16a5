import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { secondsToFlip } from "../../../examples/sweep/pendulum.ts";
import { SavedRows } from "../../../examples/sweep/saved.ts";

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsparallel-sweep-"));
  file = join(folder, "results.jsonl");
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("saved rows", () => {
  it("are there again when the file is opened anew", async () => {
    const saved = await SavedRows.open(file, { size: 2 });
    await saved.add({ row: 1, seconds: [null, 2.5] });
    await saved.add({ row: 0, seconds: [1, 2] });
    const again = await SavedRows.open(file, { size: 2 });
    expect([...again.rows.values()]).toEqual([
      { row: 1, seconds: [null, 2.5] },
      { row: 0, seconds: [1, 2] },
    ]);
  });

  it.each(['{"row":0,"sec', '{"row":0,"seconds":[1,2]}', "\0\0\0\0\n"])("lose a line that was cut off or spoiled: %j", async (rest) => {
    await writeFile(file, `{"size":2}\n{"row":1,"seconds":[3,4]}\n${rest}`);
    const saved = await SavedRows.open(file, { size: 2 });
    expect([...saved.rows.keys()]).toEqual([1]);
    await saved.add({ row: 0, seconds: [5, 6] });
    expect(await readFile(file, "utf8")).toBe('{"size":2}\n{"row":1,"seconds":[3,4]}\n{"row":0,"seconds":[5,6]}\n');
  });

  it("of another sweep are refused, and left as they are", async () => {
    await writeFile(file, '{"size":3}\n');
    await expect(SavedRows.open(file, { size: 2 })).rejects.toThrow(`${file} is of another sweep, {"size":3}, and this is {"size":2}`);
    expect(await readFile(file, "utf8")).toBe('{"size":3}\n');
  });
});

describe("a double pendulum", () => {
  it("turns over like its mirror image, and never when its height is not enough for it", () => {
    expect(secondsToFlip(2.5, -3, 20)).toBeGreaterThan(0);
    expect(secondsToFlip(-2.5, 3, 20)).toBe(secondsToFlip(2.5, -3, 20));
    expect(secondsToFlip(0.5, 0.7, 20)).toBeNull();
  });
});
