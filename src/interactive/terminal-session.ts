// The REPL: Node's own line editing, history and completion around cells and magics. Ctrl-C interrupts what runs; while `%px` waits it
// goes to the engines first.

import { dirname } from "node:path";
import { Recoverable, start, type REPLServer } from "node:repl";
import { inspect } from "node:util";
import type { Client } from "../client/index.ts";
import { fileFailure, makeDirectory } from "../config/index.ts";
import { checkCell } from "../execution/index.ts";
import { complete, completenessOf } from "../kernel/index.ts";
import { Cells } from "./cells.ts";
import type { MagicHost } from "./magic-host.ts";
import { Magics } from "./magics.ts";
import { PacedInput } from "./paced-input.ts";

/** What a session needs. */
export interface TerminalOptions {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  /** Where lines typed are kept; absent: nowhere. */
  readonly historyFile?: string;
  /** Types of the variables that cells find when they begin, in TypeScript. */
  readonly types: Readonly<Record<string, string>>;
  /** Connects when a magic needs a client and there is none. */
  connect(): Promise<Client>;
}

const INTERRUPTED = new Error("interrupted");
const LEFT = new Error("left");

/** A running REPL. */
export class TerminalSession {
  readonly #options: TerminalOptions;
  readonly #listeners = new Set<() => void>();
  readonly #cells: Cells;
  readonly #input: PacedInput;
  readonly #server: REPLServer;
  #running: AbortController | undefined;
  #isClosed = false;
  /** When the user has left: `.exit`, Ctrl-D, the end of the input. */
  readonly closed: Promise<void>;

  private constructor(options: TerminalOptions) {
    this.#options = options;
    this.#cells = new Cells(new Magics(this.#host()));
    const { output } = options;
    const input = new PacedInput(options.input);
    this.#input = input;
    this.#server = start({
      prompt: "> ",
      input,
      output,
      useGlobal: true,
      ignoreUndefined: true,
      completer,
      terminal: true,
      eval: (text, _context, _file, done) => {
        // Newer Nodes put a carriage return between the lines of a cell.
        void this.#answer(text.replaceAll("\r", "\n"), done);
      },
      writer: (value: unknown) => this.#textOf(value),
    });
    // The server's own answer to Ctrl-C clears the line; while a cell runs it means the cell.
    this.#server.on("SIGINT", () => this.#interrupt());
    this.closed = new Promise((resolve) => {
      this.#server.once("exit", () => {
        this.#isClosed = true;
        // With Ctrl-D in the middle of a cell nobody waits for the cell any more.
        this.#running?.abort(LEFT);
        input.destroy();
        resolve();
      });
    });
  }

  /** Begins: the prompt appears, with what is in `variables`. */
  static async start(options: TerminalOptions, variables: Readonly<Record<string, unknown>>): Promise<TerminalSession> {
    const session = new TerminalSession(options);
    session.#cells.define(variables);
    if (options.historyFile !== undefined) await session.#keepHistory(options.historyFile);
    return session;
  }

  async #keepHistory(file: string): Promise<void> {
    try {
      await makeDirectory(dirname(file), 0o700);
      await new Promise<void>((resolve, reject) => this.#server.setupHistory(file, (error) => (error === null ? resolve() : reject(error))));
    } catch (cause) {
      // A home that cannot be written to is no reason to do without the console.
      this.#options.output.write(`\rlines are not kept: cannot write ${file}: ${fileFailure(cause)}\n`);
      this.#server.displayPrompt();
    }
  }

  async #answer(text: string, done: (error: Error | null, value: unknown) => void): Promise<void> {
    // One after the other, also when lines are pasted.
    this.#input.hold();
    const { incomplete, value } = await this.#evaluate(text);
    // A prompt would take up the input again.
    if (this.#isClosed) return;
    done(incomplete ?? null, value);
    this.#input.release();
  }

  async #evaluate(text: string): Promise<{ readonly incomplete?: Error; readonly value?: unknown }> {
    const running = new AbortController();
    this.#running = running;
    // While a cell computes nobody reads the keyboard: Ctrl-C must be a signal then.
    const input = this.#input;
    const wasRaw = input.isRaw;
    const onSignal = (): void => this.#interrupt();
    if (wasRaw) input.setRawMode(false);
    process.on("SIGINT", onSignal);
    try {
      if (isCellMagic(text) && (await isOpen(text.slice(0, -1)))) return { incomplete: new Recoverable(new SyntaxError("the lines below the magic")) };
      const { value, hasValue } = await this.#cells.run(text, { signal: running.signal, breakOnSigint: true });
      return { value: hasValue ? value : undefined };
    } catch (error) {
      if (error instanceof SyntaxError && (await isOpen(text))) return { incomplete: new Recoverable(error) };
      this.#tell(error);
      return {};
    } finally {
      process.removeListener("SIGINT", onSignal);
      if (wasRaw && !this.#isClosed) input.setRawMode(true);
      this.#running = undefined;
    }
  }

  /** A value, or an error that nobody caught: that one in the coordinates of cells. */
  #textOf(value: unknown): string {
    if (value instanceof Error && Object.keys(value).length === 0) return this.#cells.stackOf(value);
    return inspect(value, { colors: this.#options.output.hasColors(), depth: 4, maxArrayLength: 100 });
  }

  #tell(error: unknown): void {
    const { output } = this.#options;
    if (error === LEFT) output.write("left; what the cell began is given up\n");
    else if (error === INTERRUPTED) output.write("interrupted; what the cell began goes on\n");
    else if ((error as NodeJS.ErrnoException | undefined)?.code === "ERR_SCRIPT_EXECUTION_INTERRUPTED") {
      this.#input.forget();
      output.write("interrupted\n");
    } else output.write(`${error instanceof Error ? this.#cells.stackOf(error) : `thrown: ${inspect(error)}`}\n`);
  }

  #interrupt(): void {
    this.#input.forget();
    if (this.#listeners.size > 0) for (const listener of this.#listeners) listener();
    else this.#running?.abort(INTERRUPTED);
  }

  #host(): MagicHost {
    const { output, types } = this.#options;
    return {
      types,
      write: (stream, text) => void (stream === "stdout" ? output : process.stderr).write(text),
      progress: process.stderr,
      globals: globalThis as unknown as Record<string, unknown>,
      onInterrupt: (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
      connect: () => this.#options.connect(),
    };
  }
}

/** Its lines end with an empty one. */
function isCellMagic(text: string): boolean {
  return /^\s*%%\w/.test(text);
}

/** Whether the text only lacks its end. */
async function isOpen(text: string): Promise<boolean> {
  return (await completenessOf(text, checkCell)).status === "incomplete";
}

/** As the prompt wants it: what may stand there, and the part of the line that it stands for. */
function completer(line: string): [string[], string] {
  const { matches, start } = complete(line, line.length);
  return [matches.map(({ text }) => text), line.slice(start)];
}
