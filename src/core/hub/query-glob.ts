// Shell patterns of `$glob`: `*` any run, `?` one character, `[a-z]` one of a set, `[!a]` or `[^a]` one of no set. A
// match keeps only the last `*` to come back to, so its time is at most the product of the two lengths: no pattern of
// a peer can take exponentially long.

import { InvalidArgumentError } from "../../base/index.ts";

const PATTERN_CHARS_MAX = 1024;

type Token =
  | { readonly type: "any" }
  | { readonly type: "one" }
  | { readonly type: "char"; readonly char: string }
  | { readonly type: "set"; readonly isNegated: boolean; readonly ranges: readonly (readonly [string, string])[] };

/** Makes the test of one pattern. Throws InvalidArgumentError for a pattern of more than 1024 characters. */
export function globMatcher(pattern: string): (text: string) => boolean {
  if (pattern.length > PATTERN_CHARS_MAX)
    throw new InvalidArgumentError(`a $glob pattern has ${pattern.length} characters; at most ${PATTERN_CHARS_MAX} are allowed`);
  const tokens = readTokens(Array.from(pattern));
  return (text) => matches(tokens, Array.from(text));
}

function readTokens(chars: readonly string[]): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at] as string;
    const set = char === "[" ? readSet(chars, at) : undefined;
    if (set !== undefined) {
      tokens.push(set.token);
      at = set.end;
    } else if (char === "*") {
      if (tokens.at(-1)?.type !== "any") tokens.push({ type: "any" });
    } else {
      tokens.push(char === "?" ? { type: "one" } : { type: "char", char });
    }
  }
  return tokens;
}

/** Reads `[…]` that begins at `start`; `undefined` when it is not closed: then the bracket stands for itself. */
function readSet(chars: readonly string[], start: number): { readonly token: Token; readonly end: number } | undefined {
  const isNegated = chars[start + 1] === "!" || chars[start + 1] === "^";
  const first = start + (isNegated ? 2 : 1);
  // A closing bracket right at the beginning belongs to the set.
  const end = chars.indexOf("]", first + 1);
  if (end < 0) return undefined;
  const ranges: (readonly [string, string])[] = [];
  for (let at = first; at < end; at += 1) {
    const low = chars[at] as string;
    if (chars[at + 1] === "-" && at + 2 < end) {
      ranges.push([low, chars[at + 2] as string]);
      at += 2;
    } else {
      ranges.push([low, low]);
    }
  }
  return { token: { type: "set", isNegated, ranges }, end };
}

function matches(tokens: readonly Token[], text: readonly string[]): boolean {
  let token = 0;
  let at = 0;
  let lastAny = -1;
  let lastAnyAt = 0;
  while (at < text.length) {
    const next = tokens[token];
    if (next?.type === "any") {
      lastAny = token;
      lastAnyAt = at;
      token += 1;
    } else if (next !== undefined && isOne(next, text[at] as string)) {
      token += 1;
      at += 1;
    } else if (lastAny >= 0) {
      lastAnyAt += 1;
      at = lastAnyAt;
      token = lastAny + 1;
    } else {
      return false;
    }
  }
  while (tokens[token]?.type === "any") token += 1;
  return token === tokens.length;
}

function isOne(token: Token, char: string): boolean {
  switch (token.type) {
    case "any":
      return false;
    case "one":
      return true;
    case "char":
      return token.char === char;
    case "set":
      return token.ranges.some(([low, high]) => codeOf(low) <= codeOf(char) && codeOf(char) <= codeOf(high)) !== token.isNegated;
  }
}

function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0;
}
