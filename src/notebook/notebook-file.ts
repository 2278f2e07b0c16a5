// The notebook's file: read with clear words, and written so that at every moment, whatever happens to this process, there is a
// whole notebook: into a file beside it, which then takes its place. One write is under way at a time, and one waits.

import { constants } from "node:fs";
import { access, open, readdir, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { ConfigError, InvalidArgumentError } from "../base/index.ts";
import { fileFailure } from "../config/index.ts";
import { NotebookWriter, parseNotebook, type Cell, type Notebook } from "../core/notebook/index.ts";
import { processExists } from "../programs/index.ts";

/**
 * Reads a notebook.
 *
 * @throws ConfigError when the file cannot be read, InvalidArgumentError when it is no notebook
 */
export async function readNotebook(path: string): Promise<Notebook> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ConfigError(`cannot read ${path}: ${fileFailure(cause)}`, { cause });
  }
  try {
    return parseNotebook(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    if (cause instanceof InvalidArgumentError) throw new InvalidArgumentError(`${path} ${cause.message}`, { cause });
    throw new InvalidArgumentError(`${path} is not UTF-8 text; a notebook is`, { cause });
  }
}

/** Writes one notebook again and again. */
export class NotebookFile {
  readonly path: string;
  /** Where links lead to. */
  readonly #target: string;
  readonly #mode: number;
  readonly #writer: NotebookWriter;
  #writing: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;

  private constructor(path: string, target: string, mode: number, notebook: Notebook) {
    this.path = path;
    this.#target = target;
    this.#mode = mode;
    this.#writer = new NotebookWriter(notebook);
  }

  /**
   * Prepares writing; changes nothing that is there.
   *
   * @throws ConfigError when it could not be written
   */
  static async open(path: string, notebook: Notebook): Promise<NotebookFile> {
    const target = await realpath(path).catch(() => path); // not there yet
    const directory = dirname(target);
    if ((await stat(directory).catch(() => undefined))?.isDirectory() !== true)
      throw new ConfigError(`cannot write ${path}: there is no directory ${directory}`);
    try {
      const found = await stat(target).catch(() => undefined);
      if (found !== undefined && !found.isFile()) throw new ConfigError(`cannot write ${path}: it is not a file`);
      if (found !== undefined) await access(target, constants.W_OK);
      await access(directory, constants.W_OK);
      await removeLeftovers(target);
      return new NotebookFile(path, target, found === undefined ? 0o666 : found.mode & 0o777, notebook);
    } catch (cause) {
      if (cause instanceof ConfigError) throw cause;
      throw new ConfigError(`cannot write ${path}: ${fileFailure(cause)}; choose another place with -o`, { cause });
    }
  }

  /** Has a cell written anew, for it has changed. */
  touch(cell: Cell): void {
    this.#writer.touch(cell);
  }

  /** Writes the notebook as it is by then. Rejects with ConfigError, and what was there before is there still. */
  save(): Promise<void> {
    if (this.#writing === undefined) {
      this.#writing = this.#write().finally(() => (this.#writing = undefined));
      return this.#writing;
    }
    this.#waiting ??= this.#writing
      .catch(() => undefined) // Whoever asked for that one is told.
      .then(() => {
        this.#waiting = undefined;
        return this.save();
      });
    return this.#waiting;
  }

  async #write(): Promise<void> {
    const temporary = `${temporaryPrefix(this.#target)}${process.pid}.tmp`;
    try {
      const file = await open(temporary, "w", this.#mode);
      try {
        for (const piece of this.#writer.pieces()) await file.writeFile(piece);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#target);
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => undefined); // The failure itself is told.
      throw new ConfigError(`cannot save ${this.path}: ${fileFailure(cause)}; it is as it was saved before`, { cause });
    }
  }
}

/** Temporary files bear the name of the machine and the process that writes them. */
const temporaryPrefix = (target: string): string => join(dirname(target), `.${basename(target)}.${hostname()}.`);

/** Removes what runs left that were killed while they saved. */
async function removeLeftovers(target: string): Promise<void> {
  const prefix = basename(temporaryPrefix(target));
  for (const name of await readdir(dirname(target)).catch(() => [])) {
    const pid = name.startsWith(prefix) ? Number(/^(\d+)\.tmp$/.exec(name.slice(prefix.length))?.[1] ?? Number.NaN) : Number.NaN;
    if (!Number.isNaN(pid) && !processExists(pid)) await rm(join(dirname(target), name), { force: true }).catch(() => undefined); // in nobody's way
  }
}
