// Names that the text of a cell declares at its top, in TypeScript's own words: types too, of which nothing is left when the cell
// runs. They are found by patterns, not by a parser of TypeScript; a name too many does no harm, as what is said of it is dropped.

/** What a cell declares. */
export interface DeclaredNames {
  /** Variables: another cell may assign to them. */
  readonly variables: readonly string[];
  /** Functions, classes, enums, types and what is imported: other cells import them. */
  readonly entities: readonly string[];
}

const IDENTIFIER = String.raw`[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*`;
const NAMED = new RegExp(String.raw`\b(?:class|enum|namespace|module|function\s*\*?)\s+(${IDENTIFIER})`, "gu");
const TYPE = new RegExp(String.raw`(?:^|[;}])[^\S\n]*(?:export\s+|declare\s+)*(?:interface\s+(${IDENTIFIER})|type\s+(${IDENTIFIER})\s*[<=])`, "gmu");
const AMBIENT = new RegExp(String.raw`^[^\S\n]*declare\s+(?:const|let|var|function|abstract\s+class|class)\s+(${IDENTIFIER})`, "gmu");
const IMPORT = /^[^\S\n]*import\s+(?:type\s+)?([^"'`;()]*?)\s*from\s*["']/gmu;
const EXPORTED = /^([^\S\n]*)export(?=\s+(?:const|let|var|function|async|class|abstract|interface|type|enum|declare|namespace)\b)/gmu;

/**
 * Names that a cell declares.
 *
 * @param values those that it makes when it runs, as the compiler of cells knows them
 */
export function declaredNames(code: string, values: readonly string[]): DeclaredNames {
  const entities = new Set<string>();
  for (const [, name = ""] of code.matchAll(NAMED)) if (values.includes(name)) entities.add(name);
  for (const [, face = "", alias = ""] of code.matchAll(TYPE)) entities.add(face === "" ? alias : face);
  for (const [, name = ""] of code.matchAll(AMBIENT)) entities.add(name);
  for (const [, clause = ""] of code.matchAll(IMPORT)) for (const name of importedNames(clause)) entities.add(name);
  return { variables: values.filter((name) => !entities.has(name)), entities: [...entities] };
}

/** Local names of `a, { b, type c as d }` or `* as e`. */
function importedNames(clause: string): string[] {
  const parts = clause.replaceAll(/[{}]/g, ",").split(",");
  return parts.flatMap((part) => {
    const name = part.trim().split(/\s+/).at(-1) ?? "";
    return new RegExp(`^${IDENTIFIER}$`, "u").test(name) ? [name] : [];
  });
}

/** The cell without `export` before its declarations, in as many characters. */
export function withoutExports(code: string): string {
  return code.replaceAll(EXPORTED, (_, indent: string) => `${indent}      `);
}
