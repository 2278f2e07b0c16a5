// Orders to engines on their control channel: answered beside running user code, one reply for each engine.

import { CompositeError, EngineError } from "../base/index.ts";
import type { EngineFacts } from "../core/client/index.ts";
import { readErrorContent, type Dict } from "../wire/index.ts";
import type { ClientLink } from "./client-link.ts";
import { errorOf } from "./decode.ts";
import type { WaitOptions } from "./wait-for.ts";

/** How long an engine may take to answer on its control channel, in milliseconds, when the call does not say. */
export const CONTROL_TIMEOUT_MS = 30_000;

/** Sends one order to each engine and waits for all answers. Throws the one failure, or a CompositeError of several. */
export async function orderEngines(link: ClientLink, engines: readonly EngineFacts[], msgType: string, content: Dict, options: WaitOptions): Promise<void> {
  const outcomes = await Promise.allSettled(engines.map((engine) => orderOne(link, engine, msgType, content, options)));
  const errors = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as Error] : []));
  if (errors.length === 1) throw errors[0] as Error;
  if (errors.length > 1) throw new CompositeError(errors);
}

async function orderOne(link: ClientLink, engine: EngineFacts, msgType: string, content: Dict, options: WaitOptions): Promise<void> {
  const wanted = { ...options, timeoutMs: options.timeoutMs ?? CONTROL_TIMEOUT_MS };
  let answer;
  try {
    answer = await link.askEngine(engine, msgType, content, wanted);
  } catch (error) {
    // An engine told to shut down may be gone before its reply has come through.
    if (msgType === "shutdown_request" && error instanceof EngineError) return;
    throw error;
  }
  if (answer.content["status"] !== "ok") throw errorOf(readErrorContent(answer.content));
}
