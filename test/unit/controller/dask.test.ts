import { describe, expect, it } from "vitest";
import { Dask } from "../../../src/controller/dask.ts";
import type { DaskOptions, DaskScheduler } from "../../../src/launch/index.ts";
import { SILENT } from "../../../src/log/index.ts";

/** One start that waits to be told how it goes. */
class Start {
  readonly options: DaskOptions;
  readonly scheduler: Promise<DaskScheduler>;
  isStopped = false;
  end!: () => void;
  fail!: (error: Error) => void;
  #succeed!: (scheduler: DaskScheduler) => void;
  readonly #port: number;

  constructor(options: DaskOptions, port: number) {
    this.options = options;
    this.#port = port;
    this.scheduler = new Promise((resolve, reject) => {
      this.#succeed = resolve;
      this.fail = reject;
    });
  }

  succeed(): void {
    const ended = new Promise<void>((resolve) => {
      this.end = resolve;
    });
    const stop = async (): Promise<void> => {
      this.isStopped = true;
      this.end();
    };
    this.#succeed({ ...addressOf(this.#port), ended, stop });
  }
}

const addressOf = (port: number): { ip: string; address: string; port: number } => ({ ip: "127.0.0.1", address: `tcp://127.0.0.1:${port}`, port });

function make(where = "tcp://127.0.0.1"): { dask: Dask; starts: Start[] } {
  const starts: Start[] = [];
  const start = (options: DaskOptions): Promise<DaskScheduler> => {
    const next = new Start(options, starts.length + 1);
    starts.push(next);
    return next.scheduler;
  };
  return { dask: new Dask({ python: "python3", interface: where, logger: SILENT, start }), starts };
}

describe("the controller's dask scheduler", () => {
  it("is started once for all who ask, also while it starts", async () => {
    const { dask, starts } = make();
    const asked = [dask.become({}), dask.become({ port: 7 })];
    starts[0]?.succeed();
    expect(await Promise.all(asked)).toEqual([addressOf(1), addressOf(1)]);
    expect(await dask.become({})).toEqual(addressOf(1));
    expect(starts.length).toBe(1);
  });

  it("listens where the controller does and shows its web pages to this machine only, unless the client says otherwise", () => {
    const local = make();
    const everywhere = make("tcp://0.0.0.0");
    void local.dask.become({});
    void everywhere.dask.become({ port: 8786, dashboard_address: ":8787" });
    expect(local.starts[0]?.options.schedulerArgs).toEqual({ dashboard_address: "127.0.0.1:0", host: "127.0.0.1" });
    expect(everywhere.starts[0]?.options.schedulerArgs).toEqual({ dashboard_address: ":8787", port: 8786 });
  });

  it("is started anew after it was stopped, after it failed and after it ended by itself", async () => {
    const { dask, starts } = make();
    const first = dask.become({});
    starts[0]?.fail(new Error("no dask"));
    await expect(first).rejects.toThrow("no dask");
    const second = dask.become({});
    starts[1]?.succeed();
    expect(await second).toEqual(addressOf(2));
    await dask.stop();
    expect(starts[1]?.isStopped).toBe(true);
    const third = dask.become({});
    starts[2]?.succeed();
    await third;
    starts[2]?.end();
    await Promise.resolve();
    const fourth = dask.become({});
    starts[3]?.succeed();
    expect(await fourth).toEqual(addressOf(4));
  });

  it("may be stopped when there is none, and when it could not start", async () => {
    const { dask, starts } = make();
    await dask.stop();
    const failing = dask.become({});
    const stopped = dask.stop();
    starts[0]?.fail(new Error("no dask"));
    await expect(failing).rejects.toThrow("no dask");
    await stopped;
    expect(starts.length).toBe(1);
  });

  it("is killed with the controller, and not started after it", async () => {
    const { dask, starts } = make();
    void dask.become({});
    dask.close();
    expect(starts[0]?.options.signal.aborted).toBe(true);
    await expect(dask.become({})).rejects.toThrow("the controller is closed");
    expect(starts.length).toBe(1);
  });
});
