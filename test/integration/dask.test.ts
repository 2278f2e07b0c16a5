// `become_dask_request` on real processes; in Python's place a shell script that says what the Python program would say.

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { until, withController } from "../support/controller.ts";
import { recording, theRecorded } from "../support/recordings.ts";
import { shapeOf } from "../support/shapes.ts";

const folder = mkdtempSync(join(tmpdir(), "tsparallel-dask-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function script(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o700);
  return file;
}

/** Listens, in words; keeps its pid and arguments; ends when its input ends. */
const pidFile = join(folder, "pid");
const argumentsFile = join(folder, "arguments");
const LISTENING = script(
  "listening",
  `echo $$ > ${pidFile}; head -n 1 > ${argumentsFile}; echo hello; echo '{"ip": "127.0.0.1", "address": "tcp://127.0.0.1:9", "port": 9}'; cat > ${folder}/rest`,
);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const pidOf = (): number => Number(readFileSync(pidFile, "utf8"));

describe("become_dask_request", () => {
  it("starts one scheduler, answers with its address, and stop_distributed_request ends it", async () => {
    await withController({ daskPython: LISTENING }, async ({ client }) => {
      const c = client();
      const address = { status: "ok", ip: "127.0.0.1", address: "tcp://127.0.0.1:9", port: 9 };
      expect((await c.ask("become_dask_request", { scheduler_args: { port: 9 } })).content).toEqual(address);
      const recorded = recording("orjson", "hub-dask");
      expect(shapeOf(address)).toEqual(shapeOf(theRecorded(recorded, "become_dask_reply").content));
      expect(theRecorded(recorded, "stop_distributed_reply").content).toEqual({ status: "ok" });
      const pid = pidOf();
      expect(JSON.parse(readFileSync(argumentsFile, "utf8"))).toMatchObject({ host: "127.0.0.1", port: 9 });
      expect((await c.ask("become_dask_request", {})).content).toEqual(address);
      expect(pidOf()).toBe(pid);
      expect((await c.ask("stop_distributed_request")).content).toEqual({ status: "ok" });
      expect(isRunning(pid)).toBe(false);
      expect((await c.ask("stop_distributed_request")).content).toEqual({ status: "ok" });
    });
  });

  it("is gone with the controller", async () => {
    await withController({ daskPython: LISTENING }, async ({ client, controller }) => {
      await client().ask("become_dask_request", {});
      const pid = pidOf();
      await controller.close();
      await until(() => !isRunning(pid), "the scheduler's process has ended");
      expect(isRunning(pid)).toBe(false);
    });
  });

  it("does not hold up a controller that is closed while the scheduler starts", async () => {
    const silent = script("silent", `echo $$ > ${pidFile}; cat > ${folder}/rest; sleep 60`);
    rmSync(pidFile, { force: true });
    await withController({ daskPython: silent }, async ({ client, controller }) => {
      const c = client();
      c.sockets.registration.send(c.session.build("become_dask_request", {}));
      await until(() => existsSync(pidFile) && pidOf() > 0, "the scheduler's process runs");
      await controller.close();
      expect(await controller.closed).toBe("closed");
      await until(() => !isRunning(pidOf()), "the scheduler's process has ended");
    });
  });

  it("is answered with one sentence when there is no Python, no dask, or no memory for it", async () => {
    const without = [
      [join(folder, "nowhere"), "no such program; name a Python"],
      [
        script("dask-less", `echo "Traceback" >&2; echo "ModuleNotFoundError: No module named 'distributed'" >&2; exit 1`),
        "No module named 'distributed'; name a Python",
      ],
      [script("killed", "kill -KILL $$"), "the dask scheduler did not start: SIGKILL"],
    ] as const;
    for (const [daskPython, sentence] of without) {
      await withController({ daskPython }, async ({ client }) => {
        const { content } = await client().ask("become_dask_request", {});
        expect(content).toMatchObject({ status: "error", ename: "RuntimeError" });
        expect(content["evalue"]).toContain(sentence);
      });
    }
  });
});
