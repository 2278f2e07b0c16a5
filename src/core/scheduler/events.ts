// What the task scheduler hears (events: facts, with their time) and what it orders (effects: performed by the shell
// in the order given). Frames and routes are carried as opaque references: `Payload` is whatever the shell keeps of a
// message, `Route` whatever it needs to reach a client.

import type { EngineUuid, Millis, MsgId } from "../../base/index.ts";
import type { TaskOptions } from "../../wire/index.ts";

/** A task request as it arrived. */
export interface TaskRequest<Payload = unknown, Route = unknown> {
  readonly msgId: MsgId;
  /** Where the answer goes. */
  readonly client: Route;
  /** The request's frames. Kept until the task has finished, because any attempt may have to be repeated. */
  readonly payload: Payload;
  /** Size of the payload in bytes, for the bound on queued bytes. */
  readonly bytes: number;
  /** As `readTaskOptions` gives it: a text tells what is wrong with the metadata, and the task is answered with it. */
  readonly options: TaskOptions | string;
}

/** What a reply says, read by `readReplyOutcome`; a missing status is filled from `content.status` by the shell. */
export interface TaskReply<Payload = unknown> {
  /** `parent_header.msg_id`. */
  readonly msgId: MsgId;
  /** The engine it came from: its routing identity, not what the metadata claims. */
  readonly engine: EngineUuid;
  /** False: the engine declined the task; it is tried elsewhere. */
  readonly dependenciesMet: boolean;
  /** `ok` is success; everything else (`error`, `aborted`, …) counts as failure. */
  readonly status: string;
  /** The reply's frames, handed back in `forwardReply` when this answer is the final one. */
  readonly payload: Payload;
}

/** How a finished task ended. */
export type TaskOutcome = "ok" | "failed";

/** What the task store knows of a task that the scheduler has forgotten. */
export interface FoundOutcome {
  readonly msgId: MsgId;
  /** `pending`: recorded but never finished, as after a controller that went away. Only tasks of the task queue count. */
  readonly status: TaskOutcome | "pending" | "unknown";
  /** Where it ran; `null` when it never did. */
  readonly engine: EngineUuid | null;
}

/** Facts the scheduler is told. Times never go back. */
export type SchedulerEvent<Payload = unknown, Route = unknown> =
  /** `canPrefetch`: it may be sent tasks ahead and answers a recall; default false. */
  | { readonly type: "engineJoined"; readonly at: Millis; readonly engine: EngineUuid; readonly canPrefetch?: boolean }
  | { readonly type: "engineLeft"; readonly at: Millis; readonly engine: EngineUuid }
  | { readonly type: "taskSubmitted"; readonly at: Millis; readonly task: TaskRequest<Payload, Route> }
  | { readonly type: "taskReplied"; readonly at: Millis; readonly reply: TaskReply<Payload> }
  | { readonly type: "outcomesFound"; readonly at: Millis; readonly outcomes: readonly FoundOutcome[] }
  /** An engine answered `recallTasks` of the same `through`: it started its tasks up to the ordinal `started` and dropped the others. */
  | { readonly type: "tasksRecalled"; readonly at: Millis; readonly engine: EngineUuid; readonly through: number; readonly started: number }
  /** A client does not want these any more. Those that an engine has, as `explain` tells, are to be stopped there. */
  | { readonly type: "cancelAsked"; readonly at: Millis; readonly msgIds: readonly MsgId[] }
  /** These engines are to go: they get nothing more, and what they have not ended within `limitMs` (`null`: no limit) goes back to the queue. */
  | { readonly type: "drainAsked"; readonly at: Millis; readonly engines: readonly EngineUuid[]; readonly limitMs: number | null }
  /** These are to stay after all; without effect for one whose time limit is over. */
  | { readonly type: "drainUndone"; readonly at: Millis; readonly engines: readonly EngineUuid[] }
  /** The time of a `wakeAt` has come. */
  | { readonly type: "ticked"; readonly at: Millis };

/** Names of the failures the scheduler makes itself (protocol §7.7). */
export type SchedulerFailureName = "InvalidDependency" | "ImpossibleDependency" | "TaskTimeout" | "TaskAborted" | "EngineError" | "ValueError";

/** The facts of a synthetic `apply_reply`; the shell builds and signs the message. */
export interface TaskFailure {
  readonly ename: SchedulerFailureName;
  readonly evalue: string;
  /** Metadata of the reply; the shell writes `at` as `date` (ISO). `null`: `{}`. */
  readonly metadata: { readonly status: "error"; readonly engine: EngineUuid; readonly at: Millis } | null;
}

