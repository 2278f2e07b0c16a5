// How a function travels. Its text says which names it needs; the inspector says what these are bound to; what is bound
// to an imported package or builtin goes by specifier, everything else by value. Names found in no scope stay free: on
// the engine they mean the engine's globals. The plan is kept for each function, the text's facts for each text.

import { types } from "node:util";

import { BoundedMap } from "../base/index.ts";
import { VITE_IMPORT } from "./builder.ts";
import { shownValue, type DefinitionUse } from "./class-definition.ts";
import { createCode, type Code, type CodeFacts } from "./code.ts";
import { parseFunctionSource, type FreeName, type FunctionSource } from "./function-source.ts";
import { knownFact } from "./known-functions.ts";
import { FactValue, findRecord, keepClass, keepImported, type CodeRecord, type TravelRecord } from "./records.ts";
import { isRequired } from "./required-modules.ts";
import { isClean } from "./scan.ts";
import { readInside, type FunctionInside, type FunctionLocation } from "./scope-reader.ts";
import { areNamesKnown, importedScript, scriptNames, scriptUrl, writtenPlace, type ImportedName, type ScriptNames } from "./script-table.ts";
import type { WrittenPlace } from "./source-maps.ts";
import { isNativeFunction } from "./things.ts";

/** Makes the error for a function that cannot travel. */
export type RefuseFunction = (problem: string, remedy: string) => Error;

/** How a function travels; a bound one by what it is bound to. */
export type Captured = TravelRecord | { readonly bound: NonNullable<FunctionInside["bound"]> };

const PLANS = new WeakMap<Function, TravelRecord>();
const SOURCES_MAX = 2000;
const SOURCES = new BoundedMap<string, FunctionSource>(SOURCES_MAX);
const CODES = new BoundedMap<string, Code>(SOURCES_MAX);
/** Positions of functions that need no look into their scopes, by text. */
const PLACES = new BoundedMap<string, WrittenPlace>(SOURCES_MAX);

const PROCESS_MARK = Math.trunc(Math.random() * 2 ** 48).toString(36);
let classCount = 0;

/** How `fn` travels, from its plan when it was sent before. */
export function captureFunction(fn: Function, refuse: RefuseFunction): Captured {
  const plan = findRecord(fn) ?? PLANS.get(fn);
  if (plan !== undefined) return plan;
  if (types.isProxy(fn)) throw refuse("is a Proxy", "send the function behind it");
  const known = knownFact(fn);
  if (known !== undefined) return { fact: known };
  const source = Function.prototype.toString.call(fn);
  if (isNativeFunction(fn)) return captureNative(fn, refuse);
  const record = captureCode(fn, source, refuse);
  PLANS.set(fn, record);
  return record;
}

/** Whether instances of a class, or of one it extends, may have members with names that begin with `#`. */
export function hasPrivateMembers(theClass: Function): boolean {
  for (let at: unknown = theClass; typeof at === "function" && at !== Function.prototype; at = Object.getPrototypeOf(at)) {
    if (!isNativeFunction(at) && parsedSource(Function.prototype.toString.call(at))?.hasPrivate === true) return true;
  }
  return false;
}

/** Static members that a class was given after its text was evaluated, as compilers do for older targets; none when the text says too little. */
export function addedStatics(theClass: Function): readonly string[] {
  const keys = Object.keys(theClass);
  if (keys.length === 0 || findRecord(theClass) !== undefined) return [];
  const made = parsedSource(Function.prototype.toString.call(theClass))?.staticFields;
  return made === undefined ? [] : keys.filter((key) => !made.has(key));
}

/** Whether a function is part of Node itself. */
export function isNodeOwn(fn: Function): boolean {
  if (PLANS.has(fn) || findRecord(fn) !== undefined) return false;
  if (isNativeFunction(fn)) return true;
  const { location } = readInside(fn);
  return location !== undefined && scriptUrl(location.scriptId).startsWith("node:");
}

function captureNative(fn: Function, refuse: RefuseFunction): Captured {
  const { bound } = readInside(fn);
  if (bound !== undefined) return { bound };
  throw refuse("its code is native", "make it on the engine, or wrap it: `(x) => …`");
}

