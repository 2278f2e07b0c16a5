// `%typecheck` and `%%typecheck`: remembers the cells of a session and has TypeScript look at them when asked to. Type errors are
// shown; they never keep a cell from running.

import { isBuiltin } from "node:module";
import { InvalidArgumentError, InvalidStateError } from "../../base/index.ts";
import { namesOfCell } from "../../execution/index.ts";
import type { MagicHost } from "../magic-host.ts";
import { check, findCompiler } from "./compiler.ts";
import { declaredNames } from "./declared-names.ts";
import { shownDiagnostic, type Diagnostic } from "./diagnostics.ts";
import { inCellWords, placeInCell, programOf, type CellPlace, type CheckedCell } from "./session-program.ts";

/** A cell that runs in this process. */
export interface SessionCell {
  /** Its number in the session. */
  readonly number: number;
  /** Its code, with lines that are magics empty. */
  readonly code: string;
  /** Which cell of a notebook it is, where the front end tells. */
  readonly id?: string;
}

/** Cells that are kept, and characters of them; the oldest go. */
const CELLS_MAX = 2000;
const CHARS_MAX = 4 * 1024 * 1024;
/** Errors shown at a time. */
const SHOWN_MAX = 50;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/** Type checks for one session. */
export class Typecheck {
  readonly #host: MagicHost;
  readonly #folder: string;
  /** Globals that were there before any cell. */
  readonly #initial: ReadonlySet<string>;
  #cells: SessionCell[] = [];
  #chars = 0;
  #isOn = false;

  constructor(host: MagicHost, folder: string) {
    this.#host = host;
    this.#folder = folder;
    this.#initial = new Set(Object.getOwnPropertyNames(host.globals));
  }

  /** Takes a cell that is about to run. Settles when it may: at once, or after its check when each cell is checked. */
  async take(cell: SessionCell): Promise<void> {
    this.#cells.push(cell);
    this.#chars += cell.code.length;
    while (this.#cells.length > CELLS_MAX || (this.#chars > CHARS_MAX && this.#cells.length > 1)) this.#chars -= this.#cells.shift()?.code.length ?? 0;
    if (this.#isOn && cell.code.trim() !== "") await this.#show([...this.#cells], new Set([cell.number]), "stderr");
  }

  /**
   * Runs the magic.
   *
   * @param body the cell below a `%%typecheck`, which has the number of the session's last cell
   * @throws InvalidArgumentError for another word than on and off; NotSupportedError without a compiler; SyntaxError of the body
   */
  async run(line: string, body: string | undefined, number: number): Promise<void> {
    if (body !== undefined) return this.#body(line, body, number);
    switch (line) {
      case "":
        return this.#all();
      case "on": {
        const { version } = await findCompiler(this.#folder);
        this.#isOn = true;
        return this.#host.write("stdout", `each cell is checked by typescript ${version} before it runs, until %typecheck off\n`);
      }
      case "off":
        this.#isOn = false;
        return this.#host.write("stdout", "cells run unchecked again\n");
      default:
        throw new InvalidArgumentError(`%typecheck takes on, off, or nothing, and got ${JSON.stringify(line)}`);
    }
  }

  async #body(line: string, body: string, number: number): Promise<void> {
    if (line !== "") throw new InvalidArgumentError(`%%typecheck takes no options, and got ${JSON.stringify(line)}`);
    await namesOfCell(body); // Its syntax errors are as if it ran.
    // The magic's own line is the cell's first.
    await this.#show([...this.#cells, { number, code: `\n${body}` }], new Set([number]), "stdout");
  }

  async #all(): Promise<void> {
    await this.#show([...this.#cells], latestOf(this.#cells), "stdout");
  }

  /** Checks cells and shows what is wrong with those of the given numbers. */
  async #show(cells: readonly SessionCell[], numbers: ReadonlySet<number>, stream: "stdout" | "stderr"): Promise<void> {
    const stop = new AbortController();
    const stopListening = this.#host.onInterrupt(() => stop.abort(new InvalidStateError("the type check was interrupted")));
    try {
      const { checked, diagnostics } = await this.#check(cells, stop.signal);
      const isMeant = ({ number, code }: CheckedCell): boolean => numbers.has(number) && code.trim() !== "";
      const found = placed(diagnostics, checked).filter(({ cell }) => isMeant(cell));
      const shown = found.slice(0, SHOWN_MAX).map(({ place, diagnostic, cell }) => shownDiagnostic(place, diagnostic, cell.code));
      if (found.length > SHOWN_MAX) shown.push(`and ${found.length - SHOWN_MAX} more\n`);
      if (stream === "stdout") shown.push(summary(found.length, checked.filter((cell) => isMeant(cell)).length));
      if (shown.length > 0) this.#host.write(stream, shown.join(""));
    } finally {
      stopListening();
    }
  }

