// The results of a sweep in a file, a line for each, written as they come: a program that is killed loses what was not computed yet, and perhaps
// the line it was writing. The first line says what the sweep is, so that results of different ones do not get mixed.

import { appendFile, readFile, rename, writeFile } from "node:fs/promises";

/** A row of the sweep. */
export interface Row {
  readonly row: number;
  readonly seconds: readonly (number | null)[];
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // cut off: treated as not there
  }
}

/** The file of one sweep. */
export class SavedRows {
  readonly path: string;
  readonly #heading: string;
  readonly rows = new Map<number, Row>();

  private constructor(path: string, heading: string) {
    this.path = path;
    this.#heading = heading;
  }

  /**
   * Reads what an earlier run has saved, or begins a new file.
   *
   * @throws Error when the file is that of another sweep, or none of ours
   */
  static async open(path: string, sweep: Readonly<Record<string, number>>): Promise<SavedRows> {
    const saved = new SavedRows(path, JSON.stringify(sweep));
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    });
    const [heading = "", ...lines] = text.split("\n");
    if (heading !== "" && heading !== saved.#heading)
      throw new Error(`${path} is of another sweep, ${heading.slice(0, 80)}, and this is ${saved.#heading}: remove it, or name another --out`);
    // What follows the last line end was cut off, and so may be anything after a crash of the whole machine.
    for (const line of lines.slice(0, -1)) {
      const row = parseLine(line) as Row | undefined;
      if (row !== undefined) saved.rows.set(row.row, row);
    }
    const whole = [saved.#heading, ...[...saved.rows.values()].map((row) => JSON.stringify(row)), ""].join("\n");
    if (whole !== text) {
      await writeFile(`${path}.new`, whole);
      await rename(`${path}.new`, path);
    }
    return saved;
  }

  /** Adds a row at the end of the file. */
  async add(row: Row): Promise<void> {
    await appendFile(this.path, `${JSON.stringify(row)}\n`);
    this.rows.set(row.row, row);
  }
}
