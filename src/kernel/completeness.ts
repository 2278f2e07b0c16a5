// Whether code that is being typed is a whole cell: a console asks at each press of Enter whether to run it or to go on.

import { positionOfSyntaxError } from "../execution/index.ts";

/** What a console does next: `incomplete` asks for another line, which begins with `indent`. */
export type Completeness = { readonly status: "complete" | "invalid" } | { readonly status: "incomplete"; readonly indent: string };

const INDENT = "  ";

/** Reads code; `check` compiles it without running it, and rejects with its SyntaxError. */
export async function completenessOf(code: string, check: (code: string) => Promise<unknown>): Promise<Completeness> {
  // Nothing but an empty line tells the end of what stands below a `%%magic`.
  if (/^\s*%%\w/.test(code)) return /\n[^\S\n]*$/.test(code) ? { status: "complete" } : { status: "incomplete", indent: "" };
  const isMagic = /^[^\S\n]*%\w.*$/gm;
  if (isMagic.test(code)) return completenessOf(code.replaceAll(isMagic, ";"), check);
  try {
    await check(code);
    return { status: "complete" };
  } catch (error) {
    const open = openAt(code);
    if (open === "broken") return { status: "invalid" };
    if (open.depth > 0 || open.isInText || isAtEnd(code, error)) return { status: "incomplete", indent: open.isInText ? "" : INDENT.repeat(open.depth) };
    return { status: "invalid" };
  }
}

/** The parser stumbled over the end: what stands there may still be continued. */
function isAtEnd(code: string, error: unknown): boolean {
  const at = positionOfSyntaxError(error);
  if (at === undefined) return false;
  const lines = code.trimEnd().split("\n");
  const last = lines.length;
  return at.line > last || (at.line === last && at.column >= (lines.at(-1)?.length ?? 0));
}

interface Open {
  /** Brackets that are not closed. */
  readonly depth: number;
  /** Within a comment or a template. */
  readonly isInText: boolean;
}

const CLOSERS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** What is open at the end of the code. `broken`: brackets that do not match, or a string that its line does not end. */
function openAt(code: string): Open | "broken" {
  /** What is expected to close, innermost last; a backtick is a template, "}`" a substitution in one. */
  const open: string[] = [];
  for (let i = 0; i < code.length;) {
    const rest = code.slice(i, i + 2);
    const char = code[i] as string;
    if (open.at(-1) === "`") {
      if (char === "\\") i += 2;
      else if (rest === "${") {
        open.push("}`");
        i += 2;
      } else {
        if (char === "`") open.pop();
        i += 1;
      }
      continue;
    }
    const skipped = skipText(code, i, rest);
    if (skipped === "open") return { depth: brackets(open), isInText: true };
    if (skipped === "broken") return "broken";
    if (skipped > i) {
      i = skipped;
      continue;
    }
    if (char === "`") open.push("`");
    else if (char in CLOSERS) open.push(CLOSERS[char] as string);
    else if ((char === ")" || char === "]" || char === "}") && open.pop()?.[0] !== char) return "broken";
    i += 1;
  }
  return { depth: brackets(open), isInText: open.at(-1) === "`" };
}

/** Index behind the comment, string or regular expression that begins here, or the same index when none does. */
function skipText(code: string, at: number, two: string): number | "open" | "broken" {
  const char = code[at];
  if (two === "//") {
    const end = code.indexOf("\n", at);
    return end < 0 ? code.length : end;
  }
  if (two === "/*") {
    const end = code.indexOf("*/", at + 2);
    return end < 0 ? "open" : end + 2;
  }
  if (char === '"' || char === "'") {
    const [text] = /^(["'])(?:\\[\s\S]|(?!\1)[^\\\n])*\1/.exec(code.slice(at)) ?? [];
    return text === undefined ? "broken" : at + text.length;
  }
  // Behind an operator or an opening bracket a slash begins a regular expression; behind a value it divides.
  if (char === "/" && /(?:^|[=(,:[!&|?{};+\-*%~^<>]|\breturn|\btypeof)\s*$/.test(code.slice(Math.max(0, at - 20), at))) {
    const [text] = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/\w*/.exec(code.slice(at)) ?? [];
    return text === undefined ? at : at + text.length;
  }
  return at;
}

const brackets = (open: readonly string[]): number => open.filter((closer) => closer !== "`").length;
