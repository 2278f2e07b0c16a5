// Puts content into errors and instances that were made empty, so that cycles through them hold.

import { malformed } from "./payload.ts";

type ErrorClass = new (message?: string) => Error;

class EmptyAggregateError extends AggregateError {
  constructor() {
    super([]);
    Object.setPrototypeOf(this, AggregateError.prototype);
  }
}

const ERROR_CLASSES: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ["Error", Error],
  ["TypeError", TypeError],
  ["RangeError", RangeError],
  ["SyntaxError", SyntaxError],
  ["ReferenceError", ReferenceError],
  ["EvalError", EvalError],
  ["URIError", URIError],
  ["AggregateError", EmptyAggregateError],
]);

/** An error of the class of that name, or an `Error` that will bear the name. */
export function allocateError(className: string): Error {
  const before = Error.stackTraceLimit;
  // Its stack is the sender's; taking one here would only cost.
  Error.stackTraceLimit = 0;
  try {
    return new (ERROR_CLASSES.get(className) ?? Error)();
  } finally {
    Error.stackTraceLimit = before;
  }
}

/** Message, stack, cause, errors and own properties of an error. */
export function fillError(error: Error, className: string, content: unknown, theClass: Function | undefined): void {
  const facts = asRecord(content);
  hide(error, "message", typeof facts["message"] === "string" ? facts["message"] : "");
  hide(error, "stack", typeof facts["stack"] === "string" ? facts["stack"] : undefined);
  if ("cause" in facts) hide(error, "cause", facts["cause"]);
  if ("errors" in facts) hide(error, "errors", facts["errors"]);
  for (const [key, value] of Object.entries(asRecord(facts["props"]))) define(error, key, value);
  const prototype = theClass?.prototype as unknown;
  if (prototype instanceof Error) Object.setPrototypeOf(error, prototype);
  if ("name" in facts) hide(error, "name", facts["name"]);
  else if (error.name !== className) hide(error, "name", className);
}

/** Own properties, items and at last the prototype, so that no setter of the class runs. */
export function fillInstance(shell: object, content: unknown, theClass: Function): void {
  if (!Array.isArray(content) || !Array.isArray(content[1])) throw malformed("an instance has no content");
  const items = content[1] as unknown[];
  if (Array.isArray(shell)) for (const item of items) shell.push(item);
  else if (shell instanceof Map) for (let i = 0; i + 1 < items.length; i += 2) shell.set(items[i], items[i + 1]);
  else if (shell instanceof Set) for (const item of items) shell.add(item);
  for (const [key, value] of Object.entries(asRecord(content[0]))) define(shell, key, value);
  const prototype = theClass.prototype as unknown;
  if (typeof prototype === "object" && prototype !== null) Object.setPrototypeOf(shell, prototype);
}

/** Own properties of a function, and the methods of a class written as a function. */
export function fillFunction(fn: Function, content: unknown): void {
  if (!Array.isArray(content)) throw malformed("a function has no content");
  for (const [key, value] of Object.entries(asRecord(content[0]))) define(fn, key, value);
  const methods = Object.entries(asRecord(content[1]));
  if (methods.length === 0) return;
  for (const [key, value] of methods) define(asRecord(fn.prototype), key, value);
}

function asRecord(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw malformed("an error or instance has no content");
  return value as Record<string, unknown>;
}

function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function hide(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: false, configurable: true, writable: true });
}
