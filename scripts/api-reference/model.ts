// What the API reference tells of each exported name: its signature, its doc comment, its members with theirs, and the
// other exported names that its signatures mention.

import {
  Node,
  type ClassDeclaration,
  type ClassMemberTypes,
  type ExportedDeclarations,
  type InterfaceDeclaration,
  type JSDocableNode,
  type JSDocTag,
  type TypeElementTypes,
} from "ts-morph";
import type { ExportedName } from "./declarations.ts";

/** A doc comment, taken apart. */
export interface Doc {
  readonly text: string;
  readonly params: readonly (readonly [name: string, text: string])[];
  readonly returns: string;
  readonly throws: readonly string[];
  readonly examples: readonly string[];
}

/** A property, method or constructor. */
export interface Member {
  readonly name: string;
  readonly isStatic: boolean;
  readonly isConstructor: boolean;
  /** One for each overload. */
  readonly signatures: readonly string[];
  /** Type of a property; empty for what is called. */
  readonly type: string;
  readonly isOptional: boolean;
  readonly doc: Doc;
}

/** Kinds of exported names, in the order in which a page shows them. */
export const KINDS = ["class", "function", "constant", "interface", "type"] as const;

/** An exported name. */
export interface Entry {
  readonly name: string;
  readonly specifier: string;
  readonly file: string;
  readonly kind: (typeof KINDS)[number];
  readonly signature: string;
  readonly doc: Doc;
  readonly members: readonly Member[];
  /** Exported names that its signatures mention, in order of name. */
  readonly mentions: readonly string[];
}

const NO_DOC: Doc = { text: "", params: [], returns: "", throws: [], examples: [] };
/** A constant whose type is longer is shown without it. */
const CONSTANT_CHARS_MAX = 200;

/** Describes what is exported. */
export function readEntries(exported: readonly ExportedName[]): Entry[] {
  const names = new Set(exported.map(({ name }) => name));
  return exported.map((each) => describe(each, names));
}

