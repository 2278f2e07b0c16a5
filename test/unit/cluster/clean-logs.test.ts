import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cleanMadeUp, madeUpIdOf } from "../../../src/cluster/clean-logs.ts";
import { ensureProfile, resolveProfile, type ProfileDir } from "../../../src/config/index.ts";

describe("the made-up id of a cluster", () => {
  it.each([
    ["ipcontroller-1795288502-iepr-26043.log", "1795288502-iepr"],
    ["ipengine-1795288502-iep2-1795288504-0.log", "1795288502-iep2"],
    ["ipcluster-1795288502-iepr-26043-start.log", "1795288502-iepr"],
    ["engines1795288502-iepr.json", "1795288502-iepr"],
    ["tasks-1795288502-1234.db-wal", "1795288502-1234"],
    ["ipengine-1795288538-0.log", undefined],
    ["ipengine-1795288538-1234-0.log", undefined],
    ["ipcontroller-26901.log", undefined],
    ["ipcontroller-mine-26901.log", undefined],
    ["engines.json", undefined],
    ["tasks.db", undefined],
    ["tasks-mine.db", undefined],
    ["notes-1795288502-iepr-1.log", undefined],
  ])("that %s belongs to is %s", (name, id) => {
    expect(madeUpIdOf(name)).toBe(id);
  });
});

describe("files of clusters with made-up ids", () => {
  let profile: ProfileDir;
  beforeEach(async () => {
    profile = resolveProfile({ profileDir: mkdtempSync(join(tmpdir(), "tsparallel-clean-")) });
    await ensureProfile(profile);
  });
  afterEach(() => rmSync(profile.path, { recursive: true }));

  const idOf = (number: number): string => `${1_795_288_500 + number}-ab${String(number).padStart(2, "0")}`;
  const write = (dir: string, name: string): void => writeFileSync(join(dir, name), "");

  it("stay for the last ten and for those that may run; those of chosen ids stay always", async () => {
    for (let number = 0; number < 14; number += 1) {
      const id = idOf(number);
      write(profile.logDir, `ipcontroller-${id}-77.log`);
      write(profile.logDir, `engines${id}.json`);
      for (const ending of ["", "-wal", "-shm"]) write(profile.dbDir, `tasks-${id}.db${ending}`);
    }
    write(profile.securityDir, `cluster-${idOf(0)}.json`);
    write(profile.securityDir, `ipcontroller-${idOf(2)}-client.json`);
    write(profile.dbDir, "tasks.db");
    write(profile.dbDir, "tasks-mine.db");
    expect(await cleanMadeUp(profile)).toBe(10);
    const kept = [0, 2, ...Array.from({ length: 10 }, (_, i) => i + 4)].map(idOf);
    expect(readdirSync(profile.logDir).toSorted()).toEqual(kept.flatMap((id) => [`engines${id}.json`, `ipcontroller-${id}-77.log`]).toSorted());
    expect(readdirSync(profile.dbDir).toSorted()).toEqual(
      ["tasks.db", "tasks-mine.db", ...kept.flatMap((id) => ["", "-wal", "-shm"].map((ending) => `tasks-${id}.db${ending}`))].toSorted(),
    );
    expect(await cleanMadeUp(profile)).toBe(0);
  });
});
