// Words of a POSIX shell: quoted so that it takes them as they are.

/** One word, quoted where it must be. */
export function shellWord(word: string): string {
  return /^[\w%+,./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Words as a command line. */
export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}
