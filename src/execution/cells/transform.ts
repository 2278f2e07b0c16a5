// Rewrites a cell so that it runs as a script and leaves its top-level names on the global object (where later cells,
// functions of earlier cells and pushes meet them), with every error position exact.
//
//   const a = 1, {b} = f()     →  ;    (a = 1, {b} = f())         the keyword's own room is enough
//   class A { … }              →  A=class A { … };                 what is inserted goes behind the statement before
//   function f() { … }         →  blanked here, compiled on its own at its own place, and set before the cell runs
//   import { x } from "m"      →  blanked here, imported before the cell runs
//   … await … ; last           →  (async()=>{ … ;return{v:(last)}})()
//
// Declarations become assignments: a name may be declared again in a later cell, `const` is not enforced, and a
// declaration that failed leaves its name usable. Text is only ever inserted at the end of the previous statement or before
// the first one (`columnOffset` makes up for that), so lines always and columns nearly always stay what they were.

import {
  parse,
  type ExportNamedDeclaration,
  type ImportDeclaration,
  type ModuleDeclaration,
  type Options,
  type Program,
  type Statement,
  type VariableDeclaration,
} from "acorn";
import { boundNames, surveyCell, type CellFacts, type NestedVar } from "./syntax-tree.ts";

/** A function to compile and set before the cell runs. */
export interface HoistedFunction {
  readonly name: string;
  readonly source: string;
  /** From 0. */
  readonly line: number;
  /** From 0. */
  readonly column: number;
}

/** A module to import before the cell runs. */
export interface HoistedImport {
  readonly specifier: string;
  /** As in `with { type: "json" }`. */
  readonly attributes: Readonly<Record<string, string>>;
  /** `imported` is an export's name, or `*` for the module itself. */
  readonly bindings: readonly { readonly imported: string; readonly local: string }[];
}

/** A cell, ready to compile. */
export interface CellPlan {
  readonly script: string;
  /** Column of the script's first character; negative by the length of what was put before it. */
  readonly columnOffset: number;
  /** The script's value is a promise of `{ v: value }` or of nothing. */
  readonly isAsync: boolean;
  /** The cell ends with an expression, whose value is the cell's. */
  readonly hasValue: boolean;
  readonly isStrict: boolean;
  /** Names that the cell makes global. */
  readonly names: readonly string[];
  readonly functions: readonly HoistedFunction[];
  readonly imports: readonly HoistedImport[];
  /** The text is valid JavaScript, but means TypeScript. */
  readonly looksGeneric: boolean;
}

type TopLevel = Statement | ModuleDeclaration;

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const OPTIONS: Options = {
  ecmaVersion: "latest",
  sourceType: "script",
  allowAwaitOutsideFunction: true,
  allowImportExportEverywhere: true,
  allowHashBang: true,
  locations: true,
};

/**
 * Plans a cell.
 *
 * @param resolveOwn gives another module name for one written in `import("…")`, if need be
 * @throws acorn's SyntaxError, with `pos` and `loc`
 */
export function planCell(code: string, resolveOwn: (specifier: string) => string | undefined = () => undefined): CellPlan {
  const braced = parseAsObject(code);
  const { text, program } = braced ?? parseKeeping(code);
  return new Planner(text, program, braced === undefined ? 0 : -1, resolveOwn).plan();
}

/** `using` at the top would end what it names with the cell, and cells leave their names to the next: it is read as `const`. */
function parseKeeping(code: string): { readonly text: string; readonly program: Program } {
  let text = code;
  const starts: number[] = [];
  for (;;) {
    try {
      const program = parse(text, OPTIONS);
      if (starts.every((start) => program.body.some((statement) => statement.start === start))) return { text, program };
      parse(code, OPTIONS); // In a bare `case` it is wrong; this says so.
    } catch (error) {
      const { pos = 0, message } = error as SyntaxError & { readonly pos?: number };
      const [keyword] = (message.startsWith("Using declaration cannot appear in the top level") && /^(?:await +)?using\b/.exec(text.slice(pos))) || [];
      if (keyword === undefined || starts.includes(pos)) throw error;
      starts.push(pos);
      text = `${text.slice(0, pos)}${"const".padEnd(keyword.length)}${text.slice(pos + keyword.length)}`;
    }
  }
}

