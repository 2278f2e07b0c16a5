// `apply_request`: a function and its arguments, in our own serialization; or what Python clients may ask of this engine,
// in theirs. The result goes back in the form the request had.

import { InvalidStateError, SerializationError } from "../base/index.ts";
import { isPickle, packPython, packValue, prepareCall, unpackCallNow, type FetchCode, type UnpackedCall, type UnpackEnv } from "../serial/index.ts";
import { framesBytes, type Frame } from "../wire/index.ts";
import {
  failed,
  interrupted,
  isThenable,
  type CellRunner,
  type ContainedEnd,
  type Containment,
  type Namespace,
  type RunHooks,
  type RunOutcome,
} from "../execution/index.ts";
import { namedFunctions } from "./named-functions.ts";
import { readPythonWork, type PythonCall, type PythonWork } from "./python-call.ts";

/** Likewise, for a call, whose functions' code may be missing. */
export interface CallHooks extends RunHooks {
  readonly fetchCode: FetchCode;
}

/** How the result is written: as its reader writes, too. */
type Pack = (value: unknown, path?: string) => Frame[];

/** A request that has its turn. */
interface Invocation {
  /** Reads what is to be done, in which code of the user may run: a Reference is evaluated. */
  readonly read: () => PythonWork | undefined;
  /** What has to be waited for when `read` gave nothing; gives what reads it then. */
  readonly load: (() => Promise<() => PythonWork>) | undefined;
  readonly pack: Pack;
  readonly hooks: RunHooks;
}

const asWork = ({ fn, args }: UnpackedCall): PythonWork => ({ type: "call", fn, args });

/** How long a turn of the event loop is at most, before another request is begun in it. */
const TURN_MS = 2;

/** Runs functions that clients send. */
export class ApplyRunner {
  readonly #containment: Containment;
  readonly #env: UnpackEnv;
  readonly #namespace: Namespace;
  readonly #cells: CellRunner;
  readonly #resultBytesMax: number;
  /** Until when a request may still be begun in the turn that runs; 0: none runs. */
  #turnEnds = 0;
  /** To be run next in this turn. */
  #next: Invocation | undefined;
  /** Whether the request that is being read was given up. */
  #isOver = (): boolean => false;

  constructor(namespace: Namespace, containment: Containment, cells: CellRunner, resultBytesMax: number) {
    this.#namespace = namespace;
    this.#resultBytesMax = resultBytesMax;
    this.#cells = cells;
    const functions = namedFunctions(namespace);
    this.#containment = containment;
    this.#env = {
      named: (name) => functions.get(name),
      evaluate: (expression) => this.#evaluate(expression),
      importModule: (specifier, parent) => namespace.importModule(specifier, { parent }),
    };
  }

  /** Starts a request; its end is told through the hooks, never thrown. */
  start(buffers: readonly Frame[], hooks: CallHooks): void {
    // A call from a Python client, which reads pickles only.
    if (isPickle(buffers)) return this.#schedule({ read: () => readPythonWork(buffers, this.#namespace), load: undefined, pack: packPython, hooks });
    const read = (): PythonWork | undefined => {
      const call = unpackCallNow(buffers, this.#env);
      return call === undefined ? undefined : asWork(call);
    };
    const load = async (): Promise<() => PythonWork> => {
      const build = await prepareCall(buffers, this.#env, () => hooks.fetchCode());
      return () => asWork(build());
    };
    this.#schedule({ read, load, pack: packValue, hooks });
  }

  /** A Reference. Code of the user: it may have to be cut. */
  #evaluate(expression: string): unknown {
    let outcome: { readonly value: unknown } | { readonly error: unknown } | undefined;
    this.#containment.section(() => {
      if (this.#isOver()) return;
      try {
        outcome = { value: this.#namespace.evaluate(expression) };
      } catch (error) {
        outcome = { error };
      }
    });
    if (outcome === undefined) throw new InvalidStateError("the request was given up while its arguments were read");
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  /** A cell whose reply is that of a call: None. */
  #runCell(code: string, hooks: RunHooks): void {
    const request = { code, silent: true, storeHistory: false, stopOnError: false, userExpressions: new Map<string, string>() };
    const end = (outcome: RunOutcome): void =>
      hooks.end(outcome.status === "ok" ? { status: "ok", content: { status: "ok" }, buffers: packPython(null) } : { ...outcome, content: {} });
    this.#cells.start(request, { isOver: () => hooks.isOver(), begun: () => undefined, result: () => undefined, end });
  }

  /**
   * User code starts on a turn of its own: if it is cut, promises of the engine that are due in this turn are not lost
   * with it. A request that is started because the one before it has ended shares that one's turn, for a while.
   */
  #schedule(invocation: Invocation): void {
    if (performance.now() < this.#turnEnds) this.#next = invocation;
    else setImmediate(() => this.#turn(invocation));
  }

  #turn(first: Invocation): void {
    let running: Invocation | undefined = first;
    this.#turnEnds = performance.now() + TURN_MS;
    let end: ContainedEnd;
    try {
      end = this.#containment.runAround(() => {
        while (running !== undefined) {
          this.#invoke(running);
          running = this.#next;
          this.#next = undefined;
        }
      });
    } finally {
      this.#turnEnds = 0;
    }
    if (end === "interrupted") running?.hooks.end(interrupted());
  }

  #invoke({ read, load, pack, hooks }: Invocation): void {
    let work: PythonWork | undefined;
    this.#isOver = () => hooks.isOver();
    try {
      work = read();
    } catch (error) {
      // One that was interrupted before its References were evaluated fails with that, as if it had been cut in them.
      return hooks.end(hooks.isOver() ? interrupted() : failed(error));
    }
    if (work?.type === "call") return this.#call(work, pack, hooks);
    if (work?.type === "execute") return this.#runCell(work.code, hooks);
    load?.().then(
      (readLoaded) => this.#schedule({ read: readLoaded, load: undefined, pack, hooks }),
      (error: unknown) => hooks.end(failed(error)),
    );
  }

  #call(call: Pick<PythonCall, "fn" | "args">, pack: Pack, hooks: RunHooks): void {
    let outcome: RunOutcome | undefined;
    let pending: PromiseLike<unknown> | undefined;
    this.#containment.section(() => {
      if (hooks.isOver()) return; // Asked in here: an interrupt from now on cuts the section.
      try {
        // Not as a member of the call: `this` would be the call, and tracebacks would name it.
        const { fn, args } = call;
        const result = fn(...args);
        if (isThenable(result)) pending = result;
        else outcome = this.#succeeded(result, pack);
      } catch (error) {
        outcome = failed(error);
      }
    });
    if (pending === undefined) hooks.end(outcome ?? interrupted());
    else void this.#await(pending, pack, hooks); // Ends through the hooks; an interrupt may leave it waiting for ever.
  }

  async #await(pending: PromiseLike<unknown>, pack: Pack, hooks: RunHooks): Promise<void> {
    let outcome: RunOutcome;
    try {
      outcome = this.#succeeded(await pending, pack);
    } catch (error) {
      outcome = failed(error);
    }
    hooks.end(outcome);
  }

  #succeeded(result: unknown, pack: Pack): RunOutcome {
    const buffers = pack(result, "result");
    const bytes = framesBytes(buffers);
    if (bytes <= this.#resultBytesMax) return { status: "ok", content: { status: "ok" }, buffers };
    throw new SerializationError(`cannot send result: it has ${bytes} bytes, and resultBytesMax of this engine is ${this.#resultBytesMax}`, {
      path: "result",
      remedy: "return less, keep it on the engine in a global, or start the engine with a larger --result-bytes-max",
    });
  }
}
