// How a view looks in the REPL and in console.log: whom it talks to now, and with which options.

import { describeIds } from "../base/index.ts";

/** `<DirectView: engines 0…3; label: "first">`; of an option that is no plain value, only its name. */
export function viewText(kind: string, view: { readonly targets: readonly number[] }, options: object): string {
  const given = Object.entries(options).filter(([name, value]) => name !== "targets" && value !== undefined);
  const shown = given.map(([name, value]) => `${name}: ${typeof value === "object" ? "…" : JSON.stringify(value)}`);
  return `<${kind}: ${engines(view)}${shown.length === 0 ? "" : `; ${shown.join(", ")}`}>`;
}

function engines(view: { readonly targets: readonly number[] }): string {
  const { targets } = view;
  if (targets.length === 0) return "no engines";
  return `${targets.length === 1 ? "engine" : "engines"} ${describeIds(targets)}`;
}

/** What to do instead of sending a client or a view along with a function. */
export const SUBMIT_HERE: string = "submit from here, or let the function connect a client of its own with `Client.connect()`";
