// `ipcluster run`: a cluster for as long as a program runs.

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Sandbox } from "../support/ipcluster.ts";

const TSPARALLEL = fileURLToPath(new URL("../../dist/index.js", import.meta.url));

describe("a program with a cluster of its own", () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.dispose());

  const script = (name: string, text: string): string => {
    const path = join(sandbox.dir, name);
    writeFileSync(path, text);
    return path;
  };
  const nothingLeft = async (): Promise<void> => {
    await sandbox.nothingRuns();
    expect(sandbox.securityFiles()).toEqual([]);
  };

  it("finds it by its environment, gets its own arguments, and leaves nothing when it went well", async () => {
    const program = script(
      "sum.ts",
      `import { Client } from ${JSON.stringify(TSPARALLEL)};
const rc: Client = await Client.connect();
const doubled: number[] = await rc.loadBalancedView().map((x: number) => 2 * x, [1, 2, 3]);
console.log(JSON.stringify({ engines: rc.ids.length, doubled, args: process.argv.slice(2) }));
await rc.close();
`,
    );
    const { code, stdout } = await sandbox.run("run", "-n", "1", program, "--", "-x", "a b");
    expect(stdout).toBe('{"engines":1,"doubled":[2,4,6],"args":["-x","a b"]}\n');
    expect(code).toBe(0);
    expect(readdirSync(join(sandbox.profileDir(), "log"))).toEqual([]);
    await nothingLeft();
  });

  it("finds this package where it is not installed, in TypeScript and JavaScript", async () => {
    const text =
      'import { Client } from "tsparallel";\nimport { Bakapara } from "tsparallel/bakapara";\nconsole.log(typeof Client.connect, typeof Bakapara.connect);\n';
    const [typescript, javascript] = [script("own.ts", text), script("own.mjs", text)];
    const ended = await Promise.all([typescript, javascript].map((program, i) => sandbox.run("run", "-n", "0", `--cluster-id=own-${i}`, program)));
    expect(ended.map(({ code, stdout }) => [code, stdout])).toEqual([
      [0, "function function\n"],
      [0, "function function\n"],
    ]);
    await nothingLeft();
  });

  it("is not started for when the program is not there", async () => {
    const { code, stderr } = await sandbox.run("run", "-n", "1", join(sandbox.dir, "nowhere.ts"));
    expect([code, stderr]).toEqual([1, `ipcluster: there is no program ${join(sandbox.dir, "nowhere.ts")}\n`]);
  });

  it("gives its exit status, and its logs stay when it failed", async () => {
    const { code } = await sandbox.run("run", "-n", "1", script("fail.sh", "exit 7\n"));
    expect(code).toBe(7);
    expect(readdirSync(join(sandbox.profileDir(), "log")).some((name) => name.startsWith("ipengine-run-"))).toBe(true);
    await nothingLeft();
  });

  it("is ended with the cluster by a signal", async () => {
    const running = sandbox.start("run", "-n", "1", "--", "sleep", "600");
    await running.says("ready: all engines answer");
    running.child.kill("SIGTERM");
    expect((await running.ended).code).toBe(143);
    await nothingLeft();
  });
});
