// Words for scripts: quoted so that a shell reads back exactly what was meant, or refused when a batch system's directive
// could not hold them at all.

import { ConfigError } from "../../base/index.ts";
import { shellWord } from "../shell-words.ts";

/**
 * One word for a POSIX shell in a line of a script.
 *
 * @param what names the value in the message
 * @throws ConfigError for a line break or NUL, which no line of a script can hold
 */
export function scriptWord(value: string, what: string): string {
  refuseLineBreaks(value, what);
  return shellWord(value);
}

/** What a directive of any of the systems takes unquoted: no blanks, quotes, braces, or what a shell would expand. */
const DIRECTIVE_VALUE = /^[\p{L}\p{N}_@%+=:,./[\]~^-]+$/u;

/**
 * A value for a directive (`#SBATCH --partition=…`), where quoting differs from system to system and does not always exist.
 *
 * @throws ConfigError when it holds a character that could end or change the directive
 */
export function directiveValue(value: string, what: string): string {
  if (DIRECTIVE_VALUE.test(value)) return value;
  const bad = Array.from(value).find((letter) => !DIRECTIVE_VALUE.test(letter));
  const why = bad === undefined ? "it is empty" : `${JSON.stringify(bad)} cannot stand in a batch script's directive`;
  throw new ConfigError(`${what} ${JSON.stringify(value)} is refused: ${why}; use letters, digits and _ @ % + = : , . / [ ] ~ ^ -`);
}

/** @throws ConfigError for a value with a line break or NUL */
export function refuseLineBreaks(value: string, what: string): void {
  // oxlint-disable-next-line no-control-regex
  if (/[\n\r\0]/.test(value)) throw new ConfigError(`${what} ${JSON.stringify(value)} is refused: a script's line cannot hold a line break`);
}

/** Text that fits into a job's name: what does not is replaced by `_`. */
export function jobNameOf(text: string): string {
  return text.replaceAll(/[^\w.-]/g, "_");
}
