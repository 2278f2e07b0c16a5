// What the script around a function says: its file, which of its names are imports and from where, and which names are
// ever assigned. The first tells tracebacks and policies where code comes from, the second lets packages travel by
// specifier, the third tells which captured variables can never change.

import { parse } from "acorn";

import { BoundedMap } from "../base/index.ts";
import { withInspector } from "./scope-reader.ts";
import { originalPlace, type WrittenPlace } from "./source-maps.ts";

/** Where an imported name comes from. */
export interface ImportedName {
  readonly specifier: string;
  /** Way from the module namespace to the value: empty for the namespace itself. */
  readonly path: readonly string[];
  /** An `import` declaration, whose name is a variable of the module; otherwise a variable somewhere that gets what `require` gives. */
  readonly isDeclaration: boolean;
}

/** The facts of one script that need its text. */
export interface ScriptNames {
  readonly imports: ReadonlyMap<string, ImportedName>;
  /** Whether a variable of this name may change after it was initialised. */
  readonly isAssigned: (name: string) => boolean;
  /** Whether several variables or parameters of the script have this name. */
  readonly isAmbiguous: (name: string) => boolean;
  /** Some export has another name than its variable, or comes from another module: export names say nothing. */
  readonly renamesExports: boolean;
}

type AstNode = { readonly type: string } & Readonly<Record<string, unknown>>;

const SCRIPTS_MAX = 20_000;
const NAMES_MAX = 500;
// Parsing more than this would be felt; the variables of such a script are read again at each send.
const SOURCE_LENGTH_MAX = 1_000_000;

const URLS = new BoundedMap<string, { readonly url: string; readonly sourceMapUrl: string }>(SCRIPTS_MAX);
const SCRIPT_IDS = new BoundedMap<string, string>(SCRIPTS_MAX);
const NAMES = new BoundedMap<string, ScriptNames>(NAMES_MAX);
const UNKNOWN_NAMES: ScriptNames = { imports: new Map(), isAssigned: () => true, isAmbiguous: () => true, renamesExports: true };

/** URL or path of a script; empty when it has none. */
export function scriptUrl(scriptId: string): string {
  return scriptPlace(scriptId).url;
}

/** Where the text of a function was written that begins at a position of a script; `lead` as in `originalPlace`. */
export function writtenPlace(scriptId: string, text: string, start: { readonly line: number; readonly column: number }, lead: number): WrittenPlace {
  const { url, sourceMapUrl } = scriptPlace(scriptId);
  return originalPlace({ url, ...start }, text, lead, sourceMapUrl);
}

function scriptPlace(scriptId: string): { readonly url: string; readonly sourceMapUrl: string } {
  const known = URLS.get(scriptId);
  if (known !== undefined) return known;
  listScripts(undefined);
  return URLS.get(scriptId) ?? { url: "", sourceMapUrl: "" };
}

/** Whether `scriptNames` costs nothing for this script. */
export function areNamesKnown(scriptId: string): boolean {
  return NAMES.get(scriptId) !== undefined;
}

/** Imports and assigned names of a script. */
export function scriptNames(scriptId: string): ScriptNames {
  let names = NAMES.get(scriptId);
  if (names === undefined) {
    const source = listScripts(scriptId);
    names = source === undefined || source.length > SOURCE_LENGTH_MAX ? UNKNOWN_NAMES : readNames(source);
    NAMES.set(scriptId, names);
  }
  return names;
}

/** The script of a module imported by a relative specifier, if it was loaded as it is written. */
export function importedScript(importerUrl: string, specifier: string): string | undefined {
  if (!importerUrl.startsWith("file:") || !specifier.startsWith(".")) return undefined;
  return SCRIPT_IDS.get(new URL(specifier, importerUrl).href);
}

/** Enabling the debugger makes V8 announce every script; gives the source of one of them. */
function listScripts(scriptId: string | undefined): string | undefined {
  return withInspector((post, session) => {
    const note = ({ params }: { readonly params: { readonly scriptId: string; readonly url: string; readonly sourceMapURL?: string } }): void => {
      URLS.set(params.scriptId, { url: params.url, sourceMapUrl: keptMapUrl(params.url, params.sourceMapURL ?? "") });
      SCRIPT_IDS.set(params.url, params.scriptId);
    };
    session.on("Debugger.scriptParsed", note);
    post("Debugger.enable");
    try {
      return scriptId === undefined ? undefined : (post("Debugger.getScriptSource", { scriptId }) as { scriptSource: string }).scriptSource;
    } catch {
      // The script is gone: its functions live on, its text does not.
      return undefined;
    } finally {
      post("Debugger.disable");
      session.off("Debugger.scriptParsed", note);
    }
  });
}

