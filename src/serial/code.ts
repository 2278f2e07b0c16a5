// The static part of a function or class: its text, the names it needs bound and where it was written. Made once for a
// function, hashed, and sent as one entry of the table of specials; engines keep what they built by the hash.

import { createHash } from "node:crypto";

import { CODE_HASH_BYTES } from "../wire/index.ts";
import { malformed } from "./payload.ts";
import type { SourceForm } from "./function-source.ts";

/** What an engine needs to build a function, apart from the values of its bindings. */
export interface CodeFacts {
  readonly name: string;
  readonly form: SourceForm;
  /** See `FunctionSource.text`. */
  readonly text: string;
  /** Names the text needs: `a` for a variable, `ns.f` for member `f` of a namespace `ns`. */
  readonly bindings: readonly string[];
  /** Indexes of the bindings that evaluating the text needs; the others may be bound later. */
  readonly eager: readonly number[];
  readonly isStrict: boolean;
  /** The text is a class with `#private` members: its instances cannot travel. */
  readonly hasPrivate: boolean;
  /** Script the text was loaded from, and zero-based position of its first character, where known. */
  readonly url?: string;
  readonly line?: number;
  readonly column?: number;
  /** See `WrittenPlace.lines`. */
  readonly lines?: readonly number[];
}

/** Facts with their identity. */
export interface Code {
  readonly facts: CodeFacts;
  /** The hash, as a string that serves as key of caches. */
  readonly key: string;
  /** Hash and facts: an entry of the table, or a code frame. */
  readonly entry: Buffer;
  /** The entry as it stands in a table when the code is a function's: without class identity. */
  readonly plainEntry: Buffer;
  /** Likewise, of an entry that refers to a code frame. */
  readonly plainReference: Buffer;
}

const NO_CLASS_ID = Buffer.of(0);

/** The entry of a class: length of the identity, identity, entry. */
export function classEntry(classId: string, entry: Buffer): Buffer {
  return Buffer.concat([Buffer.of(classId.length), Buffer.from(classId, "latin1"), entry]);
}

/** Encodes facts. */
export function createCode(facts: CodeFacts): Code {
  const json = Buffer.from(JSON.stringify(facts));
  const hash = hashOf(json);
  return makeCode(facts, hash.toString("latin1"), Buffer.concat([hash, json]));
}

function makeCode(facts: CodeFacts, key: string, entry: Buffer): Code {
  const plainEntry = Buffer.concat([NO_CLASS_ID, entry]);
  const plainReference = plainEntry.subarray(0, NO_CLASS_ID.length + CODE_HASH_BYTES);
  return { facts, key, plainEntry, plainReference, entry: plainEntry.subarray(NO_CLASS_ID.length) };
}

function hashOf(json: Buffer): Buffer {
  return createHash("sha256").update(json).digest().subarray(0, CODE_HASH_BYTES);
}

/** The key in an entry, to look a code up without reading it. */
export function codeKey(entry: Buffer): string {
  if (entry.length < CODE_HASH_BYTES) throw malformed("a function is cut short");
  return entry.toString("latin1", 0, CODE_HASH_BYTES);
}

/** Reads an entry; the hash must fit, so that a damaged text is never built or kept. */
export function readCode(entry: Buffer): Code {
  const json = entry.subarray(CODE_HASH_BYTES);
  if (!hashOf(json).equals(entry.subarray(0, CODE_HASH_BYTES))) throw malformed("the text of a function is damaged");
  const facts = JSON.parse(json.toString()) as CodeFacts;
  if (typeof facts.text !== "string" || !Array.isArray(facts.bindings) || !Array.isArray(facts.eager)) throw malformed("a function lacks its text");
  return makeCode(facts, codeKey(entry), entry);
}

/** Indexes of the bindings that may be bound late. */
export function lazyBindings(facts: CodeFacts): number[] {
  const lazy: number[] = [];
  for (let i = 0; i < facts.bindings.length; i += 1) if (!facts.eager.includes(i)) lazy.push(i);
  return lazy;
}
