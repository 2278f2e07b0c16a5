// Reads pickles of protocols 0 to 5: a machine with a stack, a memo and marks. It executes nothing. Globals become
// stand-ins, calls of a few known ones (builtins, datetime, numpy) become values, everything else stays a stand-in.
//
// Hostile input: every operation takes at least one byte of input and makes a bounded amount of memory, and what it
// copies (a memo makes it cheap to ask for the same bytes again and again) is paid from a budget that grows with the
// input. Nothing here recurses, so depth costs no more than length.
//
// A library was looked at (pickleparser 0.2): it wraps negative and long integers, puts keys that are no texts and
// `__proto__` into plain objects, constructs with `Reflect.construct` whatever a resolver gives, does not check that
// bytes are there, and overflows the stack on long lists. It cannot write.

import type { Frame } from "../../wire/index.ts";
import { SerializationError } from "../../base/index.ts";
import { Budget } from "./budget.ts";
import { Cursor, unreadable } from "./cursor.ts";
import { buildArray } from "./numpy-reader.ts";
import { callKnown } from "./known-calls.ts";
import { PythonObject } from "./python-object.ts";
import { markFrozen, markTuple } from "./kinds.ts";
import { decodeQuoted, decodeRawUnicodeEscape, decodeText } from "./python-text.ts";

const PROTOCOL_MAX = 5;
const INT_BYTES_MAX = 1024 ** 2;
const INT_DIGITS_MAX = 10_000;
const NAME_CHARS_MAX = 1024;
const PRELOAD = { budgetBytes: 1024 ** 2, factor: 8 } as const;

/** Reads the one value of a pickle. Throws SerializationError when it cannot be read. */
export function readPickle(frame: Frame): unknown {
  const bytes = Buffer.isBuffer(frame) ? frame : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  try {
    return new Unpickler(bytes).read();
  } catch (error) {
    if (error instanceof SerializationError) throw error;
    throw unreadable(error instanceof Error ? error.message : String(error), error);
  }
}

type Operation = (machine: Unpickler) => void;

class Unpickler {
  readonly cursor: Cursor;
  readonly #budget: Budget;
  readonly #stack: unknown[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();
  /** Plain objects that became Maps when a key was no text; memo entries may still name the object. */
  readonly #replaced = new Map<unknown, unknown>();
  /** Plain objects that were looked up while they may still become Maps. */
  readonly #lookedUp = new Set<unknown>();
  #isOver = false;

  constructor(bytes: Buffer) {
    this.cursor = new Cursor(bytes);
    this.#budget = new Budget(PRELOAD.budgetBytes + PRELOAD.factor * bytes.length);
  }

  read(): unknown {
    while (!this.#isOver) {
      const code = this.cursor.u8();
      const operation = OPERATIONS[code];
      if (operation === undefined) throw unreadable(`operation 0x${code.toString(16)} at byte ${this.cursor.position - 1} is not supported`);
      operation(this);
    }
    return this.pop();
  }

  stop(): void {
    this.#isOver = true;
  }

  // ── stack, marks, memo ──

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pop(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw unreadable("it takes a value where there is none");
    return this.#stack.pop();
  }