/** Maps inside the script are large: they are kept only for scripts of the user. */
function keptMapUrl(url: string, sourceMapUrl: string): string {
  return url.startsWith("node:") || url.includes("/node_modules/") ? "" : sourceMapUrl;
}

/** Reads the names of a script from its text. */
export function readNames(source: string): ScriptNames {
  const program = parseScript(source);
  if (program === undefined) return UNKNOWN_NAMES;
  const reader = new ScriptReader();
  reader.read(program, 0);
  return {
    imports: reader.imports,
    isAssigned: (name) => reader.isAssigned(name),
    isAmbiguous: (name) => reader.isAmbiguous(name),
    renamesExports: reader.renamesExports,
  };
}

function parseScript(source: string): AstNode | undefined {
  for (const sourceType of ["module", "script"] as const) {
    try {
      return parse(source, {
        ecmaVersion: "latest",
        sourceType,
        allowReturnOutsideFunction: true,
        allowHashBang: true,
        allowAwaitOutsideFunction: true,
      }) as unknown as AstNode;
    } catch {
      // A module's syntax first, a script's next; a text that is neither has no names we could trust.
    }
  }
  return undefined;
}

class ScriptReader {
  readonly imports = new Map<string, ImportedName>();
  readonly #assigned = new Set<string>();
  readonly #declared = new Set<string>();
  readonly #declaredAgain = new Set<string>();
  readonly #variables = new Set<string>();
  /** Members of `exports` that were set once, where the script begins. */
  readonly #exported = new Set<string>();
  /** Functions around the present node. */
  #functions = 0;
  renamesExports = false;
  #hidesNames = false;

  isAssigned(name: string): boolean {
    return this.#hidesNames || this.#assigned.has(name);
  }

  isAmbiguous(name: string): boolean {
    return this.#hidesNames || this.#declaredAgain.has(name);
  }

  /** `repeats` counts loops and functions around the node: a `var` with a value in there is set more than once. */
  read(node: AstNode, repeats: number): void {
    let depth = repeats;
    switch (node.type) {
      case "ImportDeclaration":
        this.#readImport(node);
        return;
      case "VariableDeclaration":
        for (const declarator of node["declarations"] as AstNode[]) this.#readDeclarator(declarator, node["kind"] === "var", repeats);
        break;
      case "CatchClause":
        this.#declare(node["param"] as AstNode | null);
        break;
      case "ClassDeclaration":
      case "ClassExpression":
        this.#declare(node["id"] as AstNode | null);
        break;
      case "AssignmentExpression":
        this.#assign(node["left"] as AstNode);
        this.#export(node["left"] as AstNode, repeats > 0 || node["operator"] !== "=", node["right"] as AstNode);
        break;
      case "UpdateExpression":
        this.#assign(node["argument"] as AstNode);
        this.#export(node["argument"] as AstNode, true);
        break;
      case "ForInStatement":
      case "ForOfStatement":
        this.#readLoopTarget(node["left"] as AstNode);
        depth += 1;
        break;
      case "ForStatement":
      case "WhileStatement":
      case "DoWhileStatement":
        depth += 1;
        break;
      case "ExportAllDeclaration":
        this.renamesExports = true;
        break;
      case "ExportNamedDeclaration":
        if (node["source"] !== null || (node["specifiers"] as AstNode[]).some(isRenamed)) this.renamesExports = true;
        break;
      case "WithStatement":
        this.#hidesNames = true;
        break;
      case "CallExpression":
        if ((node["callee"] as AstNode)["name"] === "eval") this.#hidesNames = true;
        break;
      default:
    }
    const isFunction = FUNCTIONS.has(node.type);
    if (isFunction) {
      this.#functions += 1;
      this.#declare(node["id"] as AstNode | null);
      for (const parameter of node["params"] as AstNode[]) this.#declare(parameter);
    }
    for (const key in node) {
      const child = node[key];
      if (typeof child !== "object" || child === null) continue;
      if (Array.isArray(child)) {
        for (const item of child as (AstNode | null)[]) if (item !== null) this.read(item, depth);
      } else if (typeof (child as AstNode).type === "string") this.read(child as AstNode, depth);
    }
    if (isFunction) this.#functions -= 1;
  }

  /** `exports.name = …` makes the export the first time; afterwards, or in a function, it changes what importers see. */
  #export(target: AstNode, isChange: boolean, value?: AstNode): void {
    const name = exportedName(target);
    if (name === undefined || isVoid(value)) return;
    if (isChange || this.#functions > 0 || this.#exported.has(name)) this.#assigned.add(name);
    this.#exported.add(name);
  }

