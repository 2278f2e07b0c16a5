// Completion: names of the namespace, members of values, keywords, names of Node's modules.

import { builtinModules } from "node:module";
import { pathBefore, resolvePath } from "./name-path.ts";
import { kindOf, memberNames } from "./values.ts";

/** One way to go on. */
export interface Match {
  readonly text: string;
  /** `function`, `class`, `instance`, `module`, `property` or `keyword`. */
  readonly type: string;
}

/** What may stand from `start` to `end` (indexes in the code). */
export interface Completions {
  readonly matches: readonly Match[];
  readonly start: number;
  readonly end: number;
}

const MATCHES_MAX = 1000;
/** Members that are looked at. */
const NAMES_MAX = 20_000;

const KEYWORDS =
  "abstract as async await break case catch class const continue debugger declare default delete do else enum export extends false finally for from function if implements import in instanceof interface keyof let namespace new null of private protected public readonly return satisfies static super switch this throw true try type typeof undefined var void while yield".split(
    " ",
  );

/** In the text of an import. */
const IMPORTING = /(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\()\s*["']([^"'\n]*)$/;

/** Completes the code at an index. */
export function complete(code: string, at: number): Completions {
  const importing = IMPORTING.exec(code.slice(0, at));
  if (importing !== null) return modules(importing[1] ?? "", at);
  const path = pathBefore(code, at);
  const range = { start: path.start, end: at };
  if (path.isUnknown) return { ...range, matches: [] };
  if (path.holders.length === 0) return { ...range, matches: pick(globalNames(), path.word) };
  const holder = resolvePath(path.holders);
  return { ...range, matches: holder === undefined ? [] : pick(memberNames(holder.value, NAMES_MAX), path.word) };
}

function modules(begun: string, at: number): Completions {
  const names = [...builtinModules.filter((name) => !name.startsWith("_")).flatMap((name) => [`node:${name}`, name]), "tsparallel", "tsparallel/engine"];
  const wanted = names.filter((name) => name.startsWith(begun) && (begun !== "" || name.startsWith("node:") || name.startsWith("tsparallel")));
  return { matches: wanted.sort().map((text) => ({ text, type: "module" })), start: at - begun.length, end: at };
}

function globalNames(): Map<string, string> {
  const names = new Map<string, string>();
  for (const name of Object.getOwnPropertyNames(globalThis)) names.set(name, kindOf(Object.getOwnPropertyDescriptor(globalThis, name)));
  for (const name of KEYWORDS) names.set(name, "keyword");
  return names;
}

/** Names that begin so and can be written behind a dot, sorted; those with leading underscores last. */
function pick(names: ReadonlyMap<string, string>, begun: string): Match[] {
  const isWritable = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;
  const rank = (name: string): string => (name.startsWith("_") ? `\uffff${name}` : name);
  return [...names]
    .filter(([name]) => name.startsWith(begun) && isWritable.test(name))
    .sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1))
    .slice(0, MATCHES_MAX)
    .map(([text, type]) => ({ text, type }));
}
