// What user code can ask of the program that runs it: show something, ask somebody.

import { NotSupportedError } from "../../base/index.ts";
import { requireHost, type DisplayChoice } from "./host.ts";

/**
 * Shows a value to the client, as a notebook would: text always, and the richer forms that the value has of itself. These are
 * what `value[Symbol.for("Jupyter.display")]()` or `value.toMime()` return (an object from MIME type to text, or to bytes or JSON),
 * or what its methods `_repr_html_`, `_repr_svg_`, `_repr_png_` and so on return; elements of a document and canvases are
 * shown as they are.
 *
 * @example display(plot, { displayId: "progress" }); display(betterPlot, { displayId: "progress", update: true });
 */
export function display(value: unknown, choice: DisplayChoice = {}): void {
  requireHost().display(value, choice);
}

/** Removes what the cell has put out so far; with `wait`, at the moment when its next output comes, so that nothing flickers. */
export function clearOutput(options: { readonly wait?: boolean } = {}): void {
  requireHost().clearOutput(options.wait === true);
}

/**
 * Asks the user of the notebook for a line of text. Rejects where nobody can be asked: on an engine, and in a notebook that runs
 * without a person.
 */
export function input(prompt = ""): Promise<string> {
  return ask(prompt, false);
}

/** As `input`, for what must not be seen while it is typed. */
export function password(prompt = ""): Promise<string> {
  return ask(prompt, true);
}

async function ask(prompt: string, isPassword: boolean): Promise<string> {
  const host = requireHost();
  if (host.ask === undefined) throw new NotSupportedError("nobody can be asked here: an engine has no user; ask in the client and push the answer");
  return host.ask(String(prompt), isPassword);
}
