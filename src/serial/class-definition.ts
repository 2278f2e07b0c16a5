// What evaluating a class needs of the code around it: what it extends and the keys it computes. V8 keeps a variable only
// if some function inside uses it, and these are used outside of any; but the class that was made shows most of them.

import { isNameCall, NameReader, type AstNode } from "./name-reader.ts";

/** A name that is used while a class is defined, outside of its functions. */
export interface DefinitionUse {
  readonly name: string;
  /** `name.member` is used. */
  readonly member: string | undefined;
  /** What in the class shows the value: what it extends, or the key of the method of this text. `undefined`: nothing does. */
  readonly shownBy: "prototype" | { readonly method: string } | undefined;
}

/** The uses in a class; `source` is the text that its positions are of. */
export function definitionUses(node: AstNode, source: (start: number, end: number) => string): readonly DefinitionUse[] {
  const superClass = node["superClass"] as AstNode | null;
  const uses = superClass === null ? [] : usesIn(superClass, "prototype");
  for (const member of (node["body"] as AstNode)["body"] as AstNode[]) {
    if (member["computed"] !== true) continue;
    const text = source(member.start, member.end);
    const shownBy = member.type === "MethodDefinition" ? { method: member["static"] === true ? text.replace(/^static\s*/, "") : text } : undefined;
    uses.push(...usesIn(member["key"] as AstNode, shownBy));
  }
  return uses;
}

function usesIn(expression: AstNode, shownBy: DefinitionUse["shownBy"]): DefinitionUse[] {
  if (expression.type === "Identifier") return [{ name: expression["name"] as string, member: undefined, shownBy }];
  if (expression.type === "MemberExpression" && expression["computed"] !== true) {
    const [object, property] = [expression["object"] as AstNode, expression["property"] as AstNode];
    if (object.type === "Identifier" && property.type === "Identifier")
      return [{ name: object["name"] as string, member: property["name"] as string, shownBy }];
  }
  const reader = new NameReader();
  reader.readExpression(expression);
  return reader.free().map(({ name }) => ({ name, member: undefined, shownBy: undefined }));
}

/** Static fields that evaluating the text of a class makes; `undefined` when it says too little: static blocks and computed names. */
export function staticFields(node: AstNode): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  for (const member of (node["body"] as AstNode)["body"] as AstNode[]) {
    if (member.type === "StaticBlock" && !(member["body"] as AstNode[]).every(isNameCall)) return undefined;
    if (member.type !== "PropertyDefinition" || member["static"] !== true) continue;
    if (member["computed"] === true) return undefined;
    const key = member["key"] as AstNode;
    names.add(String(key["name"] ?? key["value"]));
  }
  return names;
}

/** The value of a use, as the class shows it; `undefined` when it does not. */
export function shownValue(theClass: Function, { shownBy }: DefinitionUse): unknown {
  if (shownBy === undefined) return undefined;
  if (shownBy === "prototype") return Object.getPrototypeOf(theClass) as unknown;
  for (const owner of [theClass.prototype as object, theClass]) {
    for (const key of Reflect.ownKeys(owner)) {
      const descriptor = Object.getOwnPropertyDescriptor(owner, key) as PropertyDescriptor;
      for (const fn of Object.values(descriptor) as unknown[])
        if (typeof fn === "function" && fn !== theClass && Function.prototype.toString.call(fn) === shownBy.method) return key;
    }
  }
  return undefined;
}
