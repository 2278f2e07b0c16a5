// How far one dependency (`after` or `follow`) of one task has come. It keeps counts, not ids: each named task finishes
// once and is noted once, so that the outcomes themselves can be forgotten.

import type { EngineUuid, MsgId } from "../../base/index.ts";
import type { DependencySpec } from "../../wire/index.ts";
import type { TaskOutcome } from "./events.ts";

const NOWHERE: ReadonlySet<EngineUuid> = new Set();

/** Progress of a dependency that names at least one task. */
export class DependencyProgress {
  readonly #spec: DependencySpec;
  /** The tasks it names, each once. */
  readonly msgIds: ReadonlySet<MsgId>;
  #succeeded = 0;
  #failed = 0;
  /** Engines on which tasks that count ran. */
  readonly #engines = new Set<EngineUuid>();
  #ranNowhere = false;

  constructor(spec: DependencySpec) {
    this.#spec = spec;
    this.msgIds = new Set(spec.dependencies);
  }

  /** One of the named tasks finished, on `engine` or on none. */
  note(outcome: TaskOutcome, engine: EngineUuid | null): void {
    if (outcome === "ok") this.#succeeded += 1;
    else this.#failed += 1;
    const counts = outcome === "ok" ? this.#spec.success : this.#spec.failure;
    if (!counts) return;
    if (engine === null) this.#ranNowhere = true;
    else this.#engines.add(engine);
  }

  /** All (or any) of the named tasks finished in a way that counts. */
  get isMet(): boolean {
    const counting = (this.#spec.success ? this.#succeeded : 0) + (this.#spec.failure ? this.#failed : 0);
    return this.#spec.all ? counting === this.msgIds.size : counting > 0;
  }

  /** It can no longer be met. */
  get isUnreachable(): boolean {
    const against = (this.#spec.success ? 0 : this.#succeeded) + (this.#spec.failure ? 0 : this.#failed);
    return this.#spec.all ? against > 0 : against === this.msgIds.size;
  }

  /** How many of the named tasks have not finished. */
  get unfinishedCount(): number {
    return this.msgIds.size - this.#succeeded - this.#failed;
  }

  /** As `follow`: no engine can hold all the named tasks, because they ran on different engines or one ran nowhere. */
  get isScattered(): boolean {
    return this.#spec.all && (this.#engines.size > 1 || this.#ranNowhere);
  }

  /** As `follow`: engines on which it is met. */
  get engines(): ReadonlySet<EngineUuid> {
    return this.#spec.all && !this.isMet ? NOWHERE : this.#engines;
  }
}
