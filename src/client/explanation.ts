// Why a request is not running, or what else has become of it: facts for programs, one sentence for people.

import { isoMicros, millis, showAsText } from "../base/index.ts";

/** Where a request stands: before any engine has it, at an engine behind others, begun, ended. */
export type ExplanationState = "waiting" | "queued" | "running" | "done" | "unknown";

/** What it waits for, or how it ended. */
export type ExplanationReason =
  /** It waits in this client for room: as many messages as the window allows are under way. */
  | "window"
  /** It has left this client and is not known to the controller yet, or no longer, as its reply is under way. */
  | "onItsWay"
  /** The controller is away; nobody can be asked. */
  | "controllerLost"
  /** Tasks that it comes `after` have not finished (`waitsFor`). */
  | "dependency"
  /** The controller asks the task store what became of tasks it depends on. */
  | "lookup"
  /** No engine that may run it has finished a task that it follows (`waitsFor`). */
  | "follow"
  | "noEngines"
  /** Every engine that may run it (`engines`) has as many tasks as `hwm` allows. */
  | "enginesFull"
  /** Every engine that may run it (`engines`) is to be removed, and gets nothing more. */
  | "enginesLeaving"
  /** The engines that are here have failed or declined it (`engines`). */
  | "enginesRefuse"
  /** The controller, which is Python's, does not tell why. */
  | "unassigned"
  /** Its engine has `ahead` others before it. */
  | "engineBusy"
  /** Its engine left; it fails or is tried elsewhere within seconds. */
  | "engineLeft"
  /** Its engine has it, and nothing before it. */
  | "engineHasIt"
  /** The engines of a broadcast (`engines`) have not all answered. */
  | "enginesHaveIt"
  | "succeeded"
  | "failed"
  /** Neither this client nor the controller knows it. */
  | "unknown";

/** A task that another one waits for. */
export interface AwaitedTask {
  readonly msgId: string;
  readonly state: ExplanationState;
}

/** An engine by its id; by its uuid when it has left. */
export type EngineName = number | string;

/** Facts of an explanation. */
export interface ExplanationFacts {
  readonly msgId: string;
  readonly state: ExplanationState;
  readonly reason: ExplanationReason;
  /** Engines concerned: that has it, that are full, that refuse it; at most twenty. */
  readonly engines?: readonly EngineName[];
  /** How many engines are concerned. */
  readonly engineCount?: number;
  /** Since when it stands like this, by the controller's clock; or when it ended. Absent when nobody remembers. */
  readonly since?: Date | undefined;
  /** Tasks it waits for; at most twenty. */
  readonly waitsFor?: readonly AwaitedTask[];
  /** How many tasks it waits for. */
  readonly waitsForCount?: number;
  /** Requests that its engine has before it. */
  readonly ahead?: number;
  /** Tasks an engine may have at a time. */
  readonly hwm?: number;
  /** What it failed with. */
  readonly failure?: string | undefined;
  readonly attempts?: ExplanationAttempts | undefined;
}

/** What was tried before. */
export interface ExplanationAttempts {
  /** Attempts that failed and were tried again. */
  readonly retried: number;
  readonly retriesLeft: number;
  readonly failedOn: readonly EngineName[];
  /** Engines on which a functional dependency did not hold. */
  readonly declinedBy: readonly EngineName[];
}

/** The answer of `client.explain`. */
export class Explanation implements ExplanationFacts {
  /** The request's id. */
  readonly msgId: string;
  /** Where it stands. */
  readonly state: ExplanationState;
  /** Why. */
  readonly reason: ExplanationReason;
  /** Engines concerned: that has it, that are full, that refuse it; at most twenty. */
  readonly engines: readonly EngineName[];
  /** How many engines are concerned. */
  readonly engineCount: number;
  /** Since when it stands like this, by the controller's clock, or when it ended; `undefined` when nobody remembers. */
  readonly since: Date | undefined;
  /** Tasks it waits for; at most twenty. */
  readonly waitsFor: readonly AwaitedTask[];
  /** How many tasks it waits for. */
  readonly waitsForCount: number;
  /** Requests that its engine has before it; 0 when that is not the reason. */
  readonly ahead: number;
  /** Tasks an engine may have at a time; 0 when that is not the reason. */
  readonly hwm: number;
  /** What it failed with. */
  readonly failure: string | undefined;
  /** What was tried before; `undefined` when nothing was. */
  readonly attempts: ExplanationAttempts | undefined;

