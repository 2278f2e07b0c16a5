// A store that keeps nothing: writes are taken and forgotten, every query says so.

import { NoData } from "../base/index.ts";
import type { TaskRecord, TaskStore } from "../core/index.ts";

function nothing(): never {
  throw new NoData("no task store is kept; start the controller with one to query finished requests");
}

/** Keeps nothing. Every query throws NoData. */
export class NoneStore implements TaskStore {
  readonly name = "none";

  add(): void {}
  update(): void {}
  appendText(): void {}

  get(): TaskRecord | undefined {
    return nothing();
  }

  find(): readonly Partial<TaskRecord>[] {
    return nothing();
  }

  history(): readonly string[] {
    return nothing();
  }

  drop(): number {
    return nothing();
  }

  dropMatching(): number {
    return nothing();
  }

  flush(): void {}
  close(): void {}
}
