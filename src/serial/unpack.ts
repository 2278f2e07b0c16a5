// Frames into values and calls. With an environment (on an engine) functions and classes are built; without one (in a
// client) nothing of a payload is ever evaluated: functions come back as stand-ins that can be sent again and refuse to
// be called, instances of classes that left from here come back as instances of those classes.

import { isParallelError } from "../base/index.ts";
import type { Frame } from "../wire/index.ts";
import { findCode, findKnownCode } from "./builder.ts";
import { codeKey, type Code } from "./code.ts";
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

/** Gives the code frames of a call again, all of them. */
export type FetchCode = () => Promise<readonly Frame[]>;

/** Unpacks a call for execution; code that was left out and is not known here is fetched, and modules it needs are imported, first. */
export async function unpackCall(frames: readonly Frame[], env: UnpackEnv, fetchCode?: FetchCode): Promise<UnpackedCall> {
  return (await prepareCall(frames, env, fetchCode))();
}

/** The part of `unpackCall` that has to be waited for; what it gives does the rest, in which code of the user may run. */
export async function prepareCall(frames: readonly Frame[], env: UnpackEnv, fetchCode?: FetchCode): Promise<() => UnpackedCall> {
  let call = readCall(frames);
  if (call.lacksCode && fetchCode !== undefined) call = readCall(frames, await fetchCode());
  const { part, table, lacksCode } = call;
  if (lacksCode) throw malformed("the code of a function was left out and is not known here", "send the call again");
  const modules = await importModules(table, env);
  return () => buildCall(part, table, env, modules);
}

/** Unpacks a call for execution, unless it needs modules or code that is not known here: then `undefined`, and `prepareCall` sees to it. */
export function unpackCallNow(frames: readonly Frame[], env: UnpackEnv): UnpackedCall | undefined {
  const { part, table, lacksCode } = readCall(frames);
  return lacksCode || table.some(isImport) ? undefined : buildCall(part, table, env, undefined);
}

/** Keeps the code that came with a call, which may never be unpacked itself: later ones are sent without. */
export function noteCode(frames: readonly Frame[]): void {
  if (frames.length < 2 || isPickle(frames)) return;
  try {
    const { rawFrames, codeFrames } = readHead(asBuffer(frames[0] as Frame), frames.length - 1);
    if (codeFrames === 0) return;
    for (const frame of frames.slice(1 + rawFrames)) findCode(asBuffer(frame));
  } catch {
    // What is wrong with it is told when it is unpacked.
  }
}

interface ReadCall {
  readonly part: Part;
  readonly table: readonly TableEntry[];
  /** Then the table is of no use. */
  readonly lacksCode: boolean;
}

function readCall(frames: readonly Frame[], fetched: readonly Frame[] = NO_FRAMES): ReadCall {
  if (frames.length === 0) throw malformed("there is none");
  const part = takePart(frames, 0);
  if (!isCall(part.form)) throw malformed("it is a value, not a call");
  const rest = frames.slice(1 + part.rawFrames.length);
  if (rest.length > part.codeFrames) throw malformed("frames are left over");
  return guarded(() => {
    const codes = new AsideCodes(fetched.length === 0 ? rest : [...rest, ...fetched]);
    const table = readTable(part.table, codes);
    return { part, table, lacksCode: codes.lacksSome };
  });
}

/** Finds the code of entries that have only its hash. */
class AsideCodes {
  readonly #frames: readonly Frame[];
  /** Whether some code was not found. */
  lacksSome = false;

  constructor(frames: readonly Frame[]) {
    this.#frames = frames;
  }

  find(key: string): Code | undefined {
    const known = findKnownCode(key);
    if (known !== undefined) return known;
    for (const frame of this.#frames) if (codeKey(asBuffer(frame)) === key) return findCode(asBuffer(frame));
    this.lacksSome = true;
    return undefined;
  }
}

type Modules = ReadonlyMap<string, unknown> | undefined;

function buildCall(part: Part, table: readonly TableEntry[], env: UnpackEnv, modules: Modules): UnpackedCall {
  return guarded(() => {
    const uncanner = new Uncanner(table, env, modules);
    const args = part.form === FORM.call ? readStream(part, uncanner) : readFlatArguments(part, uncanner);
    if (!Array.isArray(args)) throw malformed("a call has no list of arguments");
    for (let i = 0; i < args.length; i += 1) args[i] = unbox(args[i]);
    return { fn: uncanner.callable(), args };
  });
}

function readFlatArguments({ form, body }: Part, uncanner: Uncanner): unknown {
  const parsed: unknown = JSON.parse(body.toString());
  if (form === FORM.jsonCall) return parsed;
  if (!Array.isArray(parsed)) throw malformed("a call has no list of arguments");
  uncanner.bindFunction(parsed[1]);
  return parsed[0];
}

function isCall(form: number): boolean {
  return form === FORM.call || form === FORM.jsonCall || form === FORM.jsonClosure;
}

interface Part {
  readonly form: number;
  readonly table: Buffer;
  readonly body: Buffer;
  readonly rawFrames: readonly Frame[];
  /** How many code frames there may be behind them. */
  readonly codeFrames: number;
}

function takePart(frames: readonly Frame[], at: number): Part {
  const first = asBuffer(frames[at] as Frame);
  const head = readHead(first, frames.length - at - 1);
  const bodyAt = HEAD_BYTES + head.tableBytes;
  const rawFrames = frames.slice(at + 1, at + 1 + head.rawFrames);
  return { form: head.form, table: first.subarray(HEAD_BYTES, bodyAt), body: first.subarray(bodyAt), rawFrames, codeFrames: head.codeFrames };
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
      return unbox(readStream(part, new Uncanner(readTable(part.table, new AsideCodes(NO_FRAMES)), env, undefined)));
    default:
      throw malformed(isCall(part.form) ? "it is a call, not a value" : `its form ${part.form} is unknown`);
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
const NO_FRAMES: readonly Frame[] = [];

/** Entries whose code is lacking are left out: `codes` tells. */
function readTable(table: Buffer, codes: AsideCodes): readonly TableEntry[] {
  if (table.length === 0) return NO_ENTRIES;
  const count = table.readUInt32LE(0);
  const entries: TableEntry[] = [];
  let at = 4;
  for (let i = 0; i < count; i += 1) {
    const kind = table.readUInt8(at);
    const size = table.readUInt32LE(at + 1);
    const bytes = table.subarray(at + 5, at + 5 + size);
    if (bytes.length !== size) throw malformed("its table is cut short");
    const entry = kind === ENTRY.fact ? { fact: readFact(bytes) } : readCodeEntry(bytes, kind === ENTRY.codeAside, codes);
    if (entry !== undefined) entries.push(entry);
    at += 5 + size;
  }
  return entries;
}

function readCodeEntry(bytes: Buffer, isAside: boolean, codes: AsideCodes): TableEntry | undefined {
  const idLength = bytes.readUInt8(0);
  const entry = bytes.subarray(1 + idLength);
  const code = isAside ? codes.find(codeKey(entry)) : findCode(entry);
  return code === undefined ? undefined : { classId: bytes.toString("latin1", 1, 1 + idLength), code };
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