  #readImport(node: AstNode): void {
    const specifier = (node["source"] as AstNode)["value"] as string;
    for (const item of node["specifiers"] as AstNode[]) {
      const local = (item["local"] as AstNode)["name"] as string;
      const imported = item["imported"] as AstNode | undefined;
      const path = item.type === "ImportNamespaceSpecifier" ? [] : [imported === undefined ? "default" : nameOf(imported)];
      this.imports.set(local, { specifier, path, isDeclaration: true });
    }
  }

  #readDeclarator(declarator: AstNode, isVar: boolean, repeats: number): void {
    const id = declarator["id"] as AstNode;
    const init = declarator["init"] as AstNode | null;
    this.#declare(id);
    if (init === null) return;
    if (isVar) {
      for (const name of namesIn(id)) {
        if (repeats > 0 || this.#variables.has(name)) this.#assigned.add(name);
        this.#variables.add(name);
      }
    }
    const required = requiredModule(init);
    // A variable of a function that has the name of an import must not take its place.
    if (required === undefined || namesIn(id).some((name) => this.imports.get(name)?.isDeclaration === true)) return;
    if (id.type === "Identifier") this.imports.set(id["name"] as string, required);
    else if (id.type === "ObjectPattern") {
      for (const property of id["properties"] as AstNode[]) {
        const value = property["value"] as AstNode | undefined;
        if (property.type === "Property" && value?.type === "Identifier") {
          this.imports.set(value["name"] as string, { ...required, path: [nameOf(property["key"] as AstNode)] });
        }
      }
    }
  }

  #declare(pattern: AstNode | null): void {
    for (const name of namesIn(pattern)) (this.#declared.has(name) ? this.#declaredAgain : this.#declared).add(name);
  }

  #readLoopTarget(left: AstNode): void {
    if (left.type !== "VariableDeclaration") this.#assign(left);
    else if (left["kind"] === "var") for (const declarator of left["declarations"] as AstNode[]) this.#assign(declarator["id"] as AstNode);
  }

  #assign(target: AstNode): void {
    for (const name of namesIn(target)) this.#assigned.add(name);
  }
}

const FUNCTIONS: ReadonlySet<string> = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

/** `name` of `exports.name` and `module.exports.name`. */
function exportedName(target: AstNode): string | undefined {
  if (target.type !== "MemberExpression" || target["computed"] === true) return undefined;
  const object = target["object"] as AstNode;
  const owner = object.type === "MemberExpression" ? (object["property"] as AstNode)["name"] : object["name"];
  return owner === "exports" ? nameOf(target["property"] as AstNode) : undefined;
}

/** `void 0`, by which compilers announce exports, also several in a row. */
function isVoid(value: AstNode | undefined): boolean {
  if (value?.type === "AssignmentExpression") return isVoid(value["right"] as AstNode);
  return value?.type === "UnaryExpression" && value["operator"] === "void";
}

function isRenamed(specifier: AstNode): boolean {
  return nameOf(specifier["local"] as AstNode) !== nameOf(specifier["exported"] as AstNode);
}

function nameOf(key: AstNode): string {
  return String(key["name"] ?? key["value"]);
}

/** Names bound or assigned by a pattern. */
function namesIn(pattern: AstNode | null): string[] {
  if (pattern === null) return [];
  switch (pattern.type) {
    case "Identifier":
      return [pattern["name"] as string];
    case "ArrayPattern":
      return (pattern["elements"] as (AstNode | null)[]).flatMap(namesIn);
    case "ObjectPattern":
      return (pattern["properties"] as AstNode[]).flatMap((property) => namesIn((property["value"] ?? property["argument"]) as AstNode));
    case "AssignmentPattern":
      return namesIn(pattern["left"] as AstNode);
    case "RestElement":
      return namesIn(pattern["argument"] as AstNode);
    default:
      return [];
  }
}

const REQUIRE_NAMES = /^(?:require|__require|__vite_ssr_import__)$/;
const INTEROP_NAMES = /^(?:__toESM|__importDefault|__importStar|_interop\w*)$/;

/** The module of `require("x")`, also inside the helpers compilers put around it. */
function requiredModule(init: AstNode): ImportedName | undefined {
  if (init.type === "AwaitExpression") return requiredModule(init["argument"] as AstNode);
  if (init.type !== "CallExpression") return undefined;
  const callee = (init["callee"] as AstNode)["name"];
  const first = (init["arguments"] as AstNode[])[0];
  if (typeof callee !== "string" || first === undefined) return undefined;
  if (INTEROP_NAMES.test(callee)) {
    const inner = requiredModule(first);
    return inner === undefined ? undefined : { ...inner, path: [] };
  }
  if (!REQUIRE_NAMES.test(callee) || typeof first["value"] !== "string") return undefined;
  return { specifier: first["value"], path: callee === "__vite_ssr_import__" ? [] : ["default"], isDeclaration: false };
}