  async #check(cells: readonly SessionCell[], signal: AbortSignal): Promise<{ readonly checked: CheckedCell[]; readonly diagnostics: readonly Diagnostic[] }> {
    const compiler = await findCompiler(this.#folder);
    const checked = (await Promise.all(cells.map((cell) => asChecked(cell)))).filter((cell) => cell !== undefined);
    const { diagnostics } = await check(compiler, { folder: this.#folder, files: programOf(checked, this.#globals()), signal });
    return { checked, diagnostics };
  }

  /** Types of variables that no cell's text declares: those the host made, and whatever code has put there. */
  #globals(): Map<string, string> {
    const { globals, types = {} } = this.#host;
    const made = Object.getOwnPropertyNames(globals).filter((name) => !this.#initial.has(name) && IDENTIFIER.test(name));
    const known = Object.entries(types).filter(([name]) => name in globals);
    // The prompt has Node's modules under their names.
    const typed = made.map((name): [string, string] => [name, isBuiltin(name) ? `typeof import("node:${name}")` : "any"]);
    return new Map([...typed.filter(([name]) => name !== "require"), ...known]); // Node's types have that.
  }
}

interface PlacedDiagnostic {
  readonly place: CellPlace;
  readonly cell: CheckedCell;
  readonly diagnostic: Diagnostic;
}

/** Complaints about cells, in the cells' order and words; those about other files are not the session's. */
function placed(diagnostics: readonly Diagnostic[], cells: readonly CheckedCell[]): PlacedDiagnostic[] {
  const found = diagnostics.flatMap((diagnostic): PlacedDiagnostic[] => {
    const place = placeInCell(cells, diagnostic.file, diagnostic.line, diagnostic.column);
    const cell = cells.find(({ number }) => number === place?.cell);
    return place === undefined || cell === undefined ? [] : [{ place, cell, diagnostic: { ...diagnostic, message: inCellWords(diagnostic.message) } }];
  });
  return found.toSorted((a, b) => a.place.cell - b.place.cell || a.place.line - b.place.line || a.place.column - b.place.column);
}

/** Numbers of the cells as they are now: one that was run again, by its id or its text, counts with its last number only. */
function latestOf(cells: readonly SessionCell[]): Set<number> {
  const seen = new Set<string>();
  const numbers = new Set<number>();
  for (const { number, code, id } of cells.toReversed()) {
    const marks = [`code ${code}`, ...(id === undefined ? [] : [`id ${id}`])];
    if (!marks.some((mark) => seen.has(mark))) numbers.add(number);
    for (const mark of marks) seen.add(mark);
  }
  return numbers;
}

function summary(errors: number, cells: number): string {
  const where = `${cells} cell${cells === 1 ? "" : "s"}`;
  return errors === 0 ? `no type errors in ${where}\n` : `${errors} type error${errors === 1 ? "" : "s"} in ${where}\n`;
}

/** The cell with its names; `undefined` for one that does not compile, which was told when it ran. */
async function asChecked({ number, code }: SessionCell): Promise<CheckedCell | undefined> {
  try {
    const names = declaredNames(code, await namesOfCell(code));
    return { number, code, names, isObject: /^\s*\{/.test(code) && (await compiles(`(${code}\n)`)) };
  } catch {
    return undefined;
  }
}

async function compiles(code: string): Promise<boolean> {
  return namesOfCell(code).then(
    () => true,
    () => false,
  );
}
