// Text for and about shells: quoting, and recognising commands that mean the same in any bash.
//
// A command that needs no shell state at all ("literal") may run in a forked copy of a running bash, which is twice as
// fast as starting a new one. So the recogniser must be narrow: it accepts words without any expansion, quotes around
// such words, pipes, lists and redirections to files, and refuses everything it does not know. What it refuses runs
// in a new bash. It must never accept a command that could tell the difference: `$$`, `$?`, `$PPID`, `jobs`, `trap`,
// `set`, `shopt`, `times`, background jobs, functions, here-documents, `exec`, `exit`.

/** Quotes any text without NUL for a POSIX shell. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

// Words of the language and builtins that see or change shell state, as of bash 5; unknown names are programs.
const REFUSED = new Set(
  (
    "! [[ ]] { } case coproc do done elif else esac fi for function if in select then time until while " +
    ". alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown enable eval exec exit export fc fg getopts hash " +
    "help history jobs kill let local logout mapfile popd printf pushd read readarray readonly return set shift shopt source suspend test [ times trap type " +
    "typeset ulimit umask unalias unset wait"
  ).split(" "),
);

const WORD = String.raw`(?:[A-Za-z0-9_./,:@%+-]|'[^']*'|"[^"$\x60\\!]*")+`;
const ARGUMENT = String.raw`(?:[A-Za-z0-9_./,:@%+=-]|'[^']*'|"[^"$\x60\\!]*")+`;
const REDIRECTION = String.raw`(?:[12]?>{1,2}|<)[ \t]*${WORD}|2>&1`;
const SIMPLE = String.raw`(${WORD})(?:[ \t]+(?:${REDIRECTION}|${ARGUMENT}))*`;
const SEPARATOR = /[ \t]*(?:\|\||&&|\||;)[ \t]*/y;
// Linear: each alternative of a step begins with a different character, and steps are anchored by `y`.
const COMMAND = new RegExp(SIMPLE, "y");

/** Tells whether any bash, new or forked from a running one, does the same with the command. */
export function isLiteralCommand(cmd: string): boolean {
  if (cmd.length > 4_096 || /[\n\r\0]/.test(cmd)) return false;
  const text = cmd.replace(/^[ \t]+|[ \t]+$/g, "");
  let at = 0;
  for (;;) {
    COMMAND.lastIndex = at;
    const match = COMMAND.exec(text);
    if (match === null || !isProgramName(match[1] ?? "")) return false;
    at += match[0].length;
    if (at === text.length) return true;
    SEPARATOR.lastIndex = at;
    const separator = SEPARATOR.exec(text);
    if (separator === null) return false;
    at += separator[0].length;
  }
}

// A number before a redirection would be a file descriptor, and quotes in a name could spell anything: both are left to a new bash.
function isProgramName(word: string): boolean {
  return /^[A-Za-z_./][A-Za-z0-9_./+-]*$/.test(word) && !REFUSED.has(word);
}
