// A call before it is packed. Engines of the two languages read different payloads: which one a call takes depends on
// what is called and on the engines it goes to. Refusals are made here, before anything is sent.

import { describeIds, InvalidArgumentError } from "../base/index.ts";
import { languageOf, type EngineFacts, type EngineLanguage } from "../core/client/index.ts";
import { keywords, named, packCall, packPythonCall, pythonFunction, PythonObject, Reference } from "../serial/index.ts";
import type { Frame } from "../wire/index.ts";

/** What engines are asked to do. */
export type EngineCall =
  | { readonly type: "apply"; readonly fn: unknown; readonly args: readonly unknown[] }
  | { readonly type: "map"; readonly fn: unknown; readonly sequences: readonly unknown[] }
  | { readonly type: "push"; readonly values: Readonly<Record<string, unknown>> }
  | { readonly type: "pull"; readonly names: string | readonly string[] };

/** How the reply to a call is to be read. */
export interface Reading {
  /** The engines that the payload was written for. */
  readonly language: EngineLanguage;
  /** The value is nothing: Python's None stands for `undefined`. */
  readonly isVoid: boolean;
}

/** A call, packed. */
export interface Payload {
  readonly buffers: readonly Frame[];
  readonly reading: Reading;
}

/** One object for all requests of a kind: results are many. */
const READINGS: Readonly<Record<EngineLanguage, Readonly<Record<"value" | "void", Reading>>>> = {
  typescript: { value: { language: "typescript", isVoid: false }, void: { language: "typescript", isVoid: true } },
  python: { value: { language: "python", isVoid: false }, void: { language: "python", isVoid: true } },
};

/** ipyparallel's own functions for what views do (protocol §8.9). */
const PYTHON_PUSH = pythonFunction("ipyparallel.util._push");
const PYTHON_PULL = pythonFunction("ipyparallel.util._pull");
const PYTHON_MAP = pythonFunction("ipyparallel.client.remotefunction._map");

/** Packs one call for engines of either language, one by one, but once for each language. */
export class CallPacker {
  readonly #call: EngineCall;
  readonly #packed = new Map<EngineLanguage, Payload>();

  constructor(call: EngineCall) {
    this.#call = call;
  }

  /**
   * The payload for an engine.
   *
   * @throws InvalidArgumentError when it cannot run the call
   */
  packFor(engine: EngineFacts): Payload {
    const language = chooseLanguage(this.#call, kindsOf([engine]));
    let payload = this.#packed.get(language);
    if (payload === undefined) {
      payload = pack(this.#call, language);
      this.#packed.set(language, payload);
    }
    return payload;
  }
}

/** Engines by what they run. */
export interface EngineKinds {
  readonly ours: readonly EngineFacts[];
  readonly pythons: readonly EngineFacts[];
  /** Some have not told yet. */
  readonly hasUnknown: boolean;
}

/** Sorts engines by what they run. */
export function kindsOf(engines: readonly EngineFacts[]): EngineKinds {
  const ours = engines.filter((engine) => languageOf(engine) === "typescript");
  const pythons = engines.filter((engine) => languageOf(engine) === "python");
  return { ours, pythons, hasUnknown: ours.length + pythons.length < engines.length };
}

/**
 * Packs a call for engines any of which may get it. Where there is none yet, those that will come are taken for ours.
 *
 * @throws InvalidArgumentError when one of them cannot run it, or no payload suits them all
 */
export function packForAny(call: EngineCall, kinds: EngineKinds): Payload {
  return pack(call, chooseLanguage(call, kinds));
}

function pack(call: EngineCall, language: EngineLanguage): Payload {
  const buffers = language === "python" ? packForPython(call) : packForTypeScript(call);
  return { buffers, reading: READINGS[language][call.type === "push" ? "void" : "value"] };
}

/** The language a function belongs to; `undefined` for what every engine can do. */
function nativeLanguage(call: EngineCall): EngineLanguage | undefined {
  if (call.type === "push" || call.type === "pull") return undefined;
  if (call.fn instanceof PythonObject) return "python";
  return call.fn instanceof Reference ? undefined : "typescript";
}

function chooseLanguage(call: EngineCall, { ours, pythons, hasUnknown }: EngineKinds): EngineLanguage {
  const native = nativeLanguage(call);
  if (native === "typescript") return pythons.length === 0 ? native : refuse(call, native, pythons, ours);
  if (native === "python") return ours.length === 0 ? native : refuse(call, native, ours, pythons);
  // Our engines read Python's push and pull, too; of those whose language is not known the same is hoped.
  if (pythons.length === 0 && !hasUnknown) return "typescript";
  if (call.type === "apply" || call.type === "map") {
    if (ours.length > 0 && pythons.length > 0)
      throw new InvalidArgumentError(
        `a Reference means something else on each kind of engine, and this view has TypeScript (${idsOf(ours)}) and Python (${idsOf(pythons)}); choose one, like { language: "python" }`,
      );
  }
  return "python";
}

const NAMES: Readonly<Record<EngineLanguage, string>> = { typescript: "TypeScript", python: "Python" };

function refuse(call: EngineCall, native: EngineLanguage, wrong: readonly EngineFacts[], right: readonly EngineFacts[]): never {
  const other = native === "typescript" ? "python" : "typescript";
  const fn = (call as { readonly fn: unknown }).fn;
  const name = fn instanceof PythonObject ? ` ${fn.qualifiedName}` : typeof fn === "function" && fn.name !== "" ? ` ${fn.name}` : "";
  const where = wrong.length === 1 ? `engine ${idsOf(wrong)} runs` : `engines ${idsOf(wrong)} run`;
  const remedy =
    right.length > 0
      ? `choose engines ${idsOf(right)}, as with targets { language: "${native}" }`
      : native === "typescript"
        ? 'call a Python function by its name, as in view.call("math.sqrt", 2), or use execute with Python code'
        : "send a TypeScript function with apply, or use execute with TypeScript code";
  throw new InvalidArgumentError(`the ${NAMES[native]} function${name} cannot run here: ${where} ${NAMES[other]}; ${remedy}`);
}

const idsOf = (engines: readonly EngineFacts[]): string => describeIds(engines.map(({ id }) => id));

function packForTypeScript(call: EngineCall): Frame[] {
  switch (call.type) {
    case "apply":
      return packCall(call.fn, call.args);
    case "map":
      return packCall(named("map"), [call.fn, ...call.sequences]);
    case "push":
      return packCall(named("push"), [call.values]);
    case "pull":
      return packCall(named("pull"), [call.names]);
  }
}

function packForPython(call: EngineCall): Frame[] {
  switch (call.type) {
    case "apply":
      return packPythonCall(call.fn as PythonObject | Reference, call.args);
    case "map":
      return packPythonCall(PYTHON_MAP, [call.fn, ...call.sequences]);
    case "push":
      return packPythonCall(PYTHON_PUSH, [keywords(call.values)]);
    case "pull":
      return packPythonCall(PYTHON_PULL, [call.names]);
  }
}
