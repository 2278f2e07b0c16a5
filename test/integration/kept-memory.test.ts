// Programs that the local launcher starts so that they keep freed memory: the allocator is told, users' code does not see it.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Cluster } from "tsparallel";

/** The environment that a process was started with; glibc itself puts NULs for the colons of its tunables there. */
function startEnvironment(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
}

const isGlibc =
  process.platform === "linux" && (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime !== undefined;

it.skipIf(!isGlibc)(
  "controller and engines keep freed memory when asked to, large arrays come right, and programs of users' code are started as ever",
  async () => {
    await using cluster = await Cluster.start({ n: 2, private: true, local: { keepFreedMemory: true } });
    const tuned = expect.stringMatching(/^GLIBC_TUNABLES=glibc\.malloc\.mmap_threshold=134217728(?::|$)/);
    for (const pid of [cluster.controllerPid as number, ...cluster.enginePids]) expect(startEnvironment(pid)).toContainEqual(tuned);
    const rc = await cluster.connect();
    const everywhere = rc.broadcastView();
    for (const start of [1, 2, 3]) {
      await everywhere.push({ a: Float64Array.from({ length: 1_000_000 }, (_, i) => start + i) });
      expect(
        await everywhere.apply(() => [(globalThis as unknown as { a: Float64Array }).a[0], (globalThis as unknown as { a: Float64Array }).a.at(-1)]),
      ).toEqual([
        [start, start + 999_999],
        [start, start + 999_999],
      ]);
    }
    const seen = await everywhere.apply(() => [process.env["GLIBC_TUNABLES"] ?? "none", process.env["IPP_OUTER_GLIBC_TUNABLES"] ?? "none"]);
    const outer = process.env["GLIBC_TUNABLES"] ?? "none";
    expect(seen).toEqual([
      [outer, "none"],
      [outer, "none"],
    ]);
    await rc.close();
  },
);

it.skipIf(!isGlibc)("without being asked to they are started with no tunables of ours", async () => {
  await using cluster = await Cluster.start({ n: 1, private: true });
  for (const pid of [cluster.controllerPid as number, ...cluster.enginePids])
    expect(startEnvironment(pid).filter((entry) => entry.includes("glibc.malloc.mmap_threshold=134217728") || entry.startsWith("IPP_OUTER_"))).toEqual([]);
});