function describe({ name, specifier, file, declarations }: ExportedName, names: ReadonlySet<string>): Entry {
  const first = declarations[0] as ExportedDeclarations;
  const about = { name, specifier, file, doc: docOf(declarations) };
  const entry = (kind: Entry["kind"], signature: string, members: readonly Member[] = []): Entry => {
    const text = [signature, ...members.flatMap((member) => [...member.signatures, member.type])].join("\n");
    const mentions = [...new Set(text.replaceAll(/"[^"]*"/g, "").match(/\b[A-Z]\w+\b/g))].filter((word) => word !== name && names.has(word)).sort();
    return { ...about, kind, signature, members, mentions };
  };
  if (Node.isClassDeclaration(first)) return entry("class", `class ${name}${headOf(first)}`, membersOf(first.getMembers()));
  if (Node.isInterfaceDeclaration(first)) return entry("interface", `interface ${name}${headOf(first)}`, membersOf(first.getMembers()));
  if (Node.isTypeAliasDeclaration(first)) return entry("type", bare(first));
  if (Node.isFunctionDeclaration(first)) return entry("function", declarations.map(bare).join("\n"));
  if (Node.isVariableDeclaration(first)) return entry("constant", shortened(`const ${bare(first)}`));
  throw new Error(`${name} of ${specifier} is a ${first.getKindName()}, which the API reference cannot show`);
}

/** Type parameters and what it extends. */
function headOf(node: ClassDeclaration | InterfaceDeclaration): string {
  const parameters = node.getTypeParameters().map((parameter) => parameter.getText());
  const clauses = node.getHeritageClauses().map((clause) => clause.getText());
  return [parameters.length === 0 ? "" : `<${parameters.join(", ")}>`, ...clauses.map((clause) => ` ${clause}`)].join("");
}

/** A declaration's text without its modifiers and its comment. */
function bare(node: Node): string {
  return node
    .getText()
    .replace(/^(?:(?:export|declare) )+/, "")
    .replace(/;$/, "")
    .replaceAll("    ", "  ");
}

const shortened = (text: string): string => (text.length > CONSTANT_CHARS_MAX ? text.slice(0, text.indexOf(":")) : text);

type AnyMember = ClassMemberTypes | TypeElementTypes;

function membersOf(nodes: readonly AnyMember[]): Member[] {
  const byKey = new Map<string, AnyMember[]>();
  for (const node of nodes) {
    const name = nameOf(node);
    if (name === undefined || isHidden(node)) continue;
    const key = `${isStatic(node) ? "static " : ""}${name}`;
    byKey.set(key, [...(byKey.get(key) ?? []), node]);
  }
  return [...byKey.values()].map(describeMember);
}

/** Private members are none of a user's business, and those named by symbols belong to the language's protocols, which the class names. */
function isHidden(node: AnyMember): boolean {
  return Node.isModifierable(node) && (node.hasModifier("private") || node.hasModifier("protected"));
}

function nameOf(node: AnyMember): string | undefined {
  if (Node.isConstructorDeclaration(node)) return "constructor";
  const name = "getName" in node ? node.getName() : undefined;
  return name === undefined || name.startsWith("#") || name.startsWith("[") ? undefined : name;
}

const isStatic = (node: AnyMember): boolean => Node.isStaticable(node) && node.isStatic();

function describeMember(nodes: readonly AnyMember[]): Member {
  const [first] = nodes as [AnyMember];
  const isConstructor = Node.isConstructorDeclaration(first);
  const isCalled = isConstructor || Node.isMethodDeclaration(first) || Node.isMethodSignature(first);
  return {
    name: nameOf(first) as string,
    isStatic: isStatic(first),
    isConstructor,
    signatures: isCalled ? nodes.map((node) => withoutModifiers(node.getText())) : [],
    type: isCalled ? "" : typeOf(first),
    isOptional: (Node.isPropertyDeclaration(first) || Node.isPropertySignature(first)) && first.hasQuestionToken(),
    doc: docOf(nodes),
  };
}

const withoutModifiers = (text: string): string => inOneLine(text.replace(/^(?:(?:static|override|readonly|abstract|async) )+/, "").replace(/;$/, ""));

/** Written types may span lines; names that come through `import * as hub` bear their own. */
const inOneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ").replaceAll(/\b[a-z]\w*\.(?=[A-Z])/g, "");

function typeOf(node: AnyMember): string {
  const type = Node.isGetAccessorDeclaration(node) ? node.getReturnTypeNode() : "getTypeNode" in node ? node.getTypeNode() : undefined;
  return inOneLine(type?.getText() ?? "");
}

/** The comments of all declarations together; overloads usually share one. */
function docOf(nodes: readonly Node[]): Doc {
  const docs = nodes.flatMap((node) => commentsOf(node)).map(takeApart);
  return docs.reduce(
    (all, doc) => ({
      text: [all.text, doc.text].filter((text) => text !== "").join("\n\n"),
      params: [...all.params, ...doc.params],
      returns: all.returns || doc.returns,
      throws: [...all.throws, ...doc.throws],
      examples: [...all.examples, ...doc.examples],
    }),
    NO_DOC,
  );
}

function commentsOf(node: Node): ReturnType<JSDocableNode["getJsDocs"]> {
  // A variable's comment stands before its statement.
  const documented = Node.isVariableDeclaration(node) ? node.getVariableStatement() : node;
  return documented !== undefined && Node.isJSDocable(documented) ? documented.getJsDocs().slice(-1) : [];
}

function takeApart(comment: ReturnType<JSDocableNode["getJsDocs"]>[number]): Doc {
  const tags = comment.getTags();
  const textsOf = (name: string): string[] => tags.filter((tag) => tag.getTagName() === name).map(textOfTag);
  return {
    text: comment.getDescription().trim(),
    params: tags.flatMap((tag) => (Node.isJSDocParameterTag(tag) ? [[tag.getName(), joined(tag.getCommentText() ?? "")] as const] : [])),
    returns: joined(textsOf("returns").join(" ")),
    throws: textsOf("throws").map(joined),
    examples: textsOf("example"),
  };
}

const textOfTag = (tag: JSDocTag): string => (tag.getCommentText() ?? "").trim();

/** Line breaks of a comment are of no meaning within a sentence. */
const joined = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ").trim();
