// Errors that travel: each has the name (`ename`) it bears on the wire, so that Python and TypeScript peers read the
// same failure. `fromErrorContent` turns what a peer sent into the class of that name.

import { isParallelError, ParallelError, type ErrorCode, type ErrorDetails } from "./errors.ts";
import type { EngineInfo, KernelFailure } from "./kernel-failure.ts";
import { causeOf, renderFailure, renderStack, summarize } from "./render-failure.ts";

/**
 * A request failed; `ename` is its name on the wire. Its `stack` is the remote traceback, where there is one: where this
 * process happened to read the reply tells nobody anything.
 */
export class KernelError extends ParallelError {
  /** Error name on the wire. */
  readonly ename: string;
  /** Error text on the wire. */
  readonly evalue: string;
  /** Lines of the remote traceback, possibly empty. */
  readonly traceback: readonly string[];
  /** The engine, when one was involved. */
  readonly engineInfo: EngineInfo | undefined;

  constructor(failure: KernelFailure, details?: ErrorDetails, code: ErrorCode = "ERR_KERNEL") {
    super(code, renderFailure(failure), details);
    this.ename = failure.ename;
    this.evalue = failure.evalue;
    this.traceback = failure.traceback ?? [];
    this.engineInfo = failure.engineInfo;
    if (this.traceback.length > 0) hideAway(this, "stack", renderStack(this, failure));
    else if (this.message.startsWith(`${this.name}: `)) nameOnce(this);
  }

  /** The error with its remote traceback, as shown to a user. */
  override toString(): string {
    return renderStack(this, this);
  }
}

/** Shown as their stack: the fields repeat what stands there. */
Object.defineProperty(KernelError.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: KernelError): string {
    return this.stack ?? this.toString();
  },
});

/** Node puts the name before the message, which has it already. */
function nameOnce(error: Error): void {
  const { name, message, stack } = error;
  if (stack?.startsWith(`${name}: ${message}`) === true) hideAway(error, "stack", stack.slice(name.length + 2));
}

function hideAway(error: Error, name: "stack", value: string): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true, enumerable: false });
}

/** Tells kernel errors from others, also those made by another copy of the package. */
export function isKernelError(value: unknown): value is KernelError {
  return isParallelError(value) && "ename" in value && "traceback" in value;
}

const kernelErrorClass = (ename: string, code: ErrorCode): NamedKernelError =>
  class extends KernelError {
    static override readonly name: string = ename;

    constructor(failure: Omit<KernelFailure, "ename"> | string, details?: ErrorDetails) {
      const facts = typeof failure === "string" ? { evalue: failure } : failure;
      super({ ...facts, ename }, details, code);
      this.name = ename;
      if (this.traceback.length > 0) hideAway(this, "stack", renderStack(this, this));
    }
  };

type NamedKernelError = new (failure: Omit<KernelFailure, "ename"> | string, details?: ErrorDetails) => KernelError;

/** An engine died or left while it had the request. */
export const EngineError: NamedKernelError = kernelErrorClass("EngineError", "ERR_ENGINE");
/** No engine is registered. */
export const NoEnginesRegistered: NamedKernelError = kernelErrorClass("NoEnginesRegistered", "ERR_NO_ENGINES");
/** The request was aborted before it ran, or cancelled and stopped while it ran: then it names the engine that ran it. */
export const TaskAborted: NamedKernelError = kernelErrorClass("TaskAborted", "ERR_TASK_ABORTED");
/** The task waited longer than its timeout. */
export const TaskTimeout: NamedKernelError = kernelErrorClass("TaskTimeout", "ERR_TASK_TIMEOUT");
/** The request ran longer than its `timeLimitMs`. */
export const TimeLimitExceeded: NamedKernelError = kernelErrorClass("TimeLimitExceeded", "ERR_TIME_LIMIT");
/** An engine declined the task. */
export const TaskRejectError: NamedKernelError = kernelErrorClass("TaskRejectError", "ERR_TASK_REJECTED");
/** A functional dependency does not hold on the engine: the scheduler tries another. */
export const UnmetDependency: NamedKernelError = kernelErrorClass("UnmetDependency", "ERR_UNMET_DEPENDENCY");
/** A dependency can never be met. */
export const ImpossibleDependency: NamedKernelError = kernelErrorClass("ImpossibleDependency", "ERR_IMPOSSIBLE_DEPENDENCY");
/** A dependency was not met in time. */
export const DependencyTimeout: NamedKernelError = kernelErrorClass("DependencyTimeout", "ERR_DEPENDENCY_TIMEOUT");
/** A dependency names an unknown task or itself. */
export const InvalidDependency: NamedKernelError = kernelErrorClass("InvalidDependency", "ERR_INVALID_DEPENDENCY");

/** User code failed on an engine. `name` stays `RemoteError`; the remote class name is `ename`. */
export class RemoteError extends KernelError {
  constructor(failure: KernelFailure, details?: ErrorDetails, code: ErrorCode = "ERR_REMOTE") {
    super(failure, details, code);
  }
}

/** Several engines failed; those that failed alike are shown once and counted, at most four kinds. */
export class CompositeError extends RemoteError {
  /** One error for each failure, in the order of the targets. */
  readonly errors: readonly Error[];

  constructor(errors: readonly Error[], details?: ErrorDetails) {
    const { text, traceback } = summarize(errors);
    super({ ename: "CompositeError", evalue: text, traceback }, details, "ERR_COMPOSITE");
    this.errors = errors;
  }
}

const BY_NAME: ReadonlyMap<string, NamedKernelError> = new Map(
  Object.entries({
    EngineError,
    NoEnginesRegistered,
    TaskAborted,
    TaskTimeout,
    TimeLimitExceeded,
    TaskRejectError,
    UnmetDependency,
    ImpossibleDependency,
    DependencyTimeout,
    InvalidDependency,
  }),
);

/**
 * Turns a failure that came over the wire into the error class of its name; `RemoteError` for all others. What its
 * traceback names as its cause becomes `cause`, with that one's own.
 */
export function kernelErrorFrom(failure: KernelFailure, details: ErrorDetails = {}): KernelError {
  const Named = BY_NAME.get(failure.ename);
  const cause = details.cause === undefined ? causeOf(failure) : undefined;
  const all = cause === undefined ? details : { cause: kernelErrorFrom(cause) };
  return Named === undefined ? new RemoteError(failure, all) : new Named(failure, all);
}
