// A controller of the compiled package for integration tests, with raw peers around it, all gone at the end.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveProfile } from "../../dist/config/index.js";
import { startController, type Controller, type ControllerOptions } from "../../dist/controller/index.js";
import { ZeromqTransport } from "../../src/net/index.ts";
import { until as untilHolds } from "./until.ts";
import { RawClient, RawEngine, type RawEngineOptions } from "./raw-peer.ts";

/** A running controller and the makers of its peers. */
export interface ControllerBench {
  readonly controller: Controller;
  readonly transport: ZeromqTransport;
  /** Directory of the profile. */
  readonly dir: string;
  /** A raw client that is known to hear notifications and iopub once a first engine has registered. */
  readonly client: (options?: { readonly key?: string }) => RawClient;
  /** A raw engine, registered and visible. */
  readonly engine: (options?: RawEngineOptions) => Promise<RawEngine>;
}

/** Runs `use` with a controller in this process (its Hub in a thread) and closes everything afterwards. */
export async function withController(options: Omit<Partial<ControllerOptions>, "profile">, use: (bench: ControllerBench) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "tsparallel-controller-"));
  const transport = new ZeromqTransport();
  try {
    const controller = await startController({ ping: 1000, db: "memory", ...options, profile: resolveProfile({ profileDir: dir }) });
    try {
      await use({
        controller,
        transport,
        dir,
        client: (own) => new RawClient(transport, controller.clientConnection, own),
        engine: (own) => visibleEngine(transport, controller, own),
      });
    } finally {
      await transport.close();
      await controller.close();
    }
  } finally {
    await transport.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function visibleEngine(transport: ZeromqTransport, controller: Controller, options: RawEngineOptions = {}): Promise<RawEngine> {
  const engine = new RawEngine(transport, controller.engineConnection, options);
  await engine.register();
  if (engine.id >= 0 && options.isBeating !== false)
    await until(async () => (await controller.stats()).hub.pendingRegistrations === 0, "the engine is visible");
  return engine;
}

/** Polls until a condition holds, which a sentence tells. */
export function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  return untilHolds(condition, { everyMs: 3, instead: () => `wanted: ${what}` });
}
