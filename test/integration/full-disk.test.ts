// A cluster whose profile lies on a disk that is full: a small tmpfs in a mount namespace of the commands' own.

import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RunningCommand, Sandbox } from "../support/ipcluster.ts";
import { until } from "../support/until.ts";

const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));
const canMount = process.getuid?.() === 0 && spawnSync("unshare", ["--mount", "true"]).status === 0;

describe.skipIf(!canMount)("a full disk", () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(async () => {
    await until(() => sandbox.processes().length === 0, { timeoutMs: 10_000 }).finally(() => sandbox.dispose());
  });

  /** Runs a shell script with the profile `default` on a disk of 2,000 KiB; `ipcluster` and `fill ROOM_KIB` are known there. */
  async function onSmallDisk(script: string): Promise<{ lines: string[] }> {
    const path = join(sandbox.dir, "script.sh");
    const words = `D="$IPYTHONDIR/profile_default"
mkdir "$D"
mount -t tmpfs -o size=2000k tmpfs "$D"
ipcluster() { '${process.execPath}' '${DIST}bundle/ipcluster.cjs' "$@" 2>&1; echo "status $?"; }
left() { for file in "$D"/security/*; do [ ! -e "$file" ] || echo "left $file"; done; }
# The pieces shrink, so that the last byte is found.
fill() { for size in 4096 1; do dd if=/dev/zero of="$D/fill$size" bs=$size 2>/dev/null; done; truncate -s "-$(($1 * 1024))" "$D/fill4096"; }
`;
    writeFileSync(path, `${words}${script}\n`);
    const { stdout } = await new RunningCommand(
      spawn("unshare", ["--mount", "--propagation", "private", "sh", path], { env: sandbox.env, stdio: ["ignore", "pipe", "pipe"], cwd: sandbox.dir }),
    ).ended;
    return { lines: stdout.split("\n").map((line) => line.replaceAll(sandbox.profileDir(), "PROFILE")) };
  }

  it("fails a start with that sentence, wherever in it there is no more room, and leaves nothing that is in the way of the next one", async () => {
    const { lines } = await onSmallDisk(`mkdir "$D/security"
for room in 0 8 16; do fill $room; ipcluster start -n 1; left; done
rm "$D"/fill*
ipcluster start -n 0 --daemonize; ipcluster stop; left`);
    const told = lines.filter((line) => /^(?:ipcluster: |status |left )/.test(line)).map((line) => line.replace(/ \(log: .*/, ""));
    expect(told).toEqual([
      "ipcluster: cannot write PROFILE/security/launched-.json: the disk is full",
      "status 1",
      "ipcluster: cannot write PROFILE/security/cluster-.json: the disk is full",
      "status 1",
      "ipcluster: the controller ended with exit status 1 before it was ready: cannot open the task store PROFILE/db/tasks.db: the disk is full; free some space",
      "status 1",
      "status 0",
      "status 0",
    ]);
  });

  it("does not stop a cluster that runs: tasks go on, the log says what is lost, and it is stopped as ever", async () => {
    const program = join(sandbox.dir, "squares.mjs");
    writeFileSync(
      program,
      `import { Client } from ${JSON.stringify(`${DIST}index.js`)};
const rc = await Client.connect();
const squares = await rc.loadBalancedView().map((x) => (console.log("x".repeat(20_000)), x * x), [1, 2, 3]);
console.log("squares", squares.join());
await rc.close();
`,
    );
    const { lines } = await onSmallDisk(`ipcluster start -n 1 --daemonize; fill 0
'${process.execPath}' '${program}'
tries=0; until grep -q 'task store failed' "$D"/log/ipcontroller-*.log || [ $((tries += 1)) -gt 300 ]; do sleep 0.1; done
ipcluster list; ipcluster stop; left
cat "$D"/log/ipcontroller-*.log`);
    const text = lines.join("\n");
    expect(text).toContain("squares 1,4,9");
    expect(text).toMatch(/default +'' +true +1 +local/);
    expect(text).toMatch(/ipcluster: stopped the cluster of profile "default"\nstatus 0\n/);
    expect(text).not.toMatch(/^left /m);
    expect(text).toContain("the task store failed; tasks go on, their records may be lost");
  });

  it("ends a notebook's run with that sentence, and the notebook is as it was saved before", async () => {
    const cells = ["'small'", "for (let line = 0; line < 3000; line += 1) console.log('x'.repeat(999))", "3"];
    const content = cells.map((source) => ({ cell_type: "code", execution_count: null, metadata: {}, outputs: [], source }));
    const metadata = { kernelspec: { name: "typescript", display_name: "", language: "" } };
    writeFileSync(join(sandbox.dir, "a.ipynb"), JSON.stringify({ cells: content, metadata, nbformat: 4, nbformat_minor: 4 }));
    const { lines } = await onSmallDisk(`export JUPYTER_DATA_DIR="$IPYTHONDIR"
'${process.execPath}' '${DIST}cli/bin/tsparallel.js' notebook run a.ipynb -o "$D/b.ipynb" 2>&1; echo "status $?"
echo "files $(ls -A "$D")"; tr -d '\n' < "$D/b.ipynb"`);
    expect(lines).toContain("tsparallel: cannot save PROFILE/b.ipynb: the disk is full; it is as it was saved before");
    expect(lines).toContain("status 1");
    expect(lines).toContain("files b.ipynb");
    const saved = JSON.parse(lines.at(-1) ?? "") as { readonly cells: readonly { readonly outputs: readonly unknown[] }[] };
    expect(saved.cells.map(({ outputs }) => outputs.length)).toEqual([1, 0, 0]);
  });
});
