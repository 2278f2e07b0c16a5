// `%px` and its family: code of a cell on engines, its output here; and `%typecheck`. One of these for each REPL or notebook.

import { CompositeError, ConfigError, InvalidArgumentError, InvalidStateError, isKernelError, isParallelError, kernelErrorFrom } from "../base/index.ts";
import { activeViews, type AsyncResult, type DirectView, type InteractiveOptions, type OutputGroups } from "../client/index.ts";
import { pickSlice, type Targets } from "../core/client/index.ts";
import { expandMagics, ownText, type MagicCall, type MagicTable } from "./expand-magics.ts";
import { LiveOutput } from "./live-output.ts";
import type { MagicHost } from "./magic-host.ts";
import { drawProgress } from "./progress-picture.ts";
import { readPxLine, type PxOptions } from "./px-options.ts";
import { Typecheck, type SessionCell } from "./typecheck/typecheck.ts";

type View = DirectView<"one" | "many">;
type Result = AsyncResult<unknown>;

/** A magic's name without its suffix. */
const NAMES = ["px", "autopx", "pxresult", "pxconfig"] as const;
type Name = (typeof NAMES)[number];

/** What `%pxconfig` can change. */
const DEFAULTS = { block: true, progressAfter: 2, signalOnInterrupt: true } as const;

/** Looks at the types of cells; has no suffix, as it is not about engines. */
const TYPECHECK = "typecheck";

/** Global under which compiled cells find the magics. */
const RUN = "tsparallel.magic";

/** The magics of one session. */
export class Magics implements MagicTable {
  readonly #host: MagicHost;
  readonly #configs = new Map<string, PxOptions>();
  readonly #results = new Map<string, Result>();
  readonly #typecheck: Typecheck;
  /** Number of the last cell. */
  #number = 0;
  #auto: { readonly suffix: string; readonly options: PxOptions } | undefined;

  constructor(host: MagicHost) {
    this.#host = host;
    this.#typecheck = new Typecheck(host, process.cwd());
    Object.defineProperty(host.globals, Symbol.for(RUN), { value: (call: MagicCall) => this.run(call), configurable: true });
  }

  /** The cell with its magics as calls of this session; all of it under `%autopx`, but for magics about this session. @throws InvalidArgumentError at a magic that is none */
  expand(code: string): string {
    const auto = this.#autoFor(code);
    if (auto === undefined) return expandMagics(code, this);
    return `await ${this.expressionOf({ name: `px${auto.suffix}`, line: "", body: code })};`;
  }