  /** @internal Made by `client.explain`. */
  constructor(facts: ExplanationFacts) {
    this.msgId = facts.msgId;
    this.state = facts.state;
    this.reason = facts.reason;
    this.engines = facts.engines ?? [];
    this.engineCount = facts.engineCount ?? this.engines.length;
    this.since = facts.since;
    this.waitsFor = facts.waitsFor ?? [];
    this.waitsForCount = facts.waitsForCount ?? this.waitsFor.length;
    this.ahead = facts.ahead ?? 0;
    this.hwm = facts.hwm ?? 0;
    this.failure = facts.failure;
    this.attempts = facts.attempts;
  }

  /** One sentence: `request … is waiting: it comes after 1 unfinished task: … (running)`. */
  toString(): string {
    const { attempts, since } = this;
    const parts = [`request ${this.msgId} is ${this.state}: ${this.#reasonText()}`];
    if (since !== undefined) parts.push(`${this.state === "done" ? "at" : "since"} ${isoMicros(millis(since.getTime()))}`);
    if (attempts !== undefined && attempts.retried > 0)
      parts.push(`, after ${counted(attempts.retried, "failed attempt")} on ${named(attempts.failedOn)} (${attempts.retriesLeft} left)`);
    if (attempts !== undefined && attempts.declinedBy.length > 0) parts.push(`, declined by ${named(attempts.declinedBy)}`);
    return parts.join(" ").replaceAll(" ,", ",");
  }

  #reasonText(): string {
    const { engines, engineCount } = this;
    switch (this.reason) {
      case "window":
        return "this client has as many messages under way as its window allows, and sends it when there is room";
      case "onItsWay":
        return "it is on its way to the controller, or its reply is on the way here";
      case "controllerLost":
        return "the controller is away, and what it knows of the request cannot be asked";
      case "dependency":
        return `it comes after ${this.#awaited()}`;
      case "lookup":
        return `the controller asks the task store what became of ${this.#awaited()}`;
      case "follow":
        return `it follows ${this.#awaited()}`;
      case "noEngines":
        return "no engine is registered";
      case "enginesFull":
        return `${named(engines, engineCount)} may run it, and each has as many tasks as hwm allows (${this.hwm})`;
      case "enginesLeaving":
        return `${named(engines, engineCount)} may run it, and ${engineCount === 1 ? "is" : "are"} about to be removed; it waits for another one`;
      case "enginesRefuse":
        return "the engines that are here have failed or declined it, and it waits for another one";
      case "unassigned":
        return "no engine has it yet, and this controller does not tell why";
      case "engineBusy":
        return `${named(engines)} has it, behind ${counted(this.ahead, "other request")}`;
      case "engineLeft":
        return `${named(engines)} left while it had it; it fails or is tried elsewhere within seconds`;
      case "engineHasIt":
        return `${named(engines)} has it`;
      case "enginesHaveIt":
        return `the request is with ${named(engines, engineCount)}, not all of which have answered`;
      case "succeeded":
        return engines.length === 0 ? "it succeeded" : `it succeeded on ${named(engines)}`;
      case "failed":
        return `it failed${engines.length === 0 ? "" : ` on ${named(engines)}`}${this.failure === undefined ? "" : ` with ${this.failure}`}`;
      case "unknown":
        return "neither this client nor the controller knows it";
    }
  }

  #awaited(): string {
    const rest = this.waitsForCount - this.waitsFor.length;
    const tasks = this.waitsFor.map(({ msgId, state }) => `${msgId} (${state})`);
    return `${counted(this.waitsForCount, "unfinished task")}: ${tasks.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
  }
}

showAsText(Explanation);

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function named(engines: readonly EngineName[], count: number = engines.length): string {
  const rest = count - engines.length;
  return `${count === 1 ? "engine" : "engines"} ${engines.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
