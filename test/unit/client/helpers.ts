// A client of a scripted controller, closed after the test.

import { onTestFinished } from "vitest";
import { Client, type ConnectOptions } from "../../../src/client/index.ts";
import type { Dict } from "../../../src/wire/index.ts";
import { ScriptedController } from "../../support/scripted-controller.ts";

/** Connects a client to a controller played by the test, which offers this, with engines that told this of themselves, by id. */
export async function connectScripted(
  engineIds: readonly number[] = [0, 1],
  options: ConnectOptions = {},
  offer: Dict = {},
  properties: Record<string, Dict> = {},
): Promise<{ client: Client; peer: ScriptedController }> {
  const peer = new ScriptedController(engineIds);
  peer.offer = offer;
  peer.properties = properties;
  const client = await Client.connect({ connectionInfo: peer.info, transport: peer, timeoutMs: 2000, tellUnseen: false, ...options });
  onTestFinished(() => client.close());
  return { client, peer };
}
