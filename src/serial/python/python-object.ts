// What comes from Python and has no counterpart here: a stand-in that says what it is, is never executed, and can be sent
// back as it came.

import { InvalidArgumentError } from "../../base/index.ts";

/** How Python makes the object: the global itself, a call of it, or `__new__` alone. */
export type PythonOrigin = "global" | "call" | "new";

/** What a stand-in is made of. */
export interface PythonObjectParts {
  /** Default: `call` with arguments, else `global`. */
  readonly origin?: PythonOrigin;
  /** Arguments it is made with. */
  readonly args?: readonly unknown[];
  /** Keyword arguments it is made with. */
  readonly keywords?: Readonly<Record<string, unknown>>;
}

const SHOWN_CHARS_MAX = 200;

/**
 * An object of Python that has no counterpart in JavaScript: an instance of some class, or (without arguments) a class or
 * function itself. Nothing of it is executed here. Sent to a Python engine it becomes the object again:
 *
 * ```ts
 * await view.call("float", new PythonObject("decimal", "Decimal", { args: ["1.5"] })); // 1.5
 * ```
 */
export class PythonObject {
  /** Module of the class or function, like `decimal`. */
  readonly module: string;
  /** Its name in the module, like `Decimal`. */
  readonly name: string;
  /** How Python makes it. */
  readonly origin: PythonOrigin;
  /** Arguments it is made with. */
  readonly args: readonly unknown[];
  /** Keyword arguments it is made with. */
  readonly keywords: Readonly<Record<string, unknown>>;
  /** State set after it was made: mostly an object of its attributes. */
  state: unknown;
  /** Items appended after it was made: what a subclass of `list` or a `deque` holds. */
  readonly items: unknown[] = [];
  /** Items set after it was made: what a subclass of `dict` holds. */
  readonly entries: [key: unknown, value: unknown][] = [];

  /** Names a class or function of Python, and what it is called with. @throws InvalidArgumentError when the names are none */
  constructor(module: string, name: string, parts: PythonObjectParts = {}) {
    if (!isDottedName(name) || (module !== "" && !isDottedName(module)))
      throw new InvalidArgumentError(`"${module}" and "${name}" do not name anything in Python; give a module and a name in it, like "decimal" and "Decimal"`);
    this.module = module;
    this.name = name;
    this.args = parts.args ?? [];
    this.keywords = parts.keywords ?? {};
    this.origin = parts.origin ?? (parts.args === undefined && parts.keywords === undefined ? "global" : "call");
  }

  /** `decimal.Decimal`. */
  get qualifiedName(): string {
    return this.module === "builtins" ? this.name : `${this.module}.${this.name}`;
  }

  /** `<Python decimal.Decimal("1.5")>`. */
  toString(): string {
    if (this.origin === "global") return `<Python ${this.qualifiedName}>`;
    const shown = this.args.map((arg) => show(arg)).join(", ");
    return `<Python ${this.qualifiedName}(${shown.length > SHOWN_CHARS_MAX ? `${shown.slice(0, SHOWN_CHARS_MAX)}…` : shown})>`;
  }
}

/** A name, or names joined by dots; `<lambda>` and `<locals>` are names in Python too. */
function isDottedName(text: string): boolean {
  return /^[^\s.]+(?:\.[^\s.]+)*$/u.test(text);
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, SHOWN_CHARS_MAX));
  if (value === null) return "None";
  if (value instanceof PythonObject && value.origin === "global") return value.qualifiedName;
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? String(value) : "…";
}

/** A function or class of Python, by its name: it is called on Python engines, as a function of ours is on ours. */
export class PythonFunction<Args extends readonly unknown[] = readonly unknown[], R = unknown> extends PythonObject {
  /** Carries the types; never set. */
  declare readonly signature?: (...args: Args) => R;
}

/**
 * Names a function or class of Python, importable on the engines: `math.sqrt`, `len`, or `datetime:datetime.now`, with a
 * colon, for what lies deeper than one name in its module. The types are yours to give:
 *
 * ```ts
 * const sqrt = pythonFunction<[number], number>("math.sqrt");
 * await view.map(sqrt, [1, 4, 9]); // [1, 2, 3]
 * ```
 *
 * @throws InvalidArgumentError when the text is no such name
 */
export function pythonFunction<Args extends readonly unknown[] = readonly unknown[], R = unknown>(text: string): PythonFunction<Args, R> {
  const colon = text.indexOf(":");
  const dot = text.lastIndexOf(".");
  const at = colon >= 0 ? colon : dot;
  const module = at < 0 ? "builtins" : text.slice(0, at);
  const name = text.slice(at + 1);
  const isName = (part: string): boolean => /^[\p{ID_Start}_][\p{ID_Continue}]*(?:\.[\p{ID_Start}_][\p{ID_Continue}]*)*$/u.test(part);
  if (!isName(module) || !isName(name))
    throw new InvalidArgumentError(`"${text}" names no Python function; write "module.function", "module:Class.method", or "len" for a builtin`);
  return new PythonFunction(module, name);
}
