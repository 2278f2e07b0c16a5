// The engine's namespace: the global object of the main context. Names that cells and pushes make are its properties, so
// functions see later pushes, and clearing is deleting.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { InvalidArgumentError } from "../base/index.ts";
import { isLocked, lockedError, lockIntrinsics } from "./intrinsics.ts";

/** Options for every script the engine compiles: `import()` in it resolves as in a file of the working directory. */
const IMPORTS = { importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER };
const SIMPLE_NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;
const NOT_A_REFERENCE = new Set(["null", "true", "false", "this", "undefined"]);
/** Files whose view of modules is kept. */
const IMPORTERS_MAX = 1000;
/** Root of this package's compiled files. */
const PACKAGE_ROOT = new URL("../", import.meta.url);
/** Entrances of this package and their files. */
const ENTRANCES: Readonly<Record<string, string>> = {
  tsparallel: "index.js",
  "tsparallel/engine": "engine/public.js",
  "tsparallel/config": "config/public.js",
};

type Attributes = Readonly<Record<string, string>>;
type Importer = (specifier: string, options: { readonly with: Attributes }) => Promise<unknown>;

interface ImportOptions {
  readonly parent?: string | undefined;
  readonly attributes?: Attributes;
}

const globals = globalThis as unknown as Record<string, unknown>;

/** Compiles code of the user; `filename` must carry a mark that the containment knows. */
export function compile(code: string, options: { readonly filename: string; readonly lineOffset?: number; readonly columnOffset?: number }): vm.Script {
  return new vm.Script(code, { ...options, ...IMPORTS });
}

/** Names, properties and modules as user code on this engine sees them. */
export class Namespace {
  /** What the global object had before any user code; clearing brings it back. */
  #initial = new Map<string, PropertyDescriptor>();
  /** `import` as seen from a file, by its path. */
  readonly #importers = new Map<string, Importer>();
  readonly #onDeclared: (name: string) => void;

  /** @param onDeclared called with each name that cells make, each time */
  constructor(onDeclared: (name: string) => void = () => undefined) {
    this.#onDeclared = onDeclared;
  }

  /** Makes `require` available, as in a file of the working directory, and notes what belongs to the platform. */
  prepare(): void {
    const require = createRequire(join(process.cwd(), "cell"));
    lockIntrinsics();
    Object.defineProperty(globalThis, "require", { value: require, configurable: true, writable: true, enumerable: false });
    this.#initial = new Map(Object.entries(Object.getOwnPropertyDescriptors(globalThis)));
  }

  /** Value of an expression. */
  evaluate(expression: string): unknown {
    if (SIMPLE_NAME.test(expression) && !NOT_A_REFERENCE.has(expression)) {
      if (expression in globals) return globals[expression];
      throw new ReferenceError(`${expression} is not defined`);
    }
    return compile(`(${expression}\n)`, { filename: "ipp-cell-expression.js", columnOffset: -1 }).runInThisContext();
  }

