// Dependencies between tasks (protocol §7.2).

import { InvalidArgumentError } from "../base/index.ts";
import type { Dict } from "../wire/index.ts";

/** Something that names tasks: a message id, a result, a dependency. */
export type TaskSource = string | { readonly msgIds: readonly string[] };

/** What must hold of the tasks. */
export interface DependencyOptions {
  /** All of them (default) or any. */
  readonly all?: boolean;
  /** Tasks that succeeded count, default true. */
  readonly success?: boolean;
  /** Tasks that failed count, default false. */
  readonly failure?: boolean;
}

/**
 * Tasks that another task waits for (`after`) or must run beside (`follow`), where naming them is not enough: any of them, or their failure.
 *
 * @example lview.with({ after: new Dependency([first, second], { all: false, failure: true }) }).apply(cleanUp);
 */
export class Dependency {
  /** Message ids of the tasks, each once. */
  readonly msgIds: readonly string[];
  /** Whether all of them count, or any. */
  readonly all: boolean;
  /** Whether tasks that succeeded count. */
  readonly success: boolean;
  /** Whether tasks that failed count. */
  readonly failure: boolean;

  /**
   * Names the tasks, and says what of them counts.
   *
   * @param tasks message ids, results or dependencies of load-balanced tasks
   * @throws InvalidArgumentError when neither success nor failure counts, or something names no task
   */
  constructor(tasks: Iterable<TaskSource> | TaskSource, options: DependencyOptions = {}) {
    this.msgIds = readTasks(tasks);
    this.all = options.all ?? true;
    this.success = options.success ?? true;
    this.failure = options.failure ?? false;
    if (!this.success && !this.failure) throw new InvalidArgumentError("a dependency must count success, failure or both");
  }

  /** As it travels. @internal */
  toDict(): Dict {
    return { dependencies: this.msgIds, all: this.all, success: this.success, failure: this.failure };
  }
}

/** What `after` and `follow` take. */
export type DependencyLike = Dependency | TaskSource | Iterable<TaskSource>;

/** The wire form of what a user gave: an empty list when nothing. */
export function encodeDependency(value: DependencyLike | undefined): Dict | readonly string[] {
  if (value === undefined) return [];
  return value instanceof Dependency ? value.toDict() : readTasks(value);
}

const NO_TASK = "a dependency names something that is neither a message id nor a result";

function readTasks(tasks: Iterable<TaskSource> | TaskSource): readonly string[] {
  if (typeof tasks === "string") return [tasks];
  if (isTaskSource(tasks)) return [...tasks.msgIds];
  if (typeof (tasks as Partial<Iterable<TaskSource>> | null)?.[Symbol.iterator] !== "function") throw new InvalidArgumentError(NO_TASK);
  return [...new Set([...tasks].flatMap(readTask))];
}

function readTask(task: TaskSource): readonly string[] {
  if (typeof task === "string") return [task];
  if (isTaskSource(task)) return task.msgIds;
  throw new InvalidArgumentError(NO_TASK);
}

function isTaskSource(value: unknown): value is { readonly msgIds: readonly string[] } {
  return typeof value === "object" && value !== null && Array.isArray((value as { msgIds?: unknown }).msgIds);
}