  get top(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw unreadable("it takes a value where there is none");
    return this.#stack.at(-1);
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  popMark(): unknown[] {
    const at = this.#marks.pop();
    if (at === undefined) throw unreadable("a mark is missing");
    return this.#stack.splice(at);
  }

  /** `POP` also drops a mark that has nothing above it. */
  popOrMark(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  keep(index: number): void {
    this.#memo.set(index, this.top);
  }

  keepNext(): void {
    this.keep(this.#memo.size);
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw unreadable(`it looks up entry ${index}, which was never kept`);
    const value = this.#memo.get(index);
    const now = this.#replaced.get(value) ?? value;
    if (typeof now === "object" && now !== null && Object.getPrototypeOf(now) === Object.prototype) this.#lookedUp.add(now);
    this.push(now);
  }

  #replaceTop(value: unknown): void {
    const before = this.#stack.at(-1);
    if (this.#lookedUp.has(before)) throw unreadable("a dict whose keys are no texts holds itself");
    this.#replaced.set(before, value);
    this.#stack[this.#stack.length - 1] = value;
  }

  // ── containers ──

  append(items: readonly unknown[]): void {
    const list = this.top;
    const target = Array.isArray(list) ? (list as unknown[]) : list instanceof PythonObject ? list.items : undefined;
    if (target === undefined) throw unreadable("it appends to what is no list");
    for (const item of items) target.push(item);
  }

  addToSet(items: readonly unknown[]): void {
    const set = this.top;
    if (set instanceof Set) for (const item of items) set.add(item);
    else if (set instanceof PythonObject) for (const item of items) set.items.push(item);
    else throw unreadable("it adds to what is no set");
  }

  setItems(pairs: readonly unknown[]): void {
    if (pairs.length % 2 !== 0) throw unreadable("a dict's last key has no value");
    const target = this.top;
    if (target instanceof PythonObject) {
      for (let i = 0; i < pairs.length; i += 2) target.entries.push([pairs[i], pairs[i + 1]]);
      return;
    }
    if (target instanceof Map) {
      for (let i = 0; i < pairs.length; i += 2) target.set(pairs[i], pairs[i + 1]);
      return;
    }
    if (typeof target !== "object" || target === null || Object.getPrototypeOf(target) !== Object.prototype)
      throw unreadable("it sets items of what is no dict");
    for (let i = 0; i < pairs.length; i += 2) {
      const key = pairs[i];
      if (typeof key === "string") setOwn(target as Record<string, unknown>, key, pairs[i + 1]);
      else {
        this.#replaceTop(new Map<unknown, unknown>(Object.entries(target)));
        return this.setItems(pairs.slice(i));
      }
    }
  }

  // ── objects ──

  global(module: unknown, name: unknown): void {
    if (typeof module !== "string" || typeof name !== "string") throw unreadable("a global has no name");
    if (module.length > NAME_CHARS_MAX || name.length > NAME_CHARS_MAX) throw unreadable("the name of a global is too long");
    this.push(new PythonObject(MODULES_OF_PYTHON_2[module] ?? module, name));
  }

  call(callee: unknown, args: unknown): void {
    const known = this.#checkCall(callee, args);
    const value = callKnown(known.callee, known.args, this.#budget);
    this.push(value === undefined ? new PythonObject(known.callee.module, known.callee.name, { args: known.args, origin: "call" }) : value.result);
  }

  create(callee: unknown, args: unknown, keywords: unknown): void {
    const known = this.#checkCall(callee, args);
    const words = typeof keywords === "object" && keywords !== null && !(keywords instanceof Map) ? (keywords as Record<string, unknown>) : undefined;
    if (words === undefined) throw unreadable("keyword arguments are no dict of texts");
    this.push(new PythonObject(known.callee.module, known.callee.name, { args: known.args, keywords: words, origin: "new" }));
  }

  #checkCall(callee: unknown, args: unknown): { readonly callee: PythonObject; readonly args: readonly unknown[] } {
    if (!(callee instanceof PythonObject) || callee.origin !== "global") throw unreadable("it calls what is no named function");
    if (!Array.isArray(args)) throw unreadable("the arguments of a call are no tuple");
    return { callee, args };
  }

  build(state: unknown): void {
    const target = this.top;
    if (!(target instanceof PythonObject)) throw unreadable("it gives a state to what has none");
    const array = buildArray(target, state, this.#budget);
    if (array === undefined) target.state = state;
    else this.#replaceTop(array);
  }
}

/** Python 2's names, which protocols up to 2 still write. */
const MODULES_OF_PYTHON_2: Readonly<Record<string, string>> = Object.assign(Object.create(null) as Record<string, string>, {
  __builtin__: "builtins",
  copy_reg: "copyreg",
});

function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

/** A number where it is exact, else a bigint. */
function asNumber(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

/** Little-endian two's complement. */
function readLong(bytes: Buffer): number | bigint {
  if (bytes.length === 0) return 0;
  if (bytes.length <= 6) return bytes.readIntLE(0, bytes.length);
  if (bytes.length > INT_BYTES_MAX) throw unreadable(`an integer of ${bytes.length} bytes is too long`);
  const value = BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
  return asNumber(BigInt.asIntN(bytes.length * 8, value));
}

function parseInteger(line: string): number | bigint {
  const digits = line.endsWith("L") ? line.slice(0, -1) : line;
  if (digits.length > INT_DIGITS_MAX || !/^[+-]?\d+$/.test(digits)) throw unreadable("an integer is none");
  return asNumber(BigInt(digits));
}

function parseIndex(line: string): number {
  if (!/^\d{1,15}$/.test(line)) throw unreadable("an entry of the memo has no number");
  return Number(line);
}

function parseFloatLine(line: string): number {
  const text = line.trim();
  if (/^[+-]?(?:nan|inf)/i.test(text)) return /nan/i.test(text) ? Number.NaN : text.startsWith("-") ? -Infinity : Infinity;
  if (text === "" || Number.isNaN(Number(text))) throw unreadable("a number is none");
  return Number(text);
}

function quoted(line: string): string {
  const text = decodeQuoted(line);
  if (text === undefined) throw unreadable("a text has no quotes");
  return text;
}

function tuple(count: number): Operation {
  return (m) => {
    const items: unknown[] = [];
    for (let i = 0; i < count; i += 1) items.unshift(m.pop());
    m.push(markTuple(items));
  };
}

/** A copy: the pickle's memory is not kept alive by a few bytes of it. */
const copyOf = (bytes: Buffer): Uint8Array => new Uint8Array(bytes);

function checkProtocol(version: number): void {
  if (version > PROTOCOL_MAX) throw unreadable(`it has protocol ${version}, and ${PROTOCOL_MAX} is the last known one`);
}

function create(m: Unpickler): void {
  const args = m.pop();
  m.create(m.pop(), args, {});
}

const TABLE: readonly (readonly [opcode: number | string, operation: Operation])[] = [
  [0x80, (m) => checkProtocol(m.cursor.u8())],
  [0x95, (m) => void m.cursor.u64()], // FRAME: its length is a hint for readers of streams.
  [".", (m) => m.stop()],
  ["(", (m) => m.mark()],
  ["0", (m) => m.popOrMark()],
  ["1", (m) => void m.popMark()],
  ["2", (m) => m.push(m.top)],
  // constants
  ["N", (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  // numbers
  ["J", (m) => m.push(m.cursor.i32())],
  ["K", (m) => m.push(m.cursor.u8())],
  ["M", (m) => m.push(m.cursor.u16())],
  [0x8a, (m) => m.push(readLong(m.cursor.bytes(m.cursor.u8())))],
  [0x8b, (m) => m.push(readLong(m.cursor.bytes(m.cursor.u32())))],
  ["G", (m) => m.push(m.cursor.f64())],
  ["L", (m) => m.push(parseInteger(m.cursor.line()))],
  ["F", (m) => m.push(parseFloatLine(m.cursor.line()))],
  [
    "I",
    (m) => {
      const line = m.cursor.line();
      m.push(line === "01" ? true : line === "00" ? false : parseInteger(line)); // Booleans of protocols 0 and 1.
    },
  ],
  // texts and bytes
  ["X", (m) => m.push(decodeText(m.cursor.bytes(m.cursor.u32())))],
  [0x8c, (m) => m.push(decodeText(m.cursor.bytes(m.cursor.u8())))],
  [0x8d, (m) => m.push(decodeText(m.cursor.bytes(m.cursor.u64())))],
  ["V", (m) => m.push(decodeRawUnicodeEscape(m.cursor.line()))],
  ["S", (m) => m.push(quoted(m.cursor.line()))],
  ["T", (m) => m.push(m.cursor.bytes(m.cursor.u32()).toString("latin1"))],
  ["U", (m) => m.push(m.cursor.bytes(m.cursor.u8()).toString("latin1"))],
  ["B", (m) => m.push(copyOf(m.cursor.bytes(m.cursor.u32())))],
  ["C", (m) => m.push(copyOf(m.cursor.bytes(m.cursor.u8())))],
  [0x8e, (m) => m.push(copyOf(m.cursor.bytes(m.cursor.u64())))],
  [0x96, (m) => m.push(copyOf(m.cursor.bytes(m.cursor.u64())))],
  // containers
  ["]", (m) => m.push([])],
  ["a", (m) => m.append([m.pop()])],
  ["e", (m) => m.append(m.popMark())],
  ["l", (m) => m.push(m.popMark())],
  [")", (m) => m.push(markTuple([]))],
  [0x85, tuple(1)],
  [0x86, tuple(2)],
  [0x87, tuple(3)],
  ["t", (m) => m.push(markTuple(m.popMark()))],
  ["}", (m) => m.push({})],
  ["s", (m) => m.setItems([m.pop(), m.pop()].reverse())],
  ["u", (m) => m.setItems(m.popMark())],
  [
    "d",
    (m) => {
      const pairs = m.popMark();
      m.push({});
      m.setItems(pairs);
    },
  ],
  [0x8f, (m) => m.push(new Set())],
  [0x90, (m) => m.addToSet(m.popMark())],
  [0x91, (m) => m.push(markFrozen(new Set(m.popMark())))],
  // memo
  ["p", (m) => m.keep(parseIndex(m.cursor.line()))],
  ["q", (m) => m.keep(m.cursor.u8())],
  ["r", (m) => m.keep(m.cursor.u32())],
  [0x94, (m) => m.keepNext()],
  ["g", (m) => m.recall(parseIndex(m.cursor.line()))],
  ["h", (m) => m.recall(m.cursor.u8())],
  ["j", (m) => m.recall(m.cursor.u32())],
  // objects
  ["c", (m) => m.global(decodeText(Buffer.from(m.cursor.line(), "latin1")), decodeText(Buffer.from(m.cursor.line(), "latin1")))],
  [
    0x93,
    (m) => {
      const name = m.pop();
      m.global(m.pop(), name);
    },
  ],
  [
    "R",
    (m) => {
      const args = m.pop();
      m.call(m.pop(), args);
    },
  ],
  [0x81, create],
  [
    0x92,
    (m) => {
      const keywords = m.pop();
      const args = m.pop();
      m.create(m.pop(), args, keywords);
    },
  ],
  ["b", (m) => m.build(m.pop())],
  [
    "i",
    (m) => {
      const [module, name] = [m.cursor.line(), m.cursor.line()];
      const args = m.popMark();
      m.global(module, name);
      m.create(m.pop(), args, {});
    },
  ],
  [
    "o",
    (m) => {
      const [callee, ...args] = m.popMark();
      m.create(callee, args, {});
    },
  ],
];

const OPERATIONS: readonly (Operation | undefined)[] = ((): (Operation | undefined)[] => {
  const operations = new Array<Operation | undefined>(256).fill(undefined);
  for (const [opcode, operation] of TABLE) operations[typeof opcode === "string" ? opcode.charCodeAt(0) : opcode] = operation;
  return operations;
})();