  /** Sets names; a dotted one sets a property of what its first part names. */
  push(values: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(values)) this.#set(name, value);
  }

  #set(name: string, value: unknown): void {
    const parts = name.split(".");
    const last = parts.pop();
    if (last === undefined || ![...parts, last].every((part) => SIMPLE_NAME.test(part)))
      throw new InvalidArgumentError(`cannot push to "${name}"; use a name, or names joined by dots`);
    const holder = parts.length === 0 ? globals : this.evaluate(parts.join("."));
    if ((typeof holder !== "object" && typeof holder !== "function") || holder === null)
      throw new TypeError(`cannot push to "${name}": ${parts.join(".")} is not an object`);
    if (holder === globals) {
      if (isLocked(last) && globals[last] === value) return;
      this.declare([last]);
    }
    (holder as Record<string, unknown>)[last] = value;
  }

  /** Value of one expression, or a list of values for a list of expressions. */
  pull(names: string | readonly string[]): unknown {
    return typeof names === "string" ? this.evaluate(names) : names.map((name) => this.evaluate(name));
  }

  /**
   * Makes sure that names can be assigned to and deleted again.
   *
   * @throws TypeError for names that the engine itself needs
   */
  declare(names: Iterable<string>): void {
    for (const name of names) {
      if (isLocked(name)) throw lockedError(name);
      this.#onDeclared(name);
      const found = Object.getOwnPropertyDescriptor(globalThis, name);
      const isAssignable = found !== undefined && (found.set !== undefined || found.writable === true);
      if (isAssignable || found?.configurable === false) continue;
      Object.defineProperty(globalThis, name, { value: found?.value, writable: true, configurable: true, enumerable: true });
    }
  }

  /** Deletes everything that user code made, and restores what it replaced. */
  clear(): void {
    for (const name of Object.getOwnPropertyNames(globalThis)) {
      if (!this.#initial.has(name) && !Reflect.deleteProperty(globalThis, name)) globals[name] = undefined;
    }
    for (const [name, before] of this.#initial) {
      const now = Object.getOwnPropertyDescriptor(globalThis, name);
      // An untouched lazy property may have become its value; that is no change of the user's.
      const isSame = now !== undefined && (before.get !== undefined ? now.get === before.get : now.value === before.value);
      if (!isSame && before.configurable === true && before.get === undefined) Object.defineProperty(globalThis, name, before);
    }
  }

  /**
   * Imports a module as a file of the working directory would, or as `parent` would if that is given and can; this
   * package's own entrances are this very copy.
   *
   * @param options.parent URL of the file that the import was written in, perhaps on another machine
   * @param options.attributes as in `with { type: "json" }`
   */
  async importModule(specifier: string, { parent, attributes = {} }: ImportOptions = {}): Promise<unknown> {
    const own = ownModule(specifier);
    if (own !== undefined) return import(own);
    if (parent === undefined || !parent.startsWith("file://")) return this.#importHere(specifier, attributes);
    try {
      return await this.#importFrom(fileURLToPath(parent), specifier);
    } catch (error) {
      // The file's directory may not exist here; what is installed here may do as well. A path of its own has no such twin.
      const isMissing = (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND";
      if (!isMissing || specifier.startsWith(".")) throw error;
      return this.#importHere(specifier);
    }
  }

  async #importHere(specifier: string, attributes: Attributes = {}): Promise<unknown> {
    const here = join(process.cwd(), "ipp-cell-import.js");
    try {
      return await this.#importFrom(here, specifier, attributes);
    } catch (error) {
      throw inCellsWords(error, here);
    }
  }

  async #importFrom(file: string, specifier: string, attributes: Attributes = {}): Promise<unknown> {
    let importer = this.#importers.get(file);
    if (importer === undefined) {
      importer = compile("(specifier, options) => import(specifier, options)", { filename: file }).runInThisContext() as Importer;
      if (this.#importers.size < IMPORTERS_MAX) this.#importers.set(file, importer);
    }
    try {
      return await importer(specifier, { with: attributes });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_UNKNOWN_FILE_EXTENSION") throw error;
      // TypeScript that this Node does not read by itself.
      const { createJiti } = await import("jiti");
      return createJiti(file).import(specifier);
    }
  }
}

/** What cannot be found, without the file that stands in for the cell and that nobody has written. */
function inCellsWords(error: unknown, file: string): unknown {
  const importer = ` imported from ${file}`;
  if (!(error instanceof Error) || !error.message.includes(importer)) return error;
  const folder = dirname(file);
  const before = error.message;
  const isPackage = before.startsWith("Cannot find package");
  error.message = before.replace(
    importer,
    isPackage ? ` from ${folder}; install it there, or in a folder above` : `, imported by a cell that runs in ${folder}`,
  );
  if (error.stack !== undefined) {
    const lines = error.stack.replace(before, () => error.message).split("\n");
    error.stack = lines.filter((line) => !line.includes(`at ${file}:`)).join("\n");
  }
  return error;
}

/** URL of a module of this package, when the specifier names one; `undefined` for all others. */
export function ownModule(specifier: string): string | undefined {
  if (specifier !== "tsparallel" && !specifier.startsWith("tsparallel/")) return undefined;
  const file = ENTRANCES[specifier] ?? `${specifier.slice("tsparallel/".length)}/index.js`;
  if (!/^[\w./-]+$/.test(file) || file.includes("..")) throw new InvalidArgumentError(`"${specifier}" names no module of this package`);
  return new URL(file, PACKAGE_ROOT).href;
}

/** Parts of a path that tell the engine's own code from the user's. */
export function ownCodePaths(): string[] {
  return [PACKAGE_ROOT.pathname, "/node_modules/zeromq/", "/node_modules/acorn/", "/node_modules/@swc/"];
}
