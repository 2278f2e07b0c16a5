// Every invariant of the broadcast scheduler, one assertion each; for tests, after each step.

import { InvariantError, type EngineUuid, type Millis } from "../../base/index.ts";
import { framesBytes } from "../../wire/index.ts";
import type { PendingBroadcast } from "./pending-broadcast.ts";
import type { BroadcastSchedulerOptions } from "./events.ts";

/** The broadcast scheduler's state, laid open. */
export interface BroadcastParts {
  readonly engines: ReadonlySet<EngineUuid>;
  readonly leaving: ReadonlyMap<EngineUuid, Millis>;
  readonly pending: ReadonlyMap<string, PendingBroadcast>;
  readonly byEngine: ReadonlyMap<EngineUuid, ReadonlySet<PendingBroadcast>>;
  readonly heldBytes: number;
  readonly config: Required<BroadcastSchedulerOptions>;
}

/** Throws InvariantError when something does not hold. */
export function validateBroadcasts({ engines, leaving, pending, byEngine, heldBytes, config }: BroadcastParts): void {
  check(pending.size <= config.pendingMax, "pending broadcasts are bounded");
  check(heldBytes <= config.heldBytesMax, "held bytes are bounded");
  let bytes = 0;
  for (const [id, broadcast] of pending) {
    const { request, open, lost, held } = broadcast;
    check(request.originalMsgId === id, `a broadcast is listed under its id (${id})`);
    check(open.size > 0, `a broadcast with nothing open is complete (${id})`);
    check(open.size + lost.length + held.size === request.targets.length, `each target is open, lost or answered (${id})`);
    for (const engine of open) {
      check(byEngine.get(engine)?.has(broadcast) === true, `an engine knows who waits for it (${id}, ${engine})`);
      check(engines.has(engine) || leaving.has(engine), `an open target is here or leaving (${id}, ${engine})`);
    }
    let own = 0;
    for (const buffers of held.values()) own += framesBytes(buffers);
    check(own === broadcast.heldBytes, `the bytes a broadcast holds are counted (${id})`);
    bytes += own;
  }
  check(bytes === heldBytes, "the bytes held are counted");
  for (const [engine, waiting] of byEngine) {
    check(waiting.size > 0, `an engine nobody waits for is not listed (${engine})`);
    for (const broadcast of waiting) check(broadcast.open.has(engine), `who waits for an engine has it open (${engine})`);
  }
  let last = Number.NEGATIVE_INFINITY;
  for (const [engine, at] of leaving) {
    check(!engines.has(engine), `an engine is not here and leaving (${engine})`);
    check(byEngine.has(engine), `only engines somebody waits for are timed (${engine})`);
    check(at >= last, "engines are given up in the order they left");
    last = at;
  }
}

function check(condition: boolean, claim: string): void {
  if (!condition) throw new InvariantError(`the broadcast scheduler broke its rule that ${claim}`);
}
