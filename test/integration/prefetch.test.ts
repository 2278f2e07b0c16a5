// Tasks ahead on real processes: what an engine gave back it does not run, and a long task holds up no short ones.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Cluster } from "tsparallel";
import { packCall } from "../../src/serial/index.ts";
import { Gate } from "../support/gate.ts";
import { until } from "../support/until.ts";
import { startEngine } from "../support/with-engine.ts";

describe("an engine with tasks ahead", () => {
  it("gives back what it has not started while it spins, and runs the same bytes when they come again", async () => {
    const setup = await startEngine();
    using gate = new Gate();
    try {
      const { controller, uuid, session } = { ...setup, session: setup.controller.session };
      const spin = (path: string) => {
        const { existsSync } = process.getBuiltinModule("node:fs");
        while (!existsSync(path));
      };
      const note = (name: string) => {
        const ran = ((globalThis as { ran?: string[] }).ran ??= []);
        ran.push(name);
      };
      const request = (fn: unknown, args: readonly unknown[]) => {
        const header = session.header("apply_request");
        return {
          header,
          frames: session.build("apply_request", {}, { header, idents: [Buffer.from(uuid), Buffer.from("client")], buffers: packCall(fn, args) }),
        };
      };
      const [first, second, third] = [request(spin, [gate.path]), request(note, ["second"]), request(note, ["third"])];
      for (const { frames } of [first, second, third]) controller.sendRaw("task", [...frames]);
      await until(() => controller.published.some((one) => one.parentId === first.header.msg_id && one.content["execution_state"] === "busy"));
      const prefix = [Buffer.from("tsp-controller")];
      const answer = await controller.ask("control", uuid, "recall_request", { through: 3 }, { prefix });
      expect(answer.content).toEqual({ status: "ok", through: 3, started: 1 });
      expect(controller.replies.filter((reply) => reply.channel === "task")).toEqual([]);
      // The third comes again, while the first still spins; the second never does.
      controller.sendRaw("task", [...third.frames]);
      gate.open();
      expect((await controller.reply(third.header)).content["status"]).toBe("ok");
      expect(await setup.call(() => (globalThis as { ran?: string[] }).ran)).toEqual(["third"]);
      expect(controller.replies.filter((reply) => reply.message.parentHeader["msg_id"] === second.header.msg_id)).toEqual([]);
    } finally {
      await setup.close();
    }
  });
});

describe("a cluster", () => {
  it("finishes two hundred short tasks before the long one that was submitted with them, and runs each once", async () => {
    const dir = mkdtempSync(join(tmpdir(), "prefetch-"));
    const cluster = await Cluster.start({ n: 2, private: true });
    try {
      const rc = await cluster.connect();
      const lview = rc.loadBalancedView();
      const file = join(dir, "ran");
      await Promise.all(Array.from({ length: 40 }, () => lview.apply(() => null)));
      const finished: string[] = [];
      const short = async (index: number): Promise<void> => {
        await lview.apply(
          (path: string, line: string) => {
            process.getBuiltinModule("node:fs").appendFileSync(path, line);
          },
          file,
          `${index}\n`,
        );
        finished.push("short");
      };
      const long = async (): Promise<void> => {
        // Keeps its engine until all others have run, wherever they were sent to.
        await lview.apply((path: string) => {
          const { existsSync, readFileSync: read } = process.getBuiltinModule("node:fs");
          const pause = new Int32Array(new SharedArrayBuffer(4));
          for (const end = Date.now() + 120_000; Date.now() < end; Atomics.wait(pause, 0, 0, 5))
            if (existsSync(path) && read(path, "utf8").split("\n").length > 200) return;
        }, file);
        finished.push("long");
      };
      const indexes = Array.from({ length: 200 }, (_, index) => index);
      await Promise.all([...indexes.slice(0, 50).map(short), long(), ...indexes.slice(50).map(short)]);
      expect(finished.indexOf("long")).toBe(200);
      const lines = readFileSync(file, "utf8").trim().split("\n").map(Number);
      expect(lines.toSorted((one, other) => one - other)).toEqual(indexes);
      await rc.close();
    } finally {
      await cluster.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it("delivers the results of short tasks while the task behind them on the same engine keeps its thread", async () => {
    const dir = mkdtempSync(join(tmpdir(), "prefetch-"));
    const cluster = await Cluster.start({ n: 1, private: true });
    try {
      const rc = await cluster.connect();
      const lview = rc.loadBalancedView();
      await Promise.all(Array.from({ length: 40 }, () => lview.apply(() => null)));
      for (let round = 0; round < 5; round += 1) {
        const shorts = Array.from({ length: 20 + round }, () => lview.apply(() => null));
        // Ends when the results of all tasks before it have been seen. The wait is one that nothing can interrupt.
        const file = join(dir, `seen-${round}`);
        const long = lview.apply((path: string) => {
          const pause = new Int32Array(new SharedArrayBuffer(4));
          const { existsSync } = process.getBuiltinModule("node:fs");
          for (let looks = 0; looks < 3000; looks += 1) {
            if (existsSync(path)) return "seen";
            Atomics.wait(pause, 0, 0, 20);
          }
          return "never seen";
        }, file);
        const more = Array.from({ length: 60 }, () => lview.apply(() => null));
        await Promise.all(shorts);
        writeFileSync(file, "");
        expect(await long).toBe("seen");
        await Promise.all(more);
      }
      await rc.close();
    } finally {
      await cluster.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it("loses none of the short tasks behind one that kills its engine", async () => {
    using gate = new Gate();
    const cluster = await Cluster.start({ n: 2, private: true });
    try {
      const rc = await cluster.connect();
      const lview = rc.loadBalancedView();
      await Promise.all(Array.from({ length: 40 }, () => lview.apply(() => null)));
      const submitted = Array.from({ length: 120 }, (_, index) =>
        index === 60
          ? lview.apply((path: string): number => {
              // The results of the tasks before it have left then.
              const { existsSync } = process.getBuiltinModule("node:fs");
              while (!existsSync(path));
              process.kill(process.pid, "SIGKILL");
              return -1;
            }, gate.path)
          : lview.apply((one: number) => one, index),
      );
      await Promise.all(submitted.slice(0, 60));
      gate.open();
      const settled = await Promise.allSettled(submitted);
      const failed = settled.flatMap((outcome, index) => (outcome.status === "rejected" ? [{ index, name: (outcome.reason as Error).name }] : []));
      expect(failed).toEqual([{ index: 60, name: "EngineError" }]);
      await rc.close();
    } finally {
      await cluster.stop();
    }
  });
});
