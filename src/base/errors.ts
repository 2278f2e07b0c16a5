// Every error a user of the library can meet, each declared once: its code, what it means and what to do about it.
// Classes are for `instanceof`, codes for `switch` and across copies of the package; nobody matches message texts.

/** Meaning and remedy of each error, by its code. */
export const ERROR_TABLE = {
  ERR_INVALID_ARGUMENT: ["an argument has the wrong type or value", "pass what the message asks for"],
  ERR_INVALID_STATE: ["the call does not fit the object's present state", "see the message for what must happen before"],
  ERR_NOT_SUPPORTED: ["a peer cannot do what was asked of it", "see the message for what can be done instead"],
  ERR_CLOSED: ["the client, socket or cluster was closed", "open a new one"],
  ERR_CONFIG: ["a configuration file, flag or environment variable is wrong", "correct the named option"],
  ERR_TIMEOUT: ["the deadline passed before the result was there", "wait longer, or ask why it is not running"],
  ERR_CONNECTION: ["a peer could not be reached or went away", "check that the cluster runs and the address is right"],
  ERR_AUTHENTICATION: ["a peer refused our key, or we theirs", "use the connection file of the running controller"],
  ERR_UNREACHABLE: ["no controller answers at the address of the connection file", "start a cluster, or remove the stale file with `ipcluster clean`"],
  ERR_CONTROLLER_LOST: ["the controller went away and did not come back in time, or lost the request", "submit it again; look into the controller's log"],
  ERR_PROTOCOL: ["a peer broke the wire protocol", "check the peer's version"],
  ERR_MALFORMED: ["a message could not be read", "check the peer's version"],
  ERR_SIGNATURE: ["a message's signature is wrong", "use the connection file of the running controller"],
  ERR_DUPLICATE: ["a message came twice", "nothing: the second copy was dropped"],
  ERR_SERIALIZATION: ["a value or function cannot travel", "follow the path in the message and its remedy"],
  ERR_QUEUE_FULL: ["a bounded queue has no room", "wait for results before submitting more"],
  ERR_LAUNCH: ["a process could not be started", "see the message and the log file it names"],
  ERR_NOT_RUNNING: ["no such cluster or process runs", "start it first"],
  ERR_PROCESS_EXITED: ["a process ended before it was ready", "read the last lines of its output in the message"],
  ERR_STORE: ["the task store failed or refused", "see the message; `--nodb` runs without a store"],
  ERR_NO_DATA: ["the task store does not have this record", "keep more records, or fetch results earlier"],
  ERR_KERNEL: ["a remote request failed", "read `ename` and `evalue`"],
  ERR_ENGINE: ["an engine died or left while it had the request", "look into the engine's log; use `retries`"],
  ERR_NO_ENGINES: ["no engine is registered", "start engines with `ipcluster engines -n N`"],
  ERR_TASK_ABORTED: ["the request was aborted before it ran, or cancelled and stopped while it ran", "submit it again if it is still wanted"],
  ERR_TASK_TIMEOUT: ["the task could not be assigned within its timeout", "add engines or raise `timeoutMs`"],
  ERR_TIME_LIMIT: ["the request ran longer than its time limit and was stopped", "raise `timeLimitMs`, or divide the work"],
  ERR_TASK_REJECTED: ["an engine declined the task", "relax its dependencies"],
  ERR_UNMET_DEPENDENCY: ["a functional dependency does not hold on the engine", "relax the dependency"],
  ERR_IMPOSSIBLE_DEPENDENCY: ["a dependency can never be met", "look at the tasks it names"],
  ERR_DEPENDENCY_TIMEOUT: ["a dependency was not met in time", "raise `timeoutMs`"],
  ERR_INVALID_DEPENDENCY: ["a dependency names an unknown task or itself", "depend on tasks submitted to the same scheduler before"],
  ERR_REMOTE: ["user code failed on an engine", "read the remote traceback"],
  ERR_COMPOSITE: ["user code failed on several engines", "read `errors`, one for each engine"],
  ERR_INVARIANT: ["a bug in tsparallel", "report it with the story in the message"],
} as const;

/** One of the codes of `ERROR_TABLE`. */
export type ErrorCode = keyof typeof ERROR_TABLE;

const MARK: unique symbol = Symbol.for("tsparallel.error") as never;

/** What errors are made with besides the message. */
export interface ErrorDetails {
  readonly cause?: unknown;
}

