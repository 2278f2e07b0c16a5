// Looks into a function through an inspector session inside the process: its scopes with the values in them, where it
// was written, and what a bound function is bound to. Every request that does not await is answered synchronously. The
// session is closed soon: an open one keeps what the program logs.

import { Session } from "node:inspector";

import { SerializationError } from "../base/index.ts";
import { cellScopes } from "./cell-variables.ts";

/** A scope around a function; `vars` has a property for each variable some inner function uses. */
export interface ScopeVariables {
  /** As V8 names it: `Closure`, `Block`, `Module`, `Script`, `Global`, …; `Cells` for what cells of a notebook made. */
  readonly kind: string;
  readonly vars: Readonly<Record<string, unknown>>;
}

/** Where a function was written: position of its parameters, zero-based. */
export interface FunctionLocation {
  readonly scriptId: string;
  readonly line: number;
  readonly column: number;
}

/** What the inspector sees of a function. */
export interface FunctionInside {
  /** Innermost first; empty for native and bound functions. */
  readonly scopes: readonly ScopeVariables[];
  readonly location: FunctionLocation | undefined;
  /** For a bound function: target, `this`, arguments. */
  readonly bound: readonly [target: unknown, self: unknown, args: readonly unknown[]] | undefined;
}

/** Sends one request and returns its answer. */
export type InspectorPost = (method: string, parameters?: object) => unknown;

// `node:vm` contexts (vitest has pools that use them) have a `globalThis` of their own; the inspector evaluates in the
// main one, which the constructor of a class of Node's reaches from anywhere.
const MAIN_GLOBAL = (Session as unknown as { constructor: FunctionConstructor }).constructor("return globalThis")() as Record<symbol, unknown>;
const SLOT = Symbol.for("tsparallel.capture");
const SLOT_EXPRESSION = 'globalThis[Symbol.for("tsparallel.capture")].subject';
const RECEIVE = 'function(){globalThis[Symbol.for("tsparallel.capture")].received=this}';
const RECEIVE_ARGUMENT = 'function(v){globalThis[Symbol.for("tsparallel.capture")].received=v}';

/** Hands values to the inspector and back. It stays where it was put: to define a global anew costs a third of a request. */
const slot: { subject: unknown; received: unknown } = { subject: undefined, received: undefined };

/** Uses of one session before it is closed: it holds every object it was asked about. */
const SESSION_USES_MAX = 100;

let open: { readonly session: Session; uses: number } | undefined;

/** Runs `work` with an open session, which is closed in the loop's next turn: many functions sent at once share it. */
export function withInspector<T>(work: (post: InspectorPost, session: Session) => T): T {
  if (open !== undefined && open.uses >= SESSION_USES_MAX) closeSession();
  if (open === undefined) {
    open = { session: openSession(), uses: 0 };
    setImmediate(closeSession).unref();
  }
  open.uses += 1;
  const { session } = open;
  return work((method, parameters) => post(session, method, parameters), session);
}

function openSession(): Session {
  const session = new Session();
  try {
    session.connect();
  } catch (cause) {
    throw new SerializationError("cannot look into functions: this Node has no inspector", {
      path: "function",
      remedy: "run Node with the inspector allowed (`--allow-inspector` under `--permission`)",
      cause,
    });
  }
  return session;
}

function closeSession(): void {
  open?.session.disconnect();
  open = undefined;
}

function post(session: Session, method: string, parameters: object | undefined): unknown {
  let failure: Error | null = null;
  let answer: unknown;
  session.post(method, parameters, (error: Error | null, result: unknown) => {
    failure = error;
    answer = result;
  });
  if (failure !== null) throw failure as Error;
  return answer;
}

interface InternalProperty {
  readonly name: string;
  readonly value?: { readonly objectId?: string; readonly value?: unknown };
}

/** Looks into `fn`. */
export function readInside(fn: Function): FunctionInside {
  return withInspector((ask) => {
    // Another copy of this module may have put its own there.
    if (MAIN_GLOBAL[SLOT] !== slot) Object.defineProperty(MAIN_GLOBAL, SLOT, { value: slot, configurable: true });
    slot.subject = fn;
    try {
      const fnId = evaluate(ask, SLOT_EXPRESSION);
      const found = ask("Runtime.getProperties", { objectId: fnId, ownProperties: true, nonIndexedPropertiesOnly: true }) as {
        internalProperties?: InternalProperty[];
      };
      const internals = new Map((found.internalProperties ?? []).map((property) => [property.name, property]));
      const take = (name: string): unknown => {
        const value = internals.get(name)?.value;
        if (value?.objectId === undefined) return value?.value;
        // In sloppy code `this` would be an object around a primitive value; V8's list of scopes is one itself.
        const call =
          name === "[[Scopes]]"
            ? { objectId: value.objectId, functionDeclaration: RECEIVE }
            : { objectId: fnId, functionDeclaration: RECEIVE_ARGUMENT, arguments: [{ objectId: value.objectId }] };
        ask("Runtime.callFunctionOn", { ...call, silent: true });
        return slot.received;
      };
      if (internals.has("[[TargetFunction]]")) {
        return { scopes: [], location: undefined, bound: [take("[[TargetFunction]]"), take("[[BoundThis]]"), Array.from(take("[[BoundArgs]]") as unknown[])] };
      }
      const scopes = take("[[Scopes]]") as ArrayLike<{ readonly description: string; readonly object: Record<string, unknown> }> | undefined;
      const location = internals.get("[[FunctionLocation]]")?.value?.value as { scriptId: string; lineNumber: number; columnNumber: number } | undefined;
      return {
        scopes: scopes === undefined ? [] : [...Array.from(scopes, (scope) => ({ kind: scope.description, vars: scope.object })), ...cellScopes()],
        location: location === undefined ? undefined : { scriptId: location.scriptId, line: location.lineNumber, column: location.columnNumber },
        bound: undefined,
      };
    } finally {
      slot.subject = undefined;
      slot.received = undefined;
    }
  });
}

function evaluate(ask: InspectorPost, expression: string): string {
  const { result } = ask("Runtime.evaluate", { expression, silent: true }) as { result: { objectId: string } };
  return result.objectId;
}
