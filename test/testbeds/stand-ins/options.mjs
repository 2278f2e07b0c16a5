// Short options as the systems' commands and directives take them.

import { Refusal } from "./jobs.mjs";

/** Words of a line: blanks part them, quotes hold them together. */
export function words(line) {
  return [...line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) => word.replaceAll(/["']/g, ""));
}

/** Options of a list of words: `taking` with a value, `flags` without; what is unknown is refused. Gives them and the operands. */
export function options(list, { taking, flags = [], name }) {
  const found = {};
  let index = 0;
  for (; index < list.length && list[index].startsWith("-"); index += 1) {
    const option = list[index].slice(1);
    if (taking.includes(option)) {
      index += 1;
      if (list[index] === undefined) throw new Refusal(`${name}: option requires an argument -- '${option}'`, 2);
      found[option] = list[index];
    } else if (flags.includes(option)) found[option] = true;
    else throw new Refusal(`${name}: invalid option -- '${option}'`, 2);
  }
  return { found, operands: list.slice(index) };
}

/** Directives of a script: lines that begin with the mark, up to the first command. */
export function directives(script, mark, rules) {
  const found = {};
  for (const line of script.split("\n")) {
    if (line.startsWith(`${mark} `)) Object.assign(found, options(words(line.slice(mark.length)), rules).found);
    else if (line.trim() !== "" && !line.startsWith("#")) break;
  }
  return found;
}

/** Numbers of `1-4`. */
export function range(text, name) {
  const match = /^(\d+)-(\d+)$/.exec(text);
  if (match === null || Number(match[1]) > Number(match[2])) throw new Refusal(`${name}: illegal array range ${text}`, 2);
  return Array.from({ length: match[2] - match[1] + 1 }, (_, index) => Number(match[1]) + index);
}
