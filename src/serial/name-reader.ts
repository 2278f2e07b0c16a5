// Walks the syntax tree of one function and finds the names it uses from outside, and what in it no text can carry.

/** A name used by a function and declared outside it. */
export interface FreeName {
  readonly name: string;
  /** Members read as `name.member`, when the name is used in no other way; `undefined` when it is also used whole. */
  readonly members: ReadonlySet<string> | undefined;
  /** Whether the function assigns to it. */
  readonly written: boolean;
  /** Whether evaluating the text (not calling it) needs it: what a class extends, computed keys, static initialisers. */
  readonly eager: boolean;
}

/** What forbids travelling: the end of a sentence ("it uses …") and a remedy. */
export interface Obstacle {
  readonly fact: string;
  readonly remedy: string;
}

/** A node of acorn's tree. */
export type AstNode = { readonly type: string; readonly start: number; readonly end: number } & Readonly<Record<string, unknown>>;

interface Scope {
  readonly parent: Scope | undefined;
  readonly isFunction: boolean;
  readonly names: Set<string>;
}

interface Use {
  readonly name: string;
  readonly scope: Scope;
  readonly member: string | undefined;
  readonly written: boolean;
  readonly eager: boolean;
}

const FUNCTION_TYPES: ReadonlySet<string> = new Set(["FunctionExpression", "FunctionDeclaration", "ArrowFunctionExpression"]);
const LEXICAL_REMEDY = "write it as a `function`, or pass what it needs as an argument";

/** Walks one function; uses are resolved at the end, when every hoisted declaration is known. */
export class NameReader {
  hasPrivate = false;
  #scope: Scope = { parent: undefined, isFunction: true, names: new Set() };
  readonly #uses: Use[] = [];
  /** Functions and class bodies around the present node that have a `this` of their own. */
  #thisDepth = 0;
  /** Class members and methods of object literals around the present node: inside one, `super` is part of the text. */
  #homeDepth = 0;
  #isEager = false;
  #fact: string | undefined;
  #remedy = LEXICAL_REMEDY;

  readRoot(node: AstNode): void {
    if (node.type === "ClassExpression") this.#readClass(node, true);
    else this.#readFunction(node);
  }

  /** Reads an expression that stands by itself. */
  readExpression(node: AstNode): void {
    this.#read(node);
  }

  obstacle(): Obstacle | undefined {
    return this.#fact === undefined ? undefined : { fact: this.#fact, remedy: this.#remedy };
  }

  free(): FreeName[] {
    const found = new Map<string, { members: Set<string> | undefined; written: boolean; eager: boolean }>();
    for (const use of this.#uses) {
      if (isDeclared(use.name, use.scope)) continue;
      const entry = found.get(use.name);
      if (entry === undefined) {
        found.set(use.name, { members: use.member === undefined ? undefined : new Set([use.member]), written: use.written, eager: use.eager });
        continue;
      }
      if (use.member === undefined) entry.members = undefined;
      else entry.members?.add(use.member);
      entry.written ||= use.written;
      entry.eager ||= use.eager;
    }
    if (found.delete("arguments")) this.#obstruct("it uses `arguments` of the function around it", "use rest parameters (`...args`)");
    return [...found].map(([name, facts]) => ({ name, ...facts }));
  }

  #obstruct(fact: string, remedy: string = LEXICAL_REMEDY): void {
    if (this.#fact !== undefined) return;
    this.#fact = fact;
    this.#remedy = remedy;
  }