  /** What `%autopx` says of a cell that it means. */
  #autoFor(code: string): { readonly suffix: string } | undefined {
    return /^\s*%(%|autopx|pxresult|pxconfig|typecheck)/.test(code) || code.trim() === "" ? undefined : this.#auto;
  }

  /** Takes note of a cell that compiles. Settles when it may run, which is after its type check if `%typecheck` is on. */
  ready(cell: SessionCell): Promise<void> {
    this.#number = cell.number;
    const code = this.#autoFor(cell.code) === undefined ? ownText(cell.code, this) : "";
    return code.trim() === "" ? Promise.resolve() : this.#typecheck.take({ ...cell, code });
  }

  get lineNames(): ReadonlySet<string> {
    return new Set([TYPECHECK, ...this.#suffixes().flatMap((suffix) => NAMES.map((name) => `${name}${suffix}`))]);
  }

  get cellNames(): ReadonlySet<string> {
    return new Set([...this.#suffixes().map((suffix) => `px${suffix}`), TYPECHECK]);
  }

  runsHere({ name, line }: MagicCall): boolean {
    if (name === TYPECHECK) return false;
    return readPxLine(`%%${name}`, line).options.local === true;
  }

  expressionOf(call: MagicCall): string {
    return `globalThis[Symbol.for(${JSON.stringify(RUN)})](${JSON.stringify(call)})`;
  }

  /**
   * Runs one magic.
   *
   * @throws InvalidArgumentError for wrong options; NotSupportedError for what is not installed; InvalidStateError when the wait was interrupted; what the engines failed with
   */
  async run({ name, line, body }: MagicCall): Promise<void> {
    if (name === TYPECHECK) return this.#typecheck.run(line, body, this.#number);
    const [base, suffix] = split(name);
    const { options, code } = readPxLine(`%${name}`, line);
    if (base !== "px" && code !== "") throw new InvalidArgumentError(`%${name} takes options only, and got ${JSON.stringify(code)}`);
    switch (base) {
      case "px":
        return this.#px(suffix, options, sourceOf(name, code, body));
      case "autopx":
        return this.#autopx(suffix, options);
      case "pxresult":
        return this.#pxresult(suffix, options);
      case "pxconfig":
        return this.#pxconfig(suffix, options);
    }
  }

  #suffixes(): string[] {
    return [...new Set(["", ...activeViews().keys()])];
  }

  #settings(suffix: string, options: PxOptions): PxOptions & typeof DEFAULTS {
    const fromAuto = this.#auto?.suffix === suffix ? this.#auto.options : {};
    return { ...DEFAULTS, ...this.#configs.get(suffix), ...fromAuto, ...options } as PxOptions & typeof DEFAULTS;
  }

  async #view(suffix: string, targets: string | undefined): Promise<View> {
    let view = activeViews().get(suffix);
    if (view === undefined) {
      const client = await this.#host.connect().catch((error: unknown) => {
        throw withRemedy(error);
      });
      view = client.directView("all");
      view.activate(suffix);
    }
    return targets === undefined ? view : view.with({ targets: readTargets(targets, view) });
  }

  async #px(suffix: string, options: PxOptions, code: string): Promise<void> {
    const settings = this.#settings(suffix, options);
    const view = await this.#view(suffix, settings.targets);
    const result = view.execute(code, { silent: false }) as Result;
    this.#results.set(suffix, result);
    if (settings.out !== undefined) this.#host.globals[settings.out] = result;
    if (!settings.block) {
      this.#host.write("stdout", `${result.toString()}; %pxresult${suffix} shows its output\n`);
      return;
    }
    const streams = settings.stream ?? settings.groupOutputs === undefined;
    if (streams) await this.#stream(result, view, settings);
    else await this.#grouped(result, view, settings);
  }

  async #stream(result: Result, view: View, settings: PxOptions): Promise<void> {
    const live = new LiveOutput(this.#host, view.length > 1);
    const stop = result.onOutput((output) => live.take(output));
    try {
      await this.#wait(result, view, settings);
      await result.waitForOutput();
    } finally {
      stop();
      live.end();
    }
    await got(result);
  }

  async #grouped(result: Result, view: View, settings: PxOptions): Promise<void> {
    await this.#wait(result, view, settings);
    await this.#show(result, settings.groupOutputs ?? "type");
  }

  async #show(result: Result, groupBy: OutputGroups): Promise<void> {
    const { display } = this.#host;
    const sink = { write: (text: string) => this.#host.write("stdout", text), ...(display === undefined ? {} : { display }) };
    await result.displayOutputs({ groupBy, errors: false, sink });
    await got(result);
  }

  /** Waits for the end. The first interrupt goes to the engines, the next ends the wait. */
  async #wait(result: Result, view: View, { signalOnInterrupt = true, progressAfter = 2 }: PxOptions): Promise<void> {
    const waiting = new AbortController();
    let interrupts = 0;
    const stopListening = this.#host.onInterrupt(() => {
      interrupts += 1;
      if (interrupts > 1 || !signalOnInterrupt)
        waiting.abort(new InvalidStateError("no longer waiting; the engines go on, and %pxresult shows what they put out"));
      else void this.#relay(view);
    });
    const stopProgress = this.#showProgress(result, progressAfter);
    try {
      await result.wait({ signal: waiting.signal });
      waiting.signal.throwIfAborted();
    } finally {
      stopProgress();
      stopListening();
    }
  }

  /** Shows progress from `afterSeconds` on; gives how to end it. */
  #showProgress(result: Result, afterSeconds: number): () => void {
    const { progress } = this.#host;
    if (progress === undefined || afterSeconds < 0) return () => undefined;
    let stop = (): void => undefined;
    const timer = setTimeout(() => {
      if (typeof progress === "function") stop = drawProgress(result, progress);
      else stop = showProgressText(result, progress);
    }, afterSeconds * 1000);
    return () => {
      clearTimeout(timer);
      stop();
    };
  }

  async #relay(view: View): Promise<void> {
    const engines = view.targets.join(", ");
    try {
      await view.sendSignal("SIGINT");
      this.#host.write("stderr", `interrupted engines ${engines}; once more to wait no longer\n`);
    } catch (error) {
      this.#host.write("stderr", `cannot interrupt engines ${engines}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }

  async #autopx(suffix: string, options: PxOptions): Promise<void> {
    const isOn = this.#auto === undefined;
    if (isOn) await this.#view(suffix, options.targets); // Without engines it would only keep cells from running.
    this.#auto = isOn ? { suffix, options } : undefined;
    this.#host.write("stdout", isOn ? `cells run on the engines now, until %autopx${suffix}\n` : "cells run here again\n");
  }

  async #pxresult(suffix: string, { groupOutputs = "type", out }: PxOptions): Promise<void> {
    const result = this.#results.get(suffix);
    if (result === undefined) throw new InvalidStateError(`there is no result yet; run something with %px${suffix}`);
    if (out !== undefined) this.#host.globals[out] = result;
    await this.#wait(result, await this.#view(suffix, undefined), this.#settings(suffix, { signalOnInterrupt: false }));
    await this.#show(result, groupOutputs);
  }

  #pxconfig(suffix: string, options: PxOptions): void {
    for (const name of ["out", "local"] as const)
      if (options[name] !== undefined) throw new InvalidArgumentError(`%pxconfig${suffix} has no option --${name}: it belongs to one %px`);
    this.#configs.set(suffix, { ...this.#configs.get(suffix), ...options });
    const { block, targets = "all of the view", stream, groupOutputs, progressAfter, signalOnInterrupt } = this.#settings(suffix, {});
    const output = (stream ?? groupOutputs === undefined) ? "as it comes" : `at the end, by ${groupOutputs ?? "type"}`;
    const progress = progressAfter < 0 ? "never" : `after ${progressAfter} s`;
    this.#host.write(
      "stdout",
      `engines: ${targets}; waits: ${block ? "yes" : "no"}; output: ${output}; progress: ${progress}; Ctrl-C interrupts engines: ${signalOnInterrupt ? "yes" : "no"}\n`,
    );
  }
}

