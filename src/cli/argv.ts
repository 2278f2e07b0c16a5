// Command lines as ipyparallel's users write them (traitlets: `-n=4`, `--log-to-file=True`, `--Class.trait=value`),
// rewritten to what commander reads.

const TRAIT = /^--([A-Z][A-Za-z0-9]*\.[A-Za-z_][A-Za-z0-9_.]*)(?:=(.*))?$/s;
const SHORT_WITH_VALUE = /^(-[A-Za-z])=(.*)$/s;
const LONG_WITH_VALUE = /^(--[a-z][a-z0-9-]*)=(.*)$/s;
const TRUE = /^(true|yes|on|1)$/i;
const FALSE = /^(false|no|off|0)$/i;

/**
 * Rewrites arguments in traitlets style. What follows `--` stays as it is. Doing it twice changes nothing more.
 *
 * - `-n=4` becomes `-n 4`
 * - `--Class.trait=value` becomes `--set Class.trait=value`
 * - `--switch=True` becomes `--switch`, `--switch=False` becomes `--no-switch` or is left out, for the `switches` named
 *
 * @param argv arguments without the program's own two
 * @param switches long flags that take no value, e.g. `--daemonize`
 */
export function normalizeArgv(argv: readonly string[], switches: ReadonlySet<string> = new Set()): string[] {
  const result: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (word === "--") return [...result, ...argv.slice(index)];
    const trait = TRAIT.exec(word);
    const short = SHORT_WITH_VALUE.exec(word);
    const long = LONG_WITH_VALUE.exec(word);
    if (trait !== null) {
      // `--Class.trait value` is accepted too, as argparse does there.
      const value = trait[2] ?? argv[(index += 1)] ?? "";
      result.push("--set", `${trait[1] ?? ""}=${value}`);
    } else if (short !== null) {
      result.push(short[1] ?? "", short[2] ?? "");
    } else if (long !== null && switches.has(long[1] ?? "") && (TRUE.test(long[2] ?? "") || FALSE.test(long[2] ?? ""))) {
      const negated = `--no-${(long[1] ?? "").slice(2)}`;
      if (TRUE.test(long[2] ?? "")) result.push(long[1] ?? "");
      else if (switches.has(negated)) result.push(negated);
    } else {
      result.push(word);
    }
  }
  return result;
}