function captureCode(fn: Function, source: string, refuse: RefuseFunction): TravelRecord {
  const parsed = parsedSource(source);
  if (parsed === undefined) throw refuse("its text cannot be read", "write it as a plain function");
  if (parsed.obstacle !== undefined) throw refuse(parsed.obstacle.fact, parsed.obstacle.remedy);
  const free = parsed.free.filter(({ name }) => !NEVER_CAPTURED.has(name));
  const reader = free.length === 0 ? undefined : new BindingReader(fn, free, parsed.definitionUses);
  if (reader?.lost !== undefined)
    throw refuse(`defining it needs "${reader.lost}", which V8 has not kept`, `use \`${reader.lost}\` in a method of the class too, so that it is kept`);
  const place = reader === undefined ? placeOf(fn, source, parsed) : toPlace(reader.location, source, parsed);
  if (place?.url.startsWith("node:") === true) throw refuse("it is part of Node and has no name outside", "call it inside a function of your own");
  const facts: CodeFacts = {
    name: typeof fn.name === "string" ? fn.name : "",
    form: parsed.form,
    text: parsed.text,
    bindings: reader?.bindings ?? [],
    eager: reader?.eager ?? [],
    isStrict: isStrict(fn, parsed, reader),
    hasPrivate: parsed.hasPrivate,
    ...place,
  };
  const classId = parsed.form === "class" ? `${PROCESS_MARK}-${++classCount}` : "";
  if (classId !== "") keepClass(classId, fn);
  const record: CodeRecord = { code: codeOf(facts), classId, values: reader === undefined ? noValues : () => reader.values() };
  return record;
}

// esbuild's and Vite's helpers, which engines always have; the others cannot be rebound.
const NEVER_CAPTURED: ReadonlySet<string> = new Set(["__name", VITE_IMPORT, "undefined", "NaN", "Infinity", "globalThis"]);
const NO_VALUES: readonly unknown[] = [];
const noValues = (): readonly unknown[] => NO_VALUES;

function parsedSource(source: string): FunctionSource | undefined {
  let parsed = SOURCES.get(source);
  if (parsed === undefined) {
    parsed = parseFunctionSource(source);
    if (parsed !== undefined) SOURCES.set(source, parsed);
  }
  return parsed;
}

function codeOf(facts: CodeFacts): Code {
  const key = `${facts.text}\n${facts.name}\n${facts.bindings.join()}\n${facts.isStrict}\n${facts.url}:${facts.line}:${facts.column}`;
  let code = CODES.get(key);
  if (code === undefined) {
    code = createCode(facts);
    CODES.set(key, code);
  }
  return code;
}

/** Plain functions show it; of the others only those are taken for sloppy that could not do the same when strict. */
function isStrict(fn: Function, parsed: FunctionSource, reader: BindingReader | undefined): boolean {
  if (parsed.form === "class") return true;
  if (!parsed.isArrow && showsArguments(fn)) return false;
  return reader === undefined || !reader.assignsGlobals || reader.isInModule;
}

/** V8 lets nobody ask strict functions for `arguments`; sloppy ones have it themselves or, in newer versions, from their prototype. */
function showsArguments(fn: Function): boolean {
  try {
    return (fn as { readonly arguments?: unknown }).arguments !== undefined;
  } catch {
    return false; // as strict functions do
  }
}

// ── place ──

function placeOf(fn: Function, source: string, parsed: FunctionSource): WrittenPlace | undefined {
  const known = PLACES.get(source);
  if (known !== undefined) return known;
  const place = toPlace(readInside(fn).location, source, parsed);
  if (place !== undefined) PLACES.set(source, place);
  return place;
}

/** V8 tells where the parameters begin; the text of anything but an arrow begins before. */
function toPlace(location: FunctionLocation | undefined, source: string, parsed: FunctionSource): WrittenPlace | undefined {
  if (location === undefined) return undefined;
  const before = parsed.isArrow || parsed.form === "class" ? "" : source.slice(0, Math.max(0, source.indexOf("(")));
  const rowsBefore = before.split("\n").length - 1;
  const { scriptId, line, column } = location;
  const start = rowsBefore > 0 ? { line: Math.max(0, line - rowsBefore), column: 0 } : { line, column: Math.max(0, column - before.length) };
  const place = writtenPlace(scriptId, source, start, rowsBefore > 0 ? 0 : before.length);
  // The URL of a `data:` module is its whole text: nothing to send along with each of its functions.
  return place.url === "" || place.url.startsWith("data:") ? undefined : place;
}

// ── bindings ──

interface Binding {
  readonly name: string;
  readonly member: string | undefined;
  /** Where the variable is: as V8 names the scope. */
  readonly scope: string;
  /** The namespace a member is read from; it never changes, its members may. */
  readonly root: Readonly<Record<string, unknown>> | undefined;
  /** Whether the value can never change. */
  isFixed: boolean;
  /** Whether other scripts may assign to it, as later cells do to a cell's. */
  readonly isShared?: boolean;
  /** What is sent in place of the value, as long as the value is this one. */
  known: { readonly value: unknown; readonly sent: unknown } | undefined;
}

