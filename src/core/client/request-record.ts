// One request of a view, from submission to the last of its output. Records are changed by the client's machine and
// read by results; times are the wire's ISO texts, because they carry microseconds.

import type { EngineUuid, KernelFailure, Millis, MsgId } from "../../base/index.ts";
import type { Dict } from "../../wire/index.ts";

/** How the request reaches its engine. */
export type RequestChannel = "mux" | "task" | "broadcast";
/** What the engine is asked to do. */
export type CallKind = "apply" | "execute";

/**
 * Where a request stands: `waiting` in the client for room in its lane, `sent`, or ended as `ok` or `failed`.
 */
export type RequestState = "waiting" | "sent" | "ok" | "failed";

/** One piece of rich output, as display_data and execute_result carry it. */
export interface DisplayOutput {
  /** MIME type to representation. */
  readonly data: Dict;
  /** Further facts about the representations, mostly none. */
  readonly metadata: Dict;
}

/** What user code printed and showed; made when the first output arrives. */
export interface RequestOutput {
  stdout: string;
  stderr: string;
  readonly outputs: DisplayOutput[];
  executeInput: string | undefined;
  executeResult: (DisplayOutput & { readonly executionCount: number | null }) | undefined;
  error: KernelFailure | undefined;
  /** Last published data, decoded by the shell. */
  data: unknown;
}

/** State of one request. Only the machine writes. */
export class RequestRecord<Token = unknown> {
  readonly msgId: MsgId;
  readonly kind: CallKind;
  readonly channel: RequestChannel;
  /** Engines that must answer: the mux target, or all targets of a coalesced broadcast; empty when the scheduler chooses. */
  readonly targets: readonly EngineUuid[];
  /** `header.date`. */
  readonly submitted: string;
  readonly label: unknown;
  /** Size on the wire, for the window. */
  readonly bytes: number;
  /** The shell's own object for this request. */
  readonly token: Token;
  state: RequestState = "waiting";
  /** `content.status` of the reply. */
  status: string | undefined = undefined;
  started: string | undefined = undefined;
  completed: string | undefined = undefined;
  /** When the reply came here; a number, because most are never looked at. */
  received: Millis | undefined = undefined;
  /** Engine that ran it; a list for a coalesced broadcast. */
  engineUuid: EngineUuid | readonly EngineUuid[] | undefined = undefined;
  engineId: number | null | readonly (number | null)[] = null;
  /** Message ids this task waited for or followed, as the reply tells. */
  after: readonly string[] = NO_IDS;
  follow: readonly string[] = NO_IDS;
  output: RequestOutput | undefined = undefined;
  /** No more output will come. */
  isOutputComplete = false;
  /** Engines whose `idle` has not come: several for a coalesced broadcast. */
  idlesMissing = 1;
  /** Messages of output that came, `status` not counted. */
  outputsSeen = 0;
  /** How many there are, once a reply has told (our engines do, in `outputs` of its metadata). */
  outputsExpected: number | undefined = undefined;

  constructor(facts: RequestFacts<Token>) {
    this.msgId = facts.msgId;
    this.kind = facts.kind;
    this.channel = facts.channel;
    this.targets = facts.targets;
    this.submitted = facts.submitted;
    this.label = facts.label;
    this.bytes = facts.bytes;
    this.token = facts.token;
  }

  /** Whether a reply, or the certainty that none comes, is there. */
  get isSettled(): boolean {
    return this.state === "ok" || this.state === "failed";
  }
}

/** What a request is made from. */
export type RequestFacts<Token> = Pick<RequestRecord<Token>, "msgId" | "kind" | "channel" | "targets" | "submitted" | "label" | "bytes" | "token">;

const NO_IDS: readonly string[] = [];
