// Looking after what was under way when the controller went: results that its Hub has are fetched, and the machine
// decides about the others (`core/client/resumption.ts`).

import { setTimeout as sleep } from "node:timers/promises";
import { KernelError, NoData, type EngineUuid } from "../base/index.ts";
import type { ClientLink } from "./client-link.ts";
import { dbQuery, HUB_TIMEOUT_MS, requestResults } from "./hub-queries.ts";
import type { ResumeOptions } from "./link-life.ts";

/** How long engines get to register with a restarted controller, and those for which requests are meant. */
const ENGINES_BACK_MS = 2000;
const AWAITED_BACK_MS = 10_000;
const PAUSE_FIRST_MS = 50;
const PAUSE_MAX_MS = 1000;
/** Ids in one question. */
const ASKED_MAX = 1000;
/** Results fetched at a time. */
const FETCHES_MAX = 8;

/** What the Hub knows of requests. */
interface Standing {
  readonly completed: string[];
  readonly pending: Set<string>;
}

/** Looks after everything outstanding. Rejects when the Hub does not answer, or the signal aborts. */
export async function resumeOutstanding(link: ClientLink, options: ResumeOptions): Promise<void> {
  const { isSameLife, isElsewhere, signal } = options;
  if (!isSameLife && !isElsewhere) await enginesBack(link, signal);
  await link.adoptEngines({ timeoutMs: HUB_TIMEOUT_MS, signal });
  const sent = [...link.outstanding].flatMap(([id, { state }]) => (state === "sent" ? [id] : []));
  const standing: Standing = { completed: [], pending: new Set() };
  for (let at = 0; at < sent.length; at += ASKED_MAX) await inquire(link, sent.slice(at, at + ASKED_MAX), standing, options);
  const { completed, pending } = standing;
  const fetchers = Array.from({ length: Math.min(FETCHES_MAX, completed.length) }, async () => {
    for (let id = completed.shift(); id !== undefined; id = completed.shift()) await recover(link, id, signal);
  });
  await Promise.all(fetchers);
  signal.throwIfAborted();
  link.inquired(pending, isSameLife);
}

/** Waits until the engines of before have registered again, or had the time for it. Until then they are still known here. */
async function enginesBack(link: ClientLink, signal: AbortSignal): Promise<void> {
  const begun = performance.now();
  for (let pauseMs = PAUSE_FIRST_MS; ; pauseMs = Math.min(PAUSE_MAX_MS, 2 * pauseMs)) {
    const { engines } = await link.askEngines({ timeoutMs: HUB_TIMEOUT_MS, signal });
    const back = new Set(engines.map(({ uuid }) => uuid));
    const missing = new Set([...link.directory.engines.values()].flatMap(({ uuid }) => (back.has(uuid) ? [] : [uuid])));
    const leftMs = begun + (areWaitedFor(link, missing) ? AWAITED_BACK_MS : ENGINES_BACK_MS) - performance.now();
    if (missing.size === 0 || leftMs <= 0) return;
    await sleep(Math.min(pauseMs, leftMs), undefined, { signal });
  }
}

/** Whether direct requests are meant for one of these engines. */
function areWaitedFor(link: ClientLink, engines: ReadonlySet<EngineUuid>): boolean {
  for (const { channel, targets } of link.outstanding.values()) if (channel === "mux" && targets.some((uuid) => engines.has(uuid))) return true;
  return false;
}

/** Finds out which requests have a result. Those that are in neither list are unknown to the Hub. */
async function inquire(link: ClientLink, ids: readonly string[], standing: Standing, { isSameLife, signal }: ResumeOptions): Promise<void> {
  try {
    for (const { msg_id: id, completed } of await dbQuery(link, { msg_id: { $in: ids } }, ["msg_id", "completed"], { signal }))
      note(standing, id, completed !== null);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // There is no store to search. A Hub of another life knows nothing then, and the one of before what is pending.
    if (isSameLife) await inquireEach(link, ids, standing, signal);
  }
}

/** One unknown id fails a whole question: the half of the ids is asked for alone then. */
async function inquireEach(link: ClientLink, ids: readonly string[], standing: Standing, signal: AbortSignal): Promise<void> {
  try {
    const { completed, pending } = await requestResults(link, ids, true, { signal });
    for (const id of completed) note(standing, id, true);
    for (const id of pending) note(standing, id, false);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (ids.length <= 1) return;
    const half = ids.length >> 1;
    await inquireEach(link, ids.slice(0, half), standing, signal);
    await inquireEach(link, ids.slice(half), standing, signal);
  }
}

function note({ completed, pending }: Standing, id: string, isCompleted: boolean): void {
  if (isCompleted) completed.push(id);
  else pending.add(id);
}

/** Whether the Hub answered, and said no. */
function isRefusal(error: unknown): boolean {
  return error instanceof KernelError || error instanceof NoData;
}

async function recover(link: ClientLink, id: string, signal: AbortSignal): Promise<void> {
  try {
    const { records, buffers } = await requestResults(link, [id], false, { signal });
    const found = records.get(id);
    if (found !== undefined) link.recover(id, found, buffers);
  } catch (error) {
    // Forgotten since a moment ago: then it counts as unknown.
    if (!isRefusal(error)) throw error;
  }
}