/** Why something a peer sent had no consequence. Counted in `counters().dropped`. */
export type SchedulerDropReason =
  /** A request with the id of a task that is still alive. */
  | "duplicateTask"
  /** A reply for a task that is not running: finished already, failed meanwhile, or never heard of. */
  | "lateReply"
  /** A reply from an engine that does not have the task. */
  | "foreignReply"
  /** An engine that joined is here already. */
  | "duplicateEngine"
  /** An engine that left, or is to go, was not here. */
  | "unknownEngine"
  /** An outcome nobody waits for. */
  | "unaskedOutcome"
  /** An answer to a recall that nobody waits for. */
  | "unaskedRecall";

/** Orders to the shell. */
export type SchedulerEffect<Payload = unknown, Route = unknown> =
  /** Send the request's frames, prefixed `[engine][client]`. `attempt`: 1, and one more for each that failed before. */
  | {
      readonly type: "sendToEngine";
      readonly engine: EngineUuid;
      readonly msgId: MsgId;
      readonly client: Route;
      readonly payload: Payload;
      readonly attempt: number;
    }
  /** The engine's reply is final: send its frames to the client, prefixed `[client][engine]`. */
  | { readonly type: "forwardReply"; readonly msgId: MsgId; readonly client: Route; readonly engine: EngineUuid; readonly payload: Payload }
  /** Answer the client with a reply made here: `parent_header` is the header of `request`, no buffers. `engine` is `null` where none was involved (`[client] D…`). */
  | {
      readonly type: "replyFailure";
      readonly msgId: MsgId;
      readonly client: Route;
      readonly engine: EngineUuid | null;
      readonly request: Payload;
      readonly failure: TaskFailure;
    }
  /** For the Hub: a task was taken in (`intask`). Comes before every other effect of the task. */
  | { readonly type: "taskQueued"; readonly msgId: MsgId; readonly client: Route; readonly payload: Payload }
  /** For the Hub: the task went to this engine (`task_destination`). */
  | { readonly type: "taskAssigned"; readonly msgId: MsgId; readonly engine: EngineUuid }
  /** For the Hub: the task is over, right after its `forwardReply` or `replyFailure` (`outtask`). `engine` is where it ran last, `null` if it never did. */
  | { readonly type: "taskFinished"; readonly msgId: MsgId; readonly outcome: TaskOutcome; readonly engine: EngineUuid | null }
  /** Feed `ticked` at this time; replaces every earlier `wakeAt`. At most an hour ahead. */
  | { readonly type: "wakeAt"; readonly at: Millis }
  /**
   * Ask the engine which of the first `through` tasks sent to it in this stay it has started, and to drop the others; feed `tasksRecalled`.
   * Nothing is sent to it until then.
   */
  | { readonly type: "recallTasks"; readonly engine: EngineUuid; readonly through: number }
  /** Ask the task store what became of these tasks, and feed `outcomesFound` with one entry each. */
  | { readonly type: "lookupOutcome"; readonly msgIds: readonly MsgId[] }
  /** Too much is held: stop reading requests from clients. Replies must go on. */
  | { readonly type: "pauseIntake" }
  /** Read requests again. */
  | { readonly type: "resumeIntake" }
  /** Something had no consequence; log it once per reason. */
  | { readonly type: "dropped"; readonly reason: SchedulerDropReason; readonly msgId: MsgId | null; readonly engine: EngineUuid | null };

/** The ways to choose among free engines. */
export type SchemeName = "leastload" | "lru" | "plainrandom" | "twobin" | "weighted" | "pure";

/** All scheme names, the default first. */
export const SCHEME_NAMES: readonly SchemeName[] = ["leastload", "lru", "plainrandom", "twobin", "weighted", "pure"];

/** Things counted since the start. */
export interface SchedulerCounters {
  readonly submitted: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Failed attempts that were tried again. */
  readonly retried: number;
  /** Attempts an engine declined. */
  readonly declined: number;
  /** Tasks taken back from engines that had not started them. */
  readonly recalled: number;
  readonly dropped: Readonly<Record<SchedulerDropReason, number>>;
}

/** How much is held now. */
export interface SchedulerLoad {
  /** Live tasks of every state. */
  readonly tasks: number;
  /** Of these: on an engine (also one that left less than the stranded delay ago). */
  readonly running: number;
  /** Bytes of all live tasks' requests. */
  readonly bytes: number;
  readonly engines: number;
  readonly isIntakePaused: boolean;
}
