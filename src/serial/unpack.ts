// Frames into values and calls. With an environment (on an engine) functions and classes are built; without one (in a
// client) nothing of a payload is ever evaluated: functions come back as stand-ins that can be sent again and refuse to
// be called, instances of classes that left from here come back as instances of those classes.

import { isParallelError } from "../base/index.ts";
import type { Frame } from "../wire/index.ts";
import { ENTRY } from "./pack.ts";
import { FORM, HEAD_BYTES, asBuffer, isPickle, malformed, readHead } from "./payload.ts";
import { unpackPython } from "./python/index.ts";
import type { Fact } from "./records.ts";
import { StreamReader } from "./stream.ts";
import { UserFailure, Uncanner, unbox, type TableEntry, type UnpackEnv } from "./uncanner.ts";

/** A call that was unpacked. */
export interface UnpackedCall {
  readonly fn: (...args: unknown[]) => unknown;
  readonly args: unknown[];
}

/**
 * Unpacks the one value in `frames`. Typed arrays are views on the frames' memory.
 *
 * @throws SerializationError when the frames cannot be read.
 */
export function unpackValue(frames: readonly Frame[], env?: UnpackEnv): unknown {
  const values = unpackValues(frames, env);
  if (values.length !== 1) throw malformed(`it holds ${values.length} values where one belongs`);
  return values[0];
}

/** Unpacks values that were packed one by one, by us or by Python, and then put one after another. */
export function unpackValues(frames: readonly Frame[], env?: UnpackEnv): unknown[] {
  const values: unknown[] = [];
  for (let at = 0; at < frames.length;) {
    if (isPickle([frames[at] as Frame])) {
      const { value, next } = unpackPython(frames, at, env?.evaluate);
      values.push(value);
      at = next;
      continue;
    }
    const part = takePart(frames, at);
    values.push(guarded(() => readValue(part, env)));
    at += 1 + part.rawFrames.length;
  }
  return values;
}

/** Unpacks a call for execution; modules it needs are imported first. */
export async function unpackCall(frames: readonly Frame[], env: UnpackEnv): Promise<UnpackedCall> {
  const { part, table } = readCall(frames);
  return buildCall(part, table, env, await importModules(table, env));
}

/** Unpacks a call for execution, unless it needs modules: then `undefined`, and `unpackCall` does it. */
export function unpackCallNow(frames: readonly Frame[], env: UnpackEnv): UnpackedCall | undefined {
  const { part, table } = readCall(frames);
  return table.some(isImport) ? undefined : buildCall(part, table, env, undefined);
}

function readCall(frames: readonly Frame[]): { readonly part: Part; readonly table: readonly TableEntry[] } {
  if (frames.length === 0) throw malformed("there is none");
  const part = takePart(frames, 0);
  if (part.form !== FORM.call && part.form !== FORM.jsonCall) throw malformed("it is a value, not a call");
  if (part.rawFrames.length + 1 < frames.length) throw malformed("frames are left over");
  return { part, table: guarded(() => readTable(part.table)) };
}

type Modules = ReadonlyMap<string, unknown> | undefined;

function buildCall(part: Part, table: readonly TableEntry[], env: UnpackEnv, modules: Modules): UnpackedCall {
  return guarded(() => {
    const uncanner = new Uncanner(table, env, modules);
    const args: unknown = part.form === FORM.call ? readStream(part, uncanner) : JSON.parse(part.body.toString());
    if (!Array.isArray(args)) throw malformed("a call has no list of arguments");
    for (let i = 0; i < args.length; i += 1) args[i] = unbox(args[i]);
    return { fn: uncanner.callable(), args };
  });
}

interface Part {
  readonly form: number;
  readonly table: Buffer;
  readonly body: Buffer;
  readonly rawFrames: readonly Frame[];
}

function takePart(frames: readonly Frame[], at: number): Part {
  const first = asBuffer(frames[at] as Frame);
  const head = readHead(first, frames.length - at - 1);
  const bodyAt = HEAD_BYTES + head.tableBytes;
  return { form: head.form, table: first.subarray(HEAD_BYTES, bodyAt), body: first.subarray(bodyAt), rawFrames: frames.slice(at + 1, at + 1 + head.rawFrames) };
}

/** Whatever goes wrong while reading is an error of ours, except what user code threw. */
function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof UserFailure) throw error.cause;
    if (isParallelError(error)) throw error;
    throw malformed(error instanceof Error ? error.message : String(error), undefined, error);
  }
}

function readValue(part: Part, env: UnpackEnv | undefined): unknown {
  switch (part.form) {
    case FORM.undefined:
      return undefined;
    case FORM.null:
      return null;
    case FORM.false:
      return false;
    case FORM.true:
      return true;
    case FORM.number:
      return part.body.readDoubleLE(0);
    case FORM.text:
      return part.body.toString();
    case FORM.json:
      return JSON.parse(part.body.toString()) as unknown;
    case FORM.stream:
      return unbox(readStream(part, new Uncanner(readTable(part.table), env, undefined)));
    default:
      throw malformed(part.form === FORM.call || part.form === FORM.jsonCall ? "it is a call, not a value" : `its form ${part.form} is unknown`);
  }
}

function readStream(part: Part, uncanner: Uncanner): unknown {
  const reader = new StreamReader(part.body, part.rawFrames, (index) => uncanner.resolve(index));
  reader.readHeader();
  if (uncanner.size === 0) return reader.readValue();
  uncanner.runProgram(reader);
  const root: unknown = reader.readValue();
  uncanner.openBoxes(reader.readValue());
  return root;
}

const NO_ENTRIES: readonly TableEntry[] = [];

function readTable(table: Buffer): readonly TableEntry[] {
  if (table.length === 0) return NO_ENTRIES;
  const count = table.readUInt32LE(0);
  const entries: TableEntry[] = [];
  let at = 4;
  for (let i = 0; i < count; i += 1) {
    const kind = table.readUInt8(at);
    const size = table.readUInt32LE(at + 1);
    const bytes = table.subarray(at + 5, at + 5 + size);
    if (bytes.length !== size) throw malformed("its table is cut short");
    entries.push(kind === ENTRY.code ? readCodeEntry(bytes) : { fact: readFact(bytes) });
    at += 5 + size;
  }
  return entries;
}

function readCodeEntry(bytes: Buffer): TableEntry {
  const idLength = bytes.readUInt8(0);
  return { classId: bytes.toString("latin1", 1, 1 + idLength), code: bytes.subarray(1 + idLength) };
}

function readFact(bytes: Buffer): Fact {
  const fact: unknown = JSON.parse(bytes.toString());
  if (!Array.isArray(fact) || typeof fact[0] !== "string") throw malformed("an entry of its table is broken");
  return fact as unknown as Fact;
}

function isImport(entry: TableEntry): entry is { readonly fact: Fact & readonly ["import", ...unknown[]] } {
  return "fact" in entry && entry.fact[0] === "import";
}

async function importModules(table: readonly TableEntry[], env: UnpackEnv): Promise<Modules> {
  let modules: Map<string, unknown> | undefined;
  for (const entry of table) {
    if (!isImport(entry)) continue;
    const [, specifier, , parent] = entry.fact;
    modules ??= new Map();
    if (!modules.has(specifier)) modules.set(specifier, await env.importModule(specifier, parent === "" ? undefined : parent));
  }
  return modules;
}