/** `{ a: 1 }` as a whole cell is an object, though a script would read a block. */
function parseAsObject(code: string): { readonly text: string; readonly program: Program } | undefined {
  if (!/^\s*\{/.test(code) || /;\s*$/.test(code)) return undefined;
  const text = `(${code}\n)`;
  try {
    return { text, program: parse(text, OPTIONS) };
  } catch {
    return undefined; // A block after all; parsed again as one, where errors are told.
  }
}

class Planner {
  readonly #code: string;
  readonly #body: readonly TopLevel[];
  readonly #facts: CellFacts;
  readonly #columnOffset: number;
  readonly #resolveOwn: (specifier: string) => string | undefined;
  readonly #edits: Edit[] = [];
  readonly #names = new Set<string>();
  readonly #functions: HoistedFunction[] = [];
  readonly #imports: HoistedImport[] = [];

  constructor(code: string, program: Program, columnOffset: number, resolveOwn: (specifier: string) => string | undefined) {
    this.#code = code;
    this.#body = program.body;
    this.#facts = surveyCell(program, code);
    this.#columnOffset = columnOffset;
    this.#resolveOwn = resolveOwn;
  }

  plan(): CellPlan {
    if (this.#code.startsWith("#!")) this.#replace(0, 2, "//");
    this.#body.forEach((statement, i) => this.#statement(statement, i));
    for (const nested of this.#facts.nestedVars) this.#nestedVar(nested);
    for (const edit of this.#ownImports()) if (!this.#isBlanked(edit)) this.#edits.push(edit);
    const hasValue = this.#lastValue();
    const isAsync = this.#facts.hasAwait;
    const prefix = isAsync ? "(async()=>{" : "";
    const { text, inserted } = this.#apply();
    return {
      script: isAsync ? `${prefix}${text}\n})()` : text,
      columnOffset: this.#columnOffset - prefix.length - inserted,
      isAsync,
      hasValue,
      isStrict: this.#isStrict(),
      names: [...this.#names],
      functions: this.#functions,
      imports: this.#imports,
      looksGeneric: this.#facts.looksGeneric,
    };
  }

  #statement(statement: TopLevel, index: number): void {
    if (statement.type === "VariableDeclaration" && isBareVar(statement)) this.#bareVar(statement);
    else if (statement.type === "VariableDeclaration") this.#variables(statement, true);
    else if (statement.type === "FunctionDeclaration") this.#function(statement.start, statement.end, statement.id.name, statement.loc?.start);
    else if (statement.type === "ClassDeclaration") this.#class(statement.end, statement.id.name, index);
    else if (statement.type === "ImportDeclaration") this.#import(statement);
    else if (statement.type === "ExportNamedDeclaration") this.#exportNamed(statement, index);
    else if (statement.type === "ExportDefaultDeclaration") this.#exportDefault(statement.start, statement.declaration as TopLevel, index);
    else if (statement.type === "ExportAllDeclaration") throw this.#unsupported(statement.start, "`export *` has no meaning in a cell; use `import`");
  }

  /** Like `var a;` it has no value: that of the statement before it counts. */
  #bareVar(declaration: VariableDeclaration): void {
    for (const { id } of declaration.declarations) for (const name of boundNames(id)) this.#names.add(name);
    this.#blank(declaration.start, declaration.end);
  }

  #class(end: number, name: string, index: number): void {
    this.#names.add(name);
    this.#insertBefore(index, `;${name}=`);
    this.#replace(end, end, ";");
  }

  #import(statement: ImportDeclaration): void {
    const bindings = statement.specifiers.map((binding) => ({ imported: importedName(binding), local: binding.local.name }));
    const attributes = Object.fromEntries(
      statement.attributes.map(({ key, value }) => [key.type === "Identifier" ? key.name : String(key.value), String(value.value)]),
    );
    this.#imports.push({ specifier: String(statement.source.value), attributes, bindings });
    for (const { local } of bindings) this.#names.add(local);
    this.#blank(statement.start, statement.end);
  }

  #exportNamed(statement: ExportNamedDeclaration, index: number): void {
    if (statement.source !== null && statement.source !== undefined)
      throw this.#unsupported(statement.start, "`export … from` has no meaning in a cell; use `import`");
    if (statement.declaration === null || statement.declaration === undefined) return this.#blank(statement.start, statement.end);
    this.#blank(statement.start, statement.declaration.start, "");
    this.#statement(statement.declaration, index);
  }

  #exportDefault(start: number, declaration: { readonly type: string; readonly start: number; readonly end: number }, index: number): void {
    this.#blank(start, declaration.start, "");
    const named = declaration as { readonly id?: { readonly name: string } | null };
    const isNamed = (declaration.type === "FunctionDeclaration" || declaration.type === "ClassDeclaration") && named.id !== null && named.id !== undefined;
    if (isNamed) return this.#statement(declaration as TopLevel, index);
    // An unnamed function or class would be a declaration without a name: parentheses make it a value.
    this.#insertBefore(index, ";(");
    const end = this.#code[declaration.end - 1] === ";" ? declaration.end - 1 : declaration.end;
    this.#replace(end, end, ")");
  }

  #variables(declaration: VariableDeclaration, isInList: boolean): void {
    const first = declaration.declarations[0];
    if (first === undefined || (declaration.kind !== "const" && declaration.kind !== "let" && declaration.kind !== "var")) return;
    const opens = first.id.type === "ObjectPattern";
    const room = declaration.kind.length;
    const head = isInList ? ";" : " ";
    this.#replace(declaration.start, declaration.start + room, head + " ".repeat(room - (opens ? 2 : 1)) + (opens ? "(" : ""));
    for (const { id, init } of declaration.declarations) {
      for (const name of boundNames(id)) this.#names.add(name);
      const isUnset = (init === null || init === undefined) && declaration.kind === "let";
      if (isUnset) this.#replace(id.end, id.end, "=void 0");
    }
    const last = declaration.declarations.at(-1);
    if (opens && last !== undefined) this.#replace(last.end, last.end, ")");
  }

  /** In a script `var` in a block makes a global by itself; in the async wrapper it would be the wrapper's. */
  #nestedVar({ declaration, place }: NestedVar): void {
    for (const { id } of declaration.declarations) for (const name of boundNames(id)) this.#names.add(name);
    if (!this.#facts.hasAwait) return;
    const isLoopTarget = place === "head" && declaration.declarations[0]?.init === null;
    if (isLoopTarget && declaration.declarations.length === 1) this.#replace(declaration.start, declaration.start + 3, "   ");
    else this.#variables(declaration, place === "list");
  }

  #function(start: number, end: number, name: string, at: { readonly line: number; readonly column: number } | undefined): void {
    this.#names.add(name);
    const line = (at?.line ?? 1) - 1;
    const column = at?.column ?? 0;
    const edits = this.#ownImports().filter((edit) => edit.start >= start && edit.end <= end);
    const source = edited(this.#code, edits, start, end);
    this.#functions.push({ name, source, line, column: line === 0 ? column + this.#columnOffset : column });
    this.#blank(start, end);
  }

  /** Edits that make `import("…")` of this package's own modules find this very copy. */
  #ownImports(): Edit[] {
    return this.#facts.importedTexts.flatMap(({ specifier, start, end }) => {
      const resolved = this.#resolveOwn(specifier);
      return resolved === undefined ? [] : [{ start, end, text: JSON.stringify(resolved) }];
    });
  }

  #isBlanked(edit: Edit): boolean {
    return this.#edits.some((other) => other.start <= edit.start && edit.end <= other.end);
  }

  /** Makes the value of a last expression the wrapper's; a plain script's completion value is that already. */
  #lastValue(): boolean {
    const index = this.#body.findLastIndex((statement) => statement.type !== "EmptyStatement" && !isBareVar(statement));
    const last = this.#body[index];
    if (last?.type !== "ExpressionStatement") return false;
    if (!this.#facts.hasAwait) return true;
    this.#insertBefore(index, ";return{v:(");
    const end = this.#code[last.end - 1] === ";" ? last.end - 1 : last.end;
    this.#replace(end, end, ")}");
    return true;
  }

  #isStrict(): boolean {
    for (const statement of this.#body) {
      if (statement.type !== "ExpressionStatement" || statement.directive === undefined) return false;
      if (statement.directive === "use strict") return true;
    }
    return false;
  }

  /** Inserts where it moves nothing: behind the statement before, or before the whole cell. */
  #insertBefore(index: number, text: string): void {
    const at = this.#body[index - 1]?.end ?? 0;
    this.#replace(at, at, text);
  }

  /** Blanks a text, and ends the statement before it where no semicolon did. */
  #blank(start: number, end: number, head = ";"): void {
    const text = this.#code.slice(start, end).replaceAll(/[^\n\r\u2028\u2029]/g, " ");
    this.#replace(start, end, `${head}${text.slice(head.length)}`);
  }

  #replace(start: number, end: number, text: string): void {
    this.#edits.push({ start, end, text });
  }

  #apply(): { readonly text: string; readonly inserted: number } {
    const inserted = this.#edits.reduce((sum, edit) => (edit.end === 0 ? sum + edit.text.length : sum), 0);
    return { text: edited(this.#code, this.#edits, 0, this.#code.length), inserted };
  }

  #unsupported(pos: number, message: string): SyntaxError {
    const before = this.#code.slice(0, pos).split("\n");
    const error = new SyntaxError(message) as SyntaxError & { pos: number; loc: { line: number; column: number } };
    error.pos = pos;
    error.loc = { line: before.length, column: before.at(-1)?.length ?? 0 };
    return error;
  }
}

/** Only makes names. The compiler of namespaces puts such behind everything. */
function isBareVar(statement: TopLevel): boolean {
  return (
    statement.type === "VariableDeclaration" && statement.kind === "var" && statement.declarations.every(({ init }) => init === null || init === undefined)
  );
}

/** A part of the code with edits made; edits at one place are made in the order given. */
function edited(code: string, edits: readonly Edit[], from: number, to: number): string {
  let text = "";
  let at = from;
  for (const edit of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    text += code.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return text + code.slice(at, to);
}

function importedName(binding: {
  readonly type: string;
  readonly imported?: { readonly type: string; readonly name?: string; readonly value?: unknown };
}): string {
  if (binding.type === "ImportNamespaceSpecifier") return "*";
  if (binding.type === "ImportDefaultSpecifier" || binding.imported === undefined) return "default";
  return binding.imported.name ?? String(binding.imported.value);
}