/** Reads what the free names of one function are bound to, at each send again where they can change. */
class BindingReader {
  readonly bindings: string[] = [];
  readonly eager: number[] = [];
  readonly location: FunctionLocation | undefined;
  readonly isInModule: boolean;
  /** The function assigns to a name that no scope has. */
  assignsGlobals = false;
  /** A variable that the class needed when it was defined, and whose value nothing shows any more. */
  lost: string | undefined;
  readonly #fn: Function;
  readonly #items: Binding[] = [];
  #first: unknown[] | undefined = [];
  /** What the last send read. */
  #last: readonly unknown[] = NO_VALUES;
  /** Values of a function none of whose bindings can change; `undefined` until that is known. */
  #fixed: readonly unknown[] | undefined;
  #mayBeFixed = true;

  constructor(fn: Function, free: readonly FreeName[], definition: readonly DefinitionUse[]) {
    this.#fn = fn;
    const inside = readInside(fn);
    this.location = inside.location;
    this.isInModule = inside.scopes.some(({ kind }) => kind === "Module");
    for (const name of free) this.#add(name, inside, definition);
  }

  /** The values as they are now. */
  values(): readonly unknown[] {
    if (this.#fixed !== undefined) return this.#fixed;
    const first = this.#first;
    if (first !== undefined) {
      this.#first = undefined;
      this.#last = first.map((value, i) => this.#sent(this.#items[i] as Binding, value));
      if (this.#isSoonDecided()) this.#fix();
      return this.#last;
    }
    if (this.#mayBeFixed) this.#fix();
    return this.#fixed ?? (this.#last = this.#readAgain());
  }

  #add({ name, members, written, eager }: FreeName, inside: FunctionInside, definition: readonly DefinitionUse[]): void {
    const scope = inside.scopes.find(({ kind, vars }) => kind !== "Global" && Object.hasOwn(vars, name));
    if (scope === undefined) {
      this.assignsGlobals ||= written;
      if (!(name in globalThis)) for (const use of definition) if (use.name === name) this.#recover(use);
      return;
    }
    const value = readVariable(scope.vars, name);
    const isShared = scope.kind === "Cells";
    if (members !== undefined && isNamespaceLike(name, value))
      for (const member of members)
        this.#push({ name, member, scope: scope.kind, root: value, isFixed: false, isShared, known: undefined }, value[member], eager);
    else this.#push({ name, member: undefined, scope: scope.kind, root: undefined, isFixed: false, isShared, known: undefined }, value, eager);
  }

  #recover(use: DefinitionUse): void {
    const { name, member } = use;
    if (this.#items.some((binding) => binding.name === name && binding.member === member)) return;
    const value = shownValue(this.#fn, use);
    if (value === undefined) this.lost ??= name;
    else this.#push({ name, member, scope: "", root: undefined, isFixed: true, known: undefined }, value, true);
  }

  #push(binding: Binding, value: unknown, eager: boolean): void {
    if (eager) this.eager.push(this.bindings.length);
    this.bindings.push(binding.member === undefined ? binding.name : `${binding.name}.${binding.member}`);
    this.#items.push(binding);
    this.#first?.push(value);
  }

  #readAgain(): unknown[] {
    const last = this.#last;
    const inside = this.#items.some(({ root, isFixed }) => root === undefined && !isFixed) ? readInside(this.#fn) : undefined;
    return this.#items.map((binding, i) => {
      if (binding.isFixed) return last[i];
      if (binding.root !== undefined) return this.#sent(binding, binding.root[binding.member as string]);
      const scope = inside?.scopes.find(({ kind, vars }) => kind !== "Global" && Object.hasOwn(vars, binding.name));
      return this.#sent(binding, scope === undefined ? undefined : readVariable(scope.vars, binding.name));
    });
  }

  /** Whether `#fix` costs nothing: no script need be parsed for it, neither the function's own nor that of an import. */
  #isSoonDecided(): boolean {
    const scriptId = this.location?.scriptId;
    if (scriptId === undefined || !areNamesKnown(scriptId)) return false;
    const { imports } = scriptNames(scriptId);
    return !this.#items.some(({ name }) => imports.has(name));
  }

  /** Decides once, by the second send, which of the values sent last can change at all: parsing the script is dear. */
  #fix(): void {
    const values = this.#last;
    this.#mayBeFixed = false;
    if (this.location === undefined) return;
    const names = scriptNames(this.location.scriptId);
    const url = scriptUrl(this.location.scriptId);
    this.#items.forEach((binding, i) => {
      if (binding.isFixed) return;
      const value = binding.known === undefined ? values[i] : binding.known.value;
      // What is still undefined may be a variable before its initialisation.
      if (value === undefined || binding.isShared === true || names.isAssigned(binding.name)) return;
      const imported = importOf(binding, binding.root ?? value, url, names);
      binding.isFixed = binding.root === undefined && imported === undefined ? true : isFixedImport(value, url, imported, binding.member);
    });
    if (this.#items.every(({ isFixed }) => isFixed)) this.#fixed = values;
  }

  #sent(binding: Binding, value: unknown): unknown {
    if ((typeof value !== "function" && typeof value !== "object") || value === null) return value;
    if (binding.known === undefined || binding.known.value !== value) binding.known = { value, sent: this.#inPlaceOf(binding, value) };
    return binding.known.sent;
  }

  /** Packages and builtins go by specifier, `require` by what it is. */
  #inPlaceOf(binding: Binding, value: object): unknown {
    const known = findRecord(value) === undefined ? knownFact(value) : undefined;
    if (known !== undefined) return new FactValue(known);
    if (this.location === undefined || (typeof value === "object" && isClean(value) && !types.isModuleNamespaceObject(value))) return value;
    const url = scriptUrl(this.location.scriptId);
    if (binding.name === "require" && typeof value === "function" && "resolve" in value) return new FactValue(["require", url]);
    const imported = importOf(binding, binding.root ?? value, url, scriptNames(this.location.scriptId));
    if (imported === undefined) return value;
    const specifier = packageSpecifier(imported.specifier);
    if (specifier === undefined) return value;
    const path = binding.member === undefined ? imported.path : imported.path[0] === "default" ? [binding.member] : [...imported.path, binding.member];
    const fact = ["import", specifier, path, url] as const;
    keepImported(fact, value);
    return new FactValue(fact);
  }
}

