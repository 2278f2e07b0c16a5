// What the cell transform needs to know of a cell's syntax tree (acorn's, in ESTree form): names that patterns bind, what
// belongs to the top level, and where.

import type { AnyNode, Pattern, Program, VariableDeclaration } from "acorn";

/** What a walk over the whole cell finds. */
export interface CellFacts {
  /** There is an `await` outside every function. */
  readonly hasAwait: boolean;
  /** `var` declarations in blocks and loops, outside every function: they belong to the whole cell. */
  readonly nestedVars: readonly NestedVar[];
  /** Module names given as a text to `import()`, with their places. */
  readonly importedTexts: readonly { readonly specifier: string; readonly start: number; readonly end: number }[];
  /** `f<T>(x)` parses as two comparisons; nobody compares so, so it is taken for TypeScript. */
  readonly looksGeneric: boolean;
}

/** A `var` below the top level. */
export interface NestedVar {
  readonly declaration: VariableDeclaration;
  /** Where it stands: in a list of statements, as a loop's head, or as the one statement of an `if` and the like. */
  readonly place: "list" | "head" | "single";
}

interface Walk {
  hasAwait: boolean;
  looksGeneric: boolean;
  nestedVars: NestedVar[];
  importedTexts: { specifier: string; start: number; end: number }[];
  readonly code: string;
}

/** `<T>(` or `<A, B>(`, written without spaces as nobody writes comparisons. */
const TYPE_ARGUMENTS = /^[\w$)\]]*<[^\s<>]+(?:, ?[^\s<>]+)*>\(/;

/** Walks a cell. */
export function surveyCell(program: Program, code: string): CellFacts {
  const walk: Walk = { hasAwait: false, looksGeneric: false, nestedVars: [], importedTexts: [], code };
  for (const statement of program.body) {
    const declaration = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (declaration?.type === "VariableDeclaration") visitChildren(declaration, false, walk);
    else visit(statement, program, false, walk);
  }
  return walk;
}

function visit(node: AnyNode, parent: AnyNode, isInFunction: boolean, walk: Walk): void {
  note(node, parent, isInFunction, walk);
  const isFunction = node.type === "FunctionDeclaration" || node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression";
  const isOwnScope = isFunction || node.type === "PropertyDefinition" || node.type === "StaticBlock";
  visitChildren(node, isInFunction || isOwnScope, walk);
}

function visitChildren(node: AnyNode, isInFunction: boolean, walk: Walk): void {
  for (const child of childrenOf(node)) visit(child, node, isInFunction, walk);
}

function note(node: AnyNode, parent: AnyNode, isInFunction: boolean, walk: Walk): void {
  if (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await)) {
    walk.hasAwait ||= !isInFunction;
  } else if (node.type === "VariableDeclaration") {
    if (node.kind === "var" && !isInFunction) walk.nestedVars.push({ declaration: node, place: placeOf(node, parent) });
  } else if (node.type === "ImportExpression") {
    const { source } = node;
    if (source.type === "Literal" && typeof source.value === "string")
      walk.importedTexts.push({ specifier: source.value, start: source.start, end: source.end });
  } else if (node.type === "BinaryExpression" && node.operator === ">" && node.left.type === "BinaryExpression" && node.left.operator === "<") {
    walk.looksGeneric ||= TYPE_ARGUMENTS.test(walk.code.slice(node.left.left.end, node.end));
  }
}

function placeOf(node: VariableDeclaration, parent: AnyNode): NestedVar["place"] {
  if (parent.type === "BlockStatement" || parent.type === "SwitchCase") return "list";
  if (parent.type === "ForStatement" && parent.init === node) return "head";
  if ((parent.type === "ForInStatement" || parent.type === "ForOfStatement") && parent.left === node) return "head";
  return "single";
}

function childrenOf(node: AnyNode): AnyNode[] {
  const found: AnyNode[] = [];
  for (const value of Object.values(node) as unknown[]) {
    if (Array.isArray(value)) found.push(...value.filter(isNode));
    else if (isNode(value)) found.push(value);
  }
  return found;
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

/** Names that a pattern binds, in order. */
export function boundNames(pattern: Pattern): string[] {
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((property) => boundNames(property.type === "RestElement" ? property.argument : property.value));
    case "ArrayPattern":
      return pattern.elements.flatMap((element) => (element === null ? [] : boundNames(element)));
    case "AssignmentPattern":
      return boundNames(pattern.left);
    case "RestElement":
      return boundNames(pattern.argument);
    case "MemberExpression":
      return [];
  }
}
