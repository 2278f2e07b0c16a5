// The notebook's file: whole at every moment, and failures in words.

import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseNotebook, type Notebook } from "../../../src/core/notebook/index.ts";
import { makeIpythonPlace, NotebookFile, readNotebook } from "../../../src/notebook/index.ts";

let folder: string;
let path: string;
let notebook: Notebook;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tsparallel-notebook-file-"));
  path = join(folder, "a.ipynb");
  notebook = parseNotebook('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (): Notebook => JSON.parse(readFileSync(path, "utf8")) as Notebook;

describe("a notebook's file", () => {
  it("is not touched before it is saved", async () => {
    await NotebookFile.open(path, notebook);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("has what the notebook was when it was written last, however often that was asked for at once", async () => {
    const file = await NotebookFile.open(path, notebook);
    const saves = [1, 2, 3, 4].map((n) => {
      notebook.metadata["n"] = n;
      return file.save();
    });
    await Promise.all(saves);
    expect([read().metadata, readdirSync(folder)]).toEqual([{ n: 4 }, ["a.ipynb"]]);
  });

  it("stays where links lead to, with its permissions", async () => {
    mkdirSync(join(folder, "real"));
    writeFileSync(join(folder, "real", "b.ipynb"), "old", { mode: 0o640 });
    symlinkSync(join("real", "b.ipynb"), path);
    await (await NotebookFile.open(path, notebook)).save();
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect([read().nbformat, statSync(path).mode & 0o777]).toEqual([4, 0o640]);
  });

  it("is as it was when it cannot be saved, which can be tried again", async () => {
    const file = await NotebookFile.open(path, notebook);
    await file.save();
    const before = readFileSync(path, "utf8");
    // Where the new file would be written is a directory.
    const obstacle = join(folder, `.a.ipynb.${hostname()}.${process.pid}.tmp`);
    mkdirSync(obstacle);
    notebook.metadata["n"] = 1;
    await expect(file.save()).rejects.toThrow(`cannot save ${path}: it is a directory; it is as it was saved before`);
    expect(readFileSync(path, "utf8")).toBe(before);
    rmSync(obstacle, { recursive: true });
    await file.save();
    expect(read().metadata).toEqual({ n: 1 });
  });

  it("has nothing beside it of runs that were killed, and what living ones write", async () => {
    const leftOver = `.a.ipynb.${hostname()}.${2 ** 22 + 1}.tmp`; // beyond the greatest process id
    const names = [leftOver, `.a.ipynb.${hostname()}.${process.ppid}.tmp`, ".a.ipynb.elsewhere.999999.tmp"];
    for (const name of names) writeFileSync(join(folder, name), "");
    await NotebookFile.open(path, notebook);
    expect(readdirSync(folder).toSorted()).toEqual(names.filter((name) => name !== leftOver).toSorted());
  });

  it.each([
    ["a directory that is missing", "no/a.ipynb", /cannot write .*no\/a\.ipynb: there is no directory .*no$/],
    ["a directory", "", /cannot write .*: it is not a file$/],
  ])("is refused before anything runs: %s", async (_, name, words) => {
    await expect(NotebookFile.open(join(folder, name), notebook)).rejects.toThrow(words);
  });
});

describe("reading a notebook", () => {
  it.each([
    ["nothing", undefined, /cannot read .*a\.ipynb: it does not exist/],
    ["another encoding", Buffer.from([0x7b, 0xff]), /a\.ipynb is not UTF-8 text; a notebook is/],
    ["no notebook", Buffer.from("{}"), /a\.ipynb is no notebook: it has no nbformat/],
  ])("names the file and what is wrong with it: %s", async (_, bytes, words) => {
    if (bytes !== undefined) writeFileSync(path, bytes);
    await expect(readNotebook(path)).rejects.toThrow(words);
  });

  it("does not mind a byte order mark", async () => {
    writeFileSync(path, '\uFEFF{"nbformat": 4, "cells": []}');
    expect((await readNotebook(path)).cells).toEqual([]);
  });
});

describe("the IPython directory of a run", () => {
  it("leads to the user's everywhere but to this cluster in the profile default, and goes without taking anything along", async () => {
    const user = join(folder, "ipython");
    mkdirSync(join(user, "profile_default", "startup"), { recursive: true });
    mkdirSync(join(user, "profile_default", "security"));
    mkdirSync(join(user, "profile_mezcal"));
    writeFileSync(join(user, "profile_default", "ipython_config.py"), "c = 1");
    writeFileSync(join(user, "profile_default", "security", "ipcontroller-client.json"), "the user's");
    writeFileSync(join(folder, "client.json"), "this one");
    const place = await makeIpythonPlace(user, join(folder, "client.json"));
    const textIn = (...names: string[]): string => readFileSync(join(place.dir, ...names), "utf8");
    expect(readdirSync(place.dir).toSorted()).toEqual(["profile_default", "profile_mezcal"]);
    expect(readdirSync(place.profileDir).toSorted()).toEqual(["ipython_config.py", "security", "startup"]);
    expect([textIn("profile_default", "ipython_config.py"), textIn("profile_default", "security", "ipcontroller-client.json")]).toEqual(["c = 1", "this one"]);
    expect(statSync(join(place.profileDir, "security")).mode & 0o777).toBe(0o700);
    await place[Symbol.asyncDispose]();
    expect([statSync(join(user, "profile_default", "startup")).isDirectory(), readFileSync(join(folder, "client.json"), "utf8")]).toEqual([true, "this one"]);
    expect(() => statSync(place.dir)).toThrow("ENOENT");
  });

  it("is there for a user who never had one", async () => {
    await using place = await makeIpythonPlace(join(folder, "none"), join(folder, "client.json"));
    expect(readdirSync(place.dir)).toEqual(["profile_default"]);
  });
});