/** The import that a variable is; `undefined` for one of a function inside that only has the same name. */
function importOf(binding: Binding, value: unknown, url: string, names: ScriptNames): ImportedName | undefined {
  const imported = names.imports.get(binding.name);
  if (imported === undefined || imported.isDeclaration) return binding.scope === "Module" ? imported : undefined;
  return !names.isAmbiguous(binding.name) || isRequired(value, imported, url) ? imported : undefined;
}

/** A variable that is not initialised yet reads as `undefined`; newer versions of Node throw. */
function readVariable(vars: Readonly<Record<string, unknown>>, name: string): unknown {
  try {
    return vars[name];
  } catch {
    // In its temporal dead zone: the function could not read it now either.
    return undefined;
  }
}

/** Names that compilers give to imported modules. */
const IMPORT_NAME = /^(?:exports|import_.+|__vite_ssr_import_\d+__|__vi_import_\d+__|.+_\d+)$/;

/** Whether members can be taken one by one: of a module they need no `this`. */
function isNamespaceLike(name: string, value: unknown): value is Record<string, unknown> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  if (types.isModuleNamespaceObject(value)) return true;
  const known = knownFact(value);
  if (known?.[0] === "import") return known[2].length === 0 || known[2][0] === "default";
  const module = value as { readonly __esModule?: unknown; readonly [Symbol.toStringTag]?: unknown };
  if (module.__esModule === true || module[Symbol.toStringTag] === "Module") return true;
  return name === "exports" || (IMPORT_NAME.test(name) && "default" in value);
}

/** The specifier to import on the engine: packages and builtins; local files go by value. */
function packageSpecifier(specifier: string): string | undefined {
  if (specifier.startsWith("node:")) return specifier;
  // Bundlers put the file of a package in place of its name.
  const inPackages = /^(?:file:\/\/|\/|[A-Za-z]:).*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(specifier);
  if (inPackages !== null) return inPackages[1];
  return /^[.#/~]|^[A-Za-z]:|^file:|^data:/.test(specifier) ? undefined : specifier;
}

/** Whether an exported value stays: the module that made it never assigns to its name. */
function isFixedImport(value: unknown, importer: string, imported: ImportedName | undefined, member: string | undefined): boolean {
  if (types.isModuleNamespaceObject(value)) return true;
  const exportName = member ?? imported?.path[0];
  const exporter = imported === undefined || exportName === undefined || exportName === "default" ? undefined : importedScript(importer, imported.specifier);
  if (exporter !== undefined) return !scriptNames(exporter).isAssigned(exportName as string) && !scriptNames(exporter).renamesExports;
  if (knownFact(value) !== undefined) return true;
  if (typeof value !== "function" || isNativeFunction(value) || types.isProxy(value)) return false;
  const { location } = readInside(value);
  return location !== undefined && !scriptNames(location.scriptId).isAssigned(value.name);
}