  #inScope(isFunction: boolean, read: () => void): void {
    const outer = this.#scope;
    this.#scope = { parent: outer, isFunction, names: new Set() };
    read();
    this.#scope = outer;
  }

  #withThis(read: () => void): void {
    this.#thisDepth += 1;
    read();
    this.#thisDepth -= 1;
  }

  #readFunction(node: AstNode): void {
    const isArrow = node.type === "ArrowFunctionExpression";
    this.#inScope(true, () => {
      if (!isArrow) this.#scope.names.add("arguments");
      if (node.type === "FunctionExpression") this.#declareOwnName(node);
      const read = (): void => {
        for (const parameter of node["params"] as AstNode[]) this.#readPattern(parameter, this.#scope);
        // Default values do not see what the body declares.
        this.#inScope(true, () => this.#read(node["body"] as AstNode));
      };
      if (isArrow) read();
      else this.#withThis(read);
    });
  }

  /** A class: computed keys see the outer `this`, members their own. `isRoot` classes note what their evaluation needs. */
  #readClass(node: AstNode, isRoot: boolean): void {
    this.#inScope(false, () => {
      this.#declareOwnName(node);
      const members = (node["body"] as AstNode)["body"] as AstNode[];
      // A static initialiser may construct the class, so then everything the class uses is needed at once.
      this.#isEager ||= isRoot && members.some(runsAtDefinition);
      this.#eagerly(isRoot, () => this.#readOptional(node["superClass"]));
      for (const member of members) this.#readMember(member, isRoot);
    });
  }

  /** A function or class expression sees its own name. */
  #declareOwnName(node: AstNode): void {
    const name = (node["id"] as AstNode | null | undefined)?.["name"];
    if (typeof name === "string") this.#scope.names.add(name);
  }

  #eagerly(isEager: boolean, read: () => void): void {
    const before = this.#isEager;
    this.#isEager ||= isEager;
    read();
    this.#isEager = before;
  }

  #readMember(member: AstNode, isRoot: boolean): void {
    const key = member["key"] as AstNode | undefined;
    if (isRoot && key?.type === "PrivateIdentifier" && member["static"] !== true) this.hasPrivate = true;
    if (key !== undefined && member["computed"] === true) this.#eagerly(isRoot, () => this.#read(key));
    this.#homeDepth += 1;
    this.#inScope(true, () =>
      this.#withThis(() => {
        if (member.type === "StaticBlock") for (const statement of member["body"] as AstNode[]) this.#read(statement);
        else this.#readOptional(member["value"]);
      }),
    );
    this.#homeDepth -= 1;
  }

  #readOptional(node: unknown): void {
    if (node !== null && node !== undefined) this.#read(node as AstNode);
  }

  #use(name: string, member?: string, written = false): void {
    this.#uses.push({ name, scope: this.#scope, member, written, eager: this.#isEager });
  }

  #read(node: AstNode): void {
    switch (node.type) {
      case "Identifier":
        this.#use(node["name"] as string);
        return;
      case "MemberExpression":
        this.#readMemberExpression(node);
        return;
      case "ThisExpression":
        if (this.#thisDepth === 0) this.#obstruct("it uses `this` of the code around it");
        return;
      case "Super":
        if (this.#homeDepth === 0) this.#obstruct("it uses `super` of the object it belongs to");
        return;
      case "MetaProperty":
        this.#readMeta(node);
        return;
      case "AssignmentExpression":
        this.#readTarget(node["left"] as AstNode);
        this.#read(node["right"] as AstNode);
        return;
      case "UpdateExpression":
        this.#readTarget(node["argument"] as AstNode);
        return;
      case "VariableDeclaration":
        this.#readDeclaration(node);
        return;
      case "FunctionDeclaration":
        this.#scope.names.add((node["id"] as AstNode)["name"] as string);
        this.#readFunction(node);
        return;
      case "ClassDeclaration":
        this.#scope.names.add((node["id"] as AstNode)["name"] as string);
        this.#readClass(node, false);
        return;
      case "ClassExpression":
        this.#readClass(node, false);
        return;
      case "Property":
        this.#readProperty(node);
        return;
      case "LabeledStatement":
        this.#read(node["body"] as AstNode);
        return;
      case "BreakStatement":
      case "ContinueStatement":
      case "Literal":
      case "TemplateElement":
      case "PrivateIdentifier":
        return;
      default:
        this.#readOther(node);
    }
  }

  #readOther(node: AstNode): void {
    if (FUNCTION_TYPES.has(node.type)) return this.#readFunction(node);
    if (node.type === "CatchClause") return this.#inScope(false, () => this.#readCatch(node));
    if (node.type === "ForInStatement" || node.type === "ForOfStatement") return this.#inScope(false, () => this.#readForEach(node));
    if (node.type === "BlockStatement" || node.type === "ForStatement" || node.type === "SwitchStatement")
      return this.#inScope(false, () => this.#readChildren(node));
    this.#readChildren(node);
  }

  #readChildren(node: AstNode): void {
    for (const key in node) {
      const child = node[key];
      if (typeof child !== "object" || child === null) continue;
      if (Array.isArray(child)) {
        for (const item of child as (AstNode | null)[]) if (item !== null) this.#read(item);
      } else if (typeof (child as AstNode).type === "string") this.#read(child as AstNode);
    }
  }

  #readMemberExpression(node: AstNode): void {
    const object = node["object"] as AstNode;
    const property = node["property"] as AstNode;
    if (node["computed"] === true) {
      this.#read(object);
      this.#read(property);
    } else if (object.type === "Identifier" && property.type === "Identifier") {
      this.#use(object["name"] as string, property["name"] as string);
    } else this.#read(object);
  }

  #readProperty(node: AstNode): void {
    if (node["computed"] === true) this.#read(node["key"] as AstNode);
    const isMethod = node["method"] === true || node["kind"] !== "init";
    if (isMethod) this.#homeDepth += 1;
    this.#read(node["value"] as AstNode);
    if (isMethod) this.#homeDepth -= 1;
  }

  #readMeta(node: AstNode): void {
    if ((node["meta"] as AstNode)["name"] === "import") this.#obstruct("it uses `import.meta`", "read it outside and pass the value");
    else if (this.#thisDepth === 0) this.#obstruct("it uses `new.target` of the code around it");
  }

  #readDeclaration(node: AstNode): void {
    const home = node["kind"] === "var" ? functionScope(this.#scope) : this.#scope;
    for (const declarator of node["declarations"] as AstNode[]) {
      this.#readPattern(declarator["id"] as AstNode, home);
      this.#readOptional(declarator["init"]);
    }
  }

  #readCatch(node: AstNode): void {
    const parameter = node["param"] as AstNode | null;
    if (parameter !== null) this.#readPattern(parameter, this.#scope);
    this.#read(node["body"] as AstNode);
  }

  #readForEach(node: AstNode): void {
    const left = node["left"] as AstNode;
    if (left.type === "VariableDeclaration") this.#readDeclaration(left);
    else this.#readTarget(left);
    this.#read(node["right"] as AstNode);
    this.#read(node["body"] as AstNode);
  }

  /** Declares the names of a pattern in `home`; default values and computed keys are ordinary uses. */
  #readPattern(node: AstNode, home: Scope): void {
    this.#eachTarget(node, (target) => {
      if (target.type === "Identifier") home.names.add(target["name"] as string);
    });
  }

  #readTarget(node: AstNode): void {
    this.#eachTarget(node, (target) => {
      if (target.type === "Identifier") this.#use(target["name"] as string, undefined, true);
      else if (target.type === "MemberExpression") this.#readChildrenOfTarget(target);
      else this.#read(target);
    });
  }

  /** Assigning to a member needs the whole object. */
  #readChildrenOfTarget(target: AstNode): void {
    this.#read(target["object"] as AstNode);
    if (target["computed"] === true) this.#read(target["property"] as AstNode);
  }

  #eachTarget(node: AstNode | null, visit: (target: AstNode) => void): void {
    if (node === null) return;
    switch (node.type) {
      case "ArrayPattern":
        for (const element of node["elements"] as (AstNode | null)[]) this.#eachTarget(element, visit);
        return;
      case "ObjectPattern":
        for (const property of node["properties"] as AstNode[]) this.#eachTarget(property, visit);
        return;
      case "Property":
        if (node["computed"] === true) this.#read(node["key"] as AstNode);
        this.#eachTarget(node["value"] as AstNode, visit);
        return;
      case "AssignmentPattern":
        this.#eachTarget(node["left"] as AstNode, visit);
        this.#read(node["right"] as AstNode);
        return;
      case "RestElement":
        this.#eachTarget(node["argument"] as AstNode, visit);
        return;
      default:
        visit(node);
    }
  }
}

function isDeclared(name: string, scope: Scope): boolean {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) if (at.names.has(name)) return true;
  return false;
}

function functionScope(scope: Scope): Scope {
  let at = scope;
  while (!at.isFunction && at.parent !== undefined) at = at.parent;
  return at;
}

function runsAtDefinition(member: AstNode): boolean {
  if (member.type === "StaticBlock") return !(member["body"] as AstNode[]).every(isNameCall);
  const value = member["value"] as AstNode | null;
  return member.type === "PropertyDefinition" && member["static"] === true && value !== null && value.type !== "Literal" && !FUNCTION_TYPES.has(value.type);
}

/** `__name(this, "P")`, which esbuild puts into classes. */
export function isNameCall(statement: AstNode): boolean {
  const call = statement["expression"] as AstNode | undefined;
  return call?.type === "CallExpression" && (call["callee"] as AstNode)["name"] === "__name";
}
