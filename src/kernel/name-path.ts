// Names in code around a position: `rc.ids` in `await rc.id|s`, and what they stand for in the namespace.

import { globalValue, memberValue, type Found } from "./values.ts";

const NAME = String.raw`[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*`;
const STEP = String.raw`(?:\[(?:\d+|"[^"\\\n]*"|'[^'\\\n]*')\])*\s*\??\.\s*`;
/** Holders, each with its dot, and the name that is begun. */
const AT_END = new RegExp(String.raw`(?<holders>(?:${NAME}${STEP})*)(?<word>(?:${NAME})?)$`, "u");
const WORD_REST = new RegExp(String.raw`^[\p{ID_Continue}$\u200c\u200d]*`, "u");
const PARTS = new RegExp(String.raw`${NAME}|\[(?:\d+|"[^"]*"|'[^']*')\]`, "gu");
/** Code looked at before the position: names are not longer. */
const LOOKED_AT = 2000;

/** Names that lead to a position. */
export interface NamePath {
  /** `a`, `b` in `a.b.c|`. */
  readonly holders: readonly string[];
  /** The name that the position is in or behind; may be empty. */
  readonly word: string;
  /** Where the word begins. */
  readonly start: number;
  /** There is a dot before the word, and what stands before that is no name: nothing can be known of it. */
  readonly isUnknown: boolean;
}

/** What stands before a position. */
export function pathBefore(code: string, at: number): NamePath {
  const before = code.slice(Math.max(0, at - LOOKED_AT), at);
  const match = AT_END.exec(before);
  const word = match?.groups?.["word"] ?? "";
  const holders = match?.groups?.["holders"] ?? "";
  const head = before.slice(0, before.length - word.length - holders.length);
  return { holders: partsOf(holders), word, start: at - word.length, isUnknown: /\.\s*$/.test(head) && !/\.\.\.\s*$/.test(head) };
}

/** The whole name that a position is in; behind an opening bracket of a call, the name of what is called. */
export function pathAround(code: string, at: number): NamePath {
  const end = at + (WORD_REST.exec(code.slice(at))?.[0].length ?? 0);
  const path = pathBefore(code, end);
  if (path.word !== "" || path.holders.length > 0) return path;
  const call = /\([^()]*$/.exec(code.slice(Math.max(0, at - LOOKED_AT), at));
  return call === null ? path : pathBefore(code, at - call[0].length);
}

/** Value of names joined by dots. */
export function resolvePath(names: readonly string[]): Found | undefined {
  const [root, ...members] = names;
  if (root === undefined) return undefined;
  let found = root === "globalThis" ? { value: globalThis as unknown } : globalValue(root);
  for (const member of members) found = found === undefined ? undefined : memberValue(found.value, member);
  return found;
}

function partsOf(holders: string): string[] {
  return [...holders.matchAll(PARTS)].map(([part]) => (part.startsWith("[") ? part.slice(1, -1).replaceAll(/^["']|["']$/g, "") : part));
}
