// Engines that go: drained, so that they lose nothing, then told to end, and killed when they do not.

import { setTimeout as sleep } from "node:timers/promises";
import { InvalidStateError, LaunchError, type EngineUuid } from "../base/index.ts";
import type { LaunchedEngine, LaunchedEngines } from "../launch/index.ts";
import type { ClusterWork } from "../wire/index.ts";
import type { ControlLink } from "./control-link.ts";
import { engineName } from "./failures.ts";

/** How often the controller is asked whether engines have ended what they had: soon at first, then less often. */
const POLL_MS_MIN = 20;
const POLL_MS_MAX = 250;
/** How long a system may take to end a process after SIGKILL. */
const KILL_MS = 5000;

/** An engine and the set it is of. */
export interface Member {
  readonly set: LaunchedEngines;
  readonly engine: LaunchedEngine;
}

/** What removing works with. */
export interface RemovalParts {
  readonly control: ControlLink;
  /** How long an engine may take to end when it is told to. */
  readonly graceMs: number;
  /** Called before an engine is told to end. */
  readonly onEnding: (member: Member) => void;
}

/** How long to wait. */
export interface DrainOptions {
  /** After so many milliseconds what an engine still has goes back to the queue; absent: it takes as long as it takes. */
  readonly drainTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Which of some engines should go: those without work first, and of these, as of the others, the newest.
 *
 * @param members oldest first
 */
export function chooseLeavers(members: readonly Member[], count: number, work: ClusterWork): Member[] {
  const isBusy = ({ engine }: Member): number => {
    const facts = engine.uuid === undefined ? undefined : work.engines.get(engine.uuid);
    return facts !== undefined && facts.tasks + facts.direct > 0 ? 1 : 0;
  };
  return members
    .toReversed()
    .toSorted((one, other) => isBusy(one) - isBusy(other))
    .slice(0, count);
}

/**
 * Drains engines and ends each as soon as it has nothing more. Those that were not told to end when this fails get tasks again.
 *
 * @throws InvalidStateError for an engine that another program started; TimeoutError when the controller does not answer; LaunchError
 * when an engine does not end; the signal's reason
 */
export async function removeEngines(members: readonly Member[], parts: RemovalParts, options: DrainOptions): Promise<void> {
  const waiting = new Map<EngineUuid, Member>(members.map((member) => [uuidOf(member), member]));
  const ending: Promise<void>[] = [];
  const lateAt = performance.now() + (options.drainTimeoutMs ?? Number.POSITIVE_INFINITY);
  try {
    for (let pollMs = POLL_MS_MIN; waiting.size > 0; pollMs = Math.min(POLL_MS_MAX, pollMs * 1.5)) {
      options.signal?.throwIfAborted();
      const isLate = performance.now() >= lateAt;
      const work = await parts.control.drain([...waiting.keys()], options.drainTimeoutMs);
      for (const [uuid, member] of waiting) {
        const facts = work.engines.get(uuid);
        if (facts !== undefined && (facts.tasks > 0 || (facts.direct > 0 && !isLate))) continue;
        waiting.delete(uuid);
        // What it still runs was given to others, so it need not end it.
        ending.push(endEngine(member, parts, isLate));
      }
      if (waiting.size > 0) await sleep(pollMs, undefined, options.signal === undefined ? {} : { signal: options.signal });
    }
  } catch (cause) {
    if (waiting.size > 0) await parts.control.undrain([...waiting.keys()]).catch(() => undefined); // a controller that does not answer gives them nothing anyway
    await Promise.allSettled(ending);
    options.signal?.throwIfAborted();
    throw cause;
  }
  const failed = (await Promise.allSettled(ending)).find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

function uuidOf({ engine, set }: Member): EngineUuid {
  if (engine.uuid !== undefined) return engine.uuid;
  throw new InvalidStateError(`${engineName(engine, set)} was started by another program, which alone can stop it; its pid is ${engine.pid ?? "unknown"}`);
}

/**
 * Ends one engine: tells it to, and kills it when it does not.
 *
 * @param isInterrupted whatever it does
 * @throws LaunchError when it survives
 */
export async function endEngine(member: Member, parts: RemovalParts, isInterrupted: boolean): Promise<void> {
  const { engine, set } = member;
  const uuid = uuidOf(member);
  parts.onEnding(member);
  const signal = async (name: NodeJS.Signals): Promise<unknown> => (engine.signal === undefined ? parts.control.signal(uuid, name) : engine.signal(name));
  await Promise.race([isInterrupted ? signal("SIGTERM") : parts.control.shutdown(uuid), engine.exited]);
  if (await endsWithin(member, parts, parts.graceMs)) return;
  await signal("SIGKILL");
  if (await endsWithin(member, parts, KILL_MS)) return;
  throw new LaunchError(
    `${engineName(engine, set)} did not end ${KILL_MS / 1000} s after SIGKILL${engine.pid === undefined ? "" : `; its pid is ${engine.pid}`}`,
  );
}

/** The end of an engine that this process does not see is known from the controller, to which it says goodbye. */
async function endsWithin({ engine }: Member, { control }: RemovalParts, waitMs: number): Promise<boolean> {
  const stop = new AbortController();
  const late = sleep(waitMs, false, { signal: stop.signal }).catch(() => false); // aborted: it ended first
  const unlisted = engine.signal === undefined && engine.uuid !== undefined ? goneFrom(control, engine.uuid, stop.signal) : late;
  try {
    return await Promise.race([engine.exited.then(() => true), unlisted, late]);
  } finally {
    stop.abort();
  }
}

async function goneFrom(control: ControlLink, uuid: EngineUuid, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const work = await control.work().catch(() => undefined); // no answer says nothing of the engine
    if (work !== undefined && !work.engines.has(uuid)) return true;
    await sleep(POLL_MS_MAX, undefined, { signal }).catch(() => undefined); // aborted: the loop ends
  }
  return false;
}
