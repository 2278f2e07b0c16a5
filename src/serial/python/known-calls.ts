// Calls in pickles whose result we know without Python: constructors of plain values, datetimes, and numpy's.

import type { Budget } from "./budget.ts";
import { readDatetime } from "./dates.ts";
import { markFrozen } from "./kinds.ts";
import { arrayFromBuffer, readScalar } from "./numpy-reader.ts";
import { PythonObject } from "./python-object.ts";

/** A result, in a box because it may be `undefined`-like. */
export interface KnownResult {
  readonly result: unknown;
}

type KnownCall = (args: readonly unknown[], budget: Budget) => KnownResult | undefined;

const ITEM_BYTES = 16;

/** The result of a call when it is known here. */
export function callKnown(callee: PythonObject, args: readonly unknown[], budget: Budget): KnownResult | undefined {
  return KNOWN_CALLS.get(`${callee.module} ${callee.name}`)?.(args, budget);
}

/** `_codecs.encode(text, "latin1")`: bytes in protocols before 3. */
function encode([text, encoding]: readonly unknown[], budget: Budget): KnownResult | undefined {
  if (typeof text !== "string" || (encoding !== "latin1" && encoding !== "latin-1")) return undefined;
  budget.spend(text.length);
  return { result: new Uint8Array(Buffer.from(text, "latin1")) };
}

/** `bytes()`, `bytearray(bytes)`, `bytearray(text, "latin-1")`. */
function makeBytes(args: readonly unknown[], budget: Budget): KnownResult | undefined {
  const [source] = args;
  if (args.length === 0) return { result: new Uint8Array(0) };
  if (typeof source === "string") return encode(args, budget);
  if (!(source instanceof Uint8Array) || args.length !== 1) return undefined;
  budget.spend(source.length);
  return { result: new Uint8Array(source) };
}

function makeSet([items]: readonly unknown[], budget: Budget): KnownResult | undefined {
  if (items === undefined) return { result: new Set() };
  if (!Array.isArray(items)) return undefined;
  budget.spend(items.length * ITEM_BYTES);
  return { result: new Set(items) };
}

function makeFrozenSet(args: readonly unknown[], budget: Budget): KnownResult | undefined {
  const made = makeSet(args, budget);
  return made === undefined ? undefined : { result: markFrozen(made.result as Set<unknown>) };
}

/** Objects of the protocols before 2: `copyreg._reconstructor(class, object, None)`. */
function reconstruct(args: readonly unknown[]): KnownResult | undefined {
  const [theClass, base, state] = args;
  const isPlain = base instanceof PythonObject && base.qualifiedName === "object" && state === null;
  if (!(theClass instanceof PythonObject) || theClass.origin !== "global" || !isPlain) return undefined;
  return { result: new PythonObject(theClass.module, theClass.name, { args: [], origin: "new" }) };
}

function boxed(value: unknown): KnownResult | undefined {
  return value === undefined ? undefined : { result: value };
}

// A space parts module and name: neither holds one.
const KNOWN_CALLS: ReadonlyMap<string, KnownCall> = new Map<string, KnownCall>([
  ["_codecs encode", encode],
  ["builtins bytes", makeBytes],
  ["builtins bytearray", makeBytes],
  ["builtins set", makeSet],
  ["builtins frozenset", makeFrozenSet],
  ["builtins dict", (args) => (args.length === 0 ? { result: {} } : undefined)],
  ["builtins list", (args) => (args.length === 0 ? { result: [] } : undefined)],
  // Their items follow. The order of an OrderedDict is that of every object here; a default factory cannot come along.
  ["collections OrderedDict", (args) => (args.length === 0 ? { result: {} } : undefined)],
  ["collections defaultdict", () => ({ result: {} })],
  ["copyreg _reconstructor", reconstruct],
  ["datetime datetime", (args) => boxed(readDatetime(args))],
  ...["numpy.core", "numpy._core"].flatMap((core): [string, KnownCall][] => [
    [`${core}.multiarray scalar`, (args, budget) => boxed(readScalar(args, budget))],
    [`${core}.numeric _frombuffer`, (args, budget) => boxed(arrayFromBuffer(args, budget))],
  ]),
]);