/** Root of all errors of this package. */
export class ParallelError extends Error {
  /** Stable code, see `ERROR_TABLE`. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, details?: ErrorDetails) {
    super(message, details?.cause === undefined ? undefined : { cause: details.cause });
    // A bundler numbers classes of one name, and a dependency has an InvalidArgumentError too.
    this.name = new.target.name.replace(/\d+$/, "");
    this.code = code;
    Object.defineProperty(this, MARK, { value: true });
  }
}

/** Tells errors of this package from others, also those made by another copy of the package. */
export function isParallelError(value: unknown): value is ParallelError {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[MARK] === true;
}

/** An argument has the wrong type or value. */
export class InvalidArgumentError extends ParallelError {
  constructor(message: string, details?: ErrorDetails) {
    super("ERR_INVALID_ARGUMENT", message, details);
  }
}

/** The call does not fit the object's present state. */
export class InvalidStateError extends ParallelError {
  constructor(message: string, details?: ErrorDetails, code: ErrorCode = "ERR_INVALID_STATE") {
    super(code, message, details);
  }
}

/** The object was closed before the call. */
export class ClosedError extends InvalidStateError {
  constructor(message: string, details?: ErrorDetails) {
    super(message, details, "ERR_CLOSED");
  }
}

/** A peer cannot do what was asked of it, as a Python engine cannot stop one request. */
export class NotSupportedError extends ParallelError {
  constructor(message: string, details?: ErrorDetails) {
    super("ERR_NOT_SUPPORTED", message, details);
  }
}

/** A configuration file, flag or environment variable is wrong. */
export class ConfigError extends ParallelError {
  constructor(message: string, details?: ErrorDetails) {
    super("ERR_CONFIG", message, details);
  }
}

/** The deadline passed. */
export class TimeoutError extends ParallelError {
  constructor(message: string, details?: ErrorDetails) {
    super("ERR_TIMEOUT", message, details);
  }
}

/** A bounded queue has no room. */
export class QueueFullError extends ParallelError {
  constructor(message: string, details?: ErrorDetails) {
    super("ERR_QUEUE_FULL", message, details);
  }
}

/** A peer could not be reached or went away. */
export class ConnectionError extends ParallelError {
  constructor(message: string, details?: ErrorDetails, code: ErrorCode = "ERR_CONNECTION") {
    super(code, message, details);
  }
}

/** A key was refused; trying again does not help. */
export class AuthenticationError extends ConnectionError {
  constructor(message: string, details?: ErrorDetails) {
    super(message, details, "ERR_AUTHENTICATION");
  }
}

/** No controller answers. */
export class ControllerUnreachableError extends ConnectionError {
  constructor(message: string, details?: ErrorDetails) {
    super(message, details, "ERR_UNREACHABLE");
  }
}

/**
 * The controller went away while a request was outstanding. Nobody knows whether the request ran: it may have, it may still
 * be running, or it never began.
 */
export class ControllerLostError extends ConnectionError {
  constructor(message: string, details?: ErrorDetails) {
    super(message, details, "ERR_CONTROLLER_LOST");
  }
}

/** A peer broke the wire protocol. */
export class ProtocolError extends ParallelError {
  constructor(message: string, details?: ErrorDetails, code: ErrorCode = "ERR_PROTOCOL") {
    super(code, message, details);
  }
}

/** A message could not be read. */
export class MalformedMessageError extends ProtocolError {
  constructor(message: string, details?: ErrorDetails) {
    super(message, details, "ERR_MALFORMED");
  }
}

/** A message's signature is wrong. */
export class SignatureError extends ProtocolError {
  constructor(message: string, details?: ErrorDetails) {
    super(message, details, "ERR_SIGNATURE");
  }
}

/** A message with a signature that was seen before. */
export class DuplicateSignatureError extends ProtocolError {
  constructor(message: string, details?: ErrorDetails) {
    super(message, details, "ERR_DUPLICATE");
  }
}

/** A value or function cannot travel. */
export class SerializationError extends ParallelError {
  /** Where in the value, from the root: `args[0].db.conn`. */
  readonly path: string;
  /** What the user can do. */
  readonly remedy: string;

  constructor(message: string, details: ErrorDetails & { readonly path: string; readonly remedy: string }) {
    super("ERR_SERIALIZATION", `${message}; ${details.remedy}`, details);
    this.path = details.path;
    this.remedy = details.remedy;
  }
}

/** A process could not be started. */
export class LaunchError extends ParallelError {
  constructor(message: string, details?: ErrorDetails, code: ErrorCode = "ERR_LAUNCH") {
    super(code, message, details);
  }
}

/** No such cluster or process runs. */
export class NotRunningError extends LaunchError {
  constructor(message: string, details?: ErrorDetails) {
    super(message, details, "ERR_NOT_RUNNING");
  }
}

/** A process ended before it was ready. */
export class ProcessExitedError extends LaunchError {
  /** Exit status, or `null` when a signal ended it. */
  readonly exitCode: number | null;
  /** The signal that ended it, or `null`. */
  readonly signal: string | null;
  /** Last lines of its output. */
  readonly outputTail: readonly string[];

  constructor(
    message: string,
    details: ErrorDetails & { readonly exitCode: number | null; readonly signal: string | null; readonly outputTail: readonly string[] },
  ) {
    super(message, details, "ERR_PROCESS_EXITED");
    this.exitCode = details.exitCode;
    this.signal = details.signal;
    this.outputTail = details.outputTail;
  }
}

/** The task store failed or refused. */
export class StoreError extends ParallelError {
  constructor(message: string, details?: ErrorDetails, code: ErrorCode = "ERR_STORE") {
    super(code, message, details);
  }
}

/** The task store does not keep this record: culled, or no store at all. */
export class NoData extends StoreError {
  constructor(message: string, details?: ErrorDetails) {
    super(message, details, "ERR_NO_DATA");
  }
}

/** Our own bug: a state that cannot be. Carries the story that led there. */
export class InvariantError extends ParallelError {
  constructor(message: string, details?: ErrorDetails) {
    super("ERR_INVARIANT", message, details);
  }
}

/** Asserts what must hold if this package is right. */
export function invariant(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new InvariantError(message());
}