/** A client that a cell has made is not known here before one of its views is activated. */
function withRemedy(error: unknown): unknown {
  if (!isParallelError(error) || error.code !== "ERR_CONFIG") return error;
  return new ConfigError(`${error.message}; for a cluster that cells have started, activate a view: rc.directView("all").activate()`, { cause: error.cause });
}

/** Waits for the end. @throws what the engines failed with, whose cells have the engines' numbers, not this session's */
async function got(result: Result): Promise<void> {
  try {
    await result.get();
  } catch (error) {
    throw inEnginesWords(error);
  }
}

function inEnginesWords(error: unknown): unknown {
  if (!isKernelError(error)) return error;
  // The client may be of another copy of this package.
  if ("errors" in error) return new CompositeError((error as CompositeError).errors.map((one) => inEnginesWords(one) as Error));
  const { ename, evalue, engineInfo } = error;
  return kernelErrorFrom({
    ename,
    evalue,
    engineInfo,
    traceback: error.traceback.map((line) => line.replaceAll(/\bipp-cell-s?(\d+)\.ts/g, "engine's cell [$1]")),
  });
}

function showProgressText(result: Result, stream: NonNullable<InteractiveOptions["stream"]>): () => void {
  const shown = new AbortController();
  void result.waitInteractive({ stream, signal: shown.signal }); // Ends with the signal, and with the result.
  return () => shown.abort();
}

function split(name: string): [Name, string] {
  // The longest first: `pxresult` is no `px` with a suffix.
  const base = [...NAMES].toSorted((a, b) => b.length - a.length).find((one) => name.startsWith(one));
  if (base === undefined) throw new InvalidArgumentError(`there is no magic %${name}`);
  return [base, name.slice(base.length)];
}

function sourceOf(name: string, code: string, body: string | undefined): string {
  if (body === undefined && code === "") throw new InvalidArgumentError(`%${name} runs the code behind it, and there is none`);
  if (body !== undefined && code !== "") throw new InvalidArgumentError(`%%${name} runs the lines below it; ${JSON.stringify(code)} stands beside it`);
  if (body?.trim() === "") throw new InvalidArgumentError(`%%${name} runs the lines below it, and there are none`);
  return body ?? code;
}

/** Engines as Python would write them. */
function readTargets(text: string, view: View): Targets {
  if (text === "all") return "all";
  if (!text.includes(":")) return text.split(",").map(Number);
  const [start, stop, step] = text.split(":").map((bound) => (bound === "" ? undefined : Number(bound)));
  return pickSlice(view.with({ targets: "all" }).targets, start, stop, step ?? 1);
}
