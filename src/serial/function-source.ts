// What the text of a function says about it: of which kind it is, which names it uses from outside, and whether it
// uses something that no text can carry (`this` of an arrow, `super`, private members). Pure: text in, facts out.

import { parse } from "acorn";
import { definitionUses, staticFields, type DefinitionUse } from "./class-definition.ts";
import { NameReader, type AstNode, type FreeName, type Obstacle } from "./name-reader.ts";

export type { FreeName } from "./name-reader.ts";

/** How the text must be embedded to be an expression. */
export type SourceForm = "expression" | "method" | "class";

/** The facts about one source text. */
export interface FunctionSource {
  readonly form: SourceForm;
  /** Text that is an expression of the form: the source itself, or a method's with its key replaced. */
  readonly text: string;
  readonly free: readonly FreeName[];
  /** What forbids travelling, as the end of a sentence ("it uses …") and a remedy. */
  readonly obstacle: Obstacle | undefined;
  /** The text is a class whose instances have members with names that begin with `#`. */
  readonly hasPrivate: boolean;
  /** What evaluating the text of a class needs outside of its functions. */
  readonly definitionUses: readonly DefinitionUse[];
  /** Static fields that evaluating the text of a class makes; `undefined` when the text says too little, and for functions. */
  readonly staticFields: ReadonlySet<string> | undefined;
  /** The text is an arrow function: it has no `this`, and does not show whether it is strict. */
  readonly isArrow: boolean;
}

/** Parses the text of a function; `undefined` when it is no text this parser knows (native code, newer syntax). */
export function parseFunctionSource(source: string): FunctionSource | undefined {
  const plain = parseProgram(`(${source}\n)`);
  const expression = plain === undefined ? undefined : (firstStatement(plain)?.["expression"] as AstNode | undefined);
  if (expression !== undefined) return describe(expression, expression.type === "ClassExpression" ? "class" : "expression", source);
  const object = parseProgram(`({${source}\n})`);
  const property = ((firstStatement(object)?.["expression"] as AstNode | undefined)?.["properties"] as AstNode[] | undefined)?.[0];
  if (property !== undefined && property.type === "Property") return describeMethod(property, source);
  if (parseProgram(`(class{${source}\n})`) !== undefined) return refused(source, "it is a private method", "make it a plain function");
  return undefined;
}

function parseProgram(text: string): AstNode | undefined {
  try {
    return parse(text, { ecmaVersion: "latest", sourceType: "script", allowImportExportEverywhere: true, allowSuperOutsideMethod: true }) as unknown as AstNode;
  } catch {
    // Not an expression of this form: the caller tries the next one.
    return undefined;
  }
}

function firstStatement(program: AstNode | undefined): AstNode | undefined {
  return (program?.["body"] as AstNode[] | undefined)?.[0];
}

function refused(source: string, fact: string, remedy: string): FunctionSource {
  return { form: "method", text: source, free: [], obstacle: { fact, remedy }, hasPrivate: false, definitionUses: [], staticFields: undefined, isArrow: false };
}

function describe(node: AstNode, form: SourceForm, text: string): FunctionSource {
  const reader = new NameReader();
  reader.readRoot(node);
  return {
    form,
    text,
    free: reader.free(),
    obstacle: reader.obstacle(),
    hasPrivate: reader.hasPrivate,
    isArrow: node.type === "ArrowFunctionExpression",
    // One character stands before the text in what was parsed.
    definitionUses: form === "class" ? definitionUses(node, (start, end) => text.slice(start - 1, end - 1)) : [],
    staticFields: form === "class" ? staticFields(node) : undefined,
  };
}

/** The key of a method may be computed from names of its maker, so the text gets a neutral one. */
function describeMethod(property: AstNode, source: string): FunctionSource {
  const value = property["value"] as AstNode;
  const marks = `${value["async"] === true ? "async " : ""}${value["generator"] === true ? "*" : ""}`;
  // Two characters stand before the source in the parsed text; the value begins at the parameters.
  return describe(value, "method", `${marks}m${source.slice(value.start - 2)}`);
}
