// Which live tasks wait for which: edges between live tasks, outcomes taken over from those that finished lately, and
// questions to the task store about the rest. An edge always leads to an earlier task, so there are no circles: whoever
// names a task that was not submitted before it is refused.

import type { MsgId } from "../../base/index.ts";
import type { DependencyProgress } from "./dependency-progress.ts";
import type { FoundOutcome } from "./events.ts";
import type { RecentOutcomes } from "./outcomes.ts";
import type { LiveTask, TaskPlan } from "./task.ts";

type Kind = "after" | "follow";

/** What became of connecting a task. */
export type Connected = { readonly ok: true; readonly lookups: readonly MsgId[] } | { readonly ok: false; readonly itself: MsgId };

/** What an answer of the task store means to one task. */
export interface Resolution {
  readonly task: LiveTask;
  /** Ids that are no tasks of this scheduler. */
  readonly unknown: readonly MsgId[];
}

/** Dependencies among tasks. */
export class DependencyGraph {
  readonly #tasks: ReadonlyMap<MsgId, LiveTask>;
  readonly #outcomes: RecentOutcomes;
  /** Ids the task store was asked for, and who waits for the answer. */
  readonly #lookups = new Map<MsgId, Set<LiveTask>>();

  constructor(tasks: ReadonlyMap<MsgId, LiveTask>, outcomes: RecentOutcomes) {
    this.#tasks = tasks;
    this.#outcomes = outcomes;
  }

  /** Connects a new task to those it names. Ids that must be looked up are in its `plan.missing`; new ones among them are given. */
  connect(task: LiveTask, plan: TaskPlan): Connected {
    const missing = new Map<MsgId, { after: boolean; follow: boolean }>();
    for (const kind of ["after", "follow"] as const) {
      const progress = plan[kind];
      if (progress === null) continue;
      if (progress.msgIds.has(task.msgId)) return { ok: false, itself: task.msgId };
      const absent = this.#connectKind(task, kind, progress);
      if (kind === "after" && progress.isMet) {
        this.#disconnectKind(task, "after", progress);
        plan.after = null;
        continue;
      }
      for (const msgId of absent) {
        const entry = missing.get(msgId) ?? { after: false, follow: false };
        entry[kind] = true;
        missing.set(msgId, entry);
      }
    }
    if (missing.size === 0) return { ok: true, lookups: [] };
    plan.missing = missing;
    return { ok: true, lookups: [...missing.keys()].filter((msgId) => this.#awaitLookup(msgId, task)) };
  }

  /** Forgets a task's own dependencies. */
  disconnect(task: LiveTask, plan: TaskPlan): void {
    if (plan.after !== null) this.#disconnectKind(task, "after", plan.after);
    if (plan.follow !== null) this.#disconnectKind(task, "follow", plan.follow);
    for (const msgId of plan.missing?.keys() ?? []) {
      const waiters = this.#lookups.get(msgId);
      waiters?.delete(task);
      if (waiters?.size === 0) this.#lookups.delete(msgId);
    }
    plan.missing = null;
  }

  /** Takes over what the task store answered. Tasks that no longer wait for an answer come out, with what is unknown. */
  resolve(found: readonly FoundOutcome[], onUnasked: (msgId: MsgId) => void): Resolution[] {
    const unknown = new Map<LiveTask, MsgId[]>();
    for (const answer of found) {
      const waiters = this.#lookups.get(answer.msgId);
      if (waiters === undefined) {
        onUnasked(answer.msgId);
        continue;
      }
      this.#lookups.delete(answer.msgId);
      const isFinished = answer.status === "ok" || answer.status === "failed";
      if (isFinished) this.#outcomes.set(answer.msgId, { outcome: answer.status, engine: answer.engine });
      // Not finished as far as the store knows: it may have been submitted and have finished since. A live task of this
      // id was submitted later than those who ask, so it is none they may depend on.
      const kept = this.#outcomes.get(answer.msgId);
      for (const task of waiters) {
        const plan = task.plan as TaskPlan;
        const kinds = plan.missing?.get(answer.msgId);
        plan.missing?.delete(answer.msgId);
        const listed = unknown.get(task) ?? [];
        unknown.set(task, listed);
        if (kept === undefined) listed.push(answer.msgId);
        else {
          if (kinds?.after === true) plan.after?.note(kept.outcome, kept.engine);
          if (kinds?.follow === true) plan.follow?.note(kept.outcome, kept.engine);
        }
      }
    }
    return [...unknown].filter(([task, ids]) => ids.length > 0 || task.plan?.missing?.size === 0).map(([task, ids]) => ({ task, unknown: ids }));
  }

  /** Whether the task store was asked for this id on behalf of this task; for `validate`. */
  isLookedUp(msgId: MsgId, task: LiveTask): boolean {
    return this.#lookups.get(msgId)?.has(task) === true;
  }

  /** Ids the task store has not answered yet. */
  get lookupCount(): number {
    return this.#lookups.size;
  }

  /** Gives the named ids that are neither alive nor remembered. */
  #connectKind(task: LiveTask, kind: Kind, progress: DependencyProgress): MsgId[] {
    const absent: MsgId[] = [];
    for (const msgId of progress.msgIds) {
      const live = this.#tasks.get(msgId);
      if (live !== undefined) {
        live.dependents ??= { after: new Set(), follow: new Set() };
        live.dependents[kind].add(task);
        continue;
      }
      const kept = this.#outcomes.get(msgId);
      if (kept === undefined) absent.push(msgId);
      else progress.note(kept.outcome, kept.engine);
    }
    return absent;
  }

  #disconnectKind(task: LiveTask, kind: Kind, progress: DependencyProgress): void {
    if (progress.unfinishedCount === 0) return;
    for (const msgId of progress.msgIds) {
      const live = this.#tasks.get(msgId);
      if (live === undefined || live.dependents === null) continue;
      live.dependents[kind].delete(task);
      if (live.dependents.after.size + live.dependents.follow.size === 0) live.dependents = null;
    }
  }

  /** True when nobody asked for this id yet. */
  #awaitLookup(msgId: MsgId, task: LiveTask): boolean {
    const waiters = this.#lookups.get(msgId);
    if (waiters === undefined) this.#lookups.set(msgId, new Set([task]));
    else waiters.add(task);
    return waiters === undefined;
  }
}
