// Writes pickles of protocol 4, which every Python since 3.4 reads. Plain values only: functions, classes and instances of
// classes are refused with the path to them, because Python could do nothing with them.

import { SerializationError } from "../../base/index.ts";
import { Reference } from "../records.ts";
import { ByteWriter } from "./byte-writer.ts";
import { writeDatetime } from "./dates.ts";
import { isFrozen, isTuple, markTuple } from "./kinds.ts";
import { NdArray, type NumberArray } from "./nd-array.ts";
import { arrayAsObject } from "./numpy-writer.ts";
import { PythonObject } from "./python-object.ts";
import { encodeText } from "./python-text.ts";

const PROTOCOL = 4;
/** Deeper data would overflow the stack here; Python's own limit is lower. */
const DEPTH_MAX = 1000;
const MARK = "(";

/** Writes one value as a pickle. Throws SerializationError when something in it cannot travel; `path` names the value. */
export function writePickle(value: unknown, path = "value"): Buffer {
  return new Pickler(path).write(value);
}

class Pickler {
  readonly #out = new ByteWriter();
  /** Objects, and texts that were keys, by their number. */
  readonly #memo = new Map<unknown, number>();
  readonly #path: string[];
  #depth = 0;

  constructor(path: string) {
    this.#path = [path];
  }

  write(value: unknown): Buffer {
    this.#out.u8(0x80);
    this.#out.u8(PROTOCOL);
    this.#value(value);
    this.#out.op(".");
    return this.#out.finish();
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case "undefined":
        return this.#out.op("N");
      case "boolean":
        return this.#out.u8(value ? 0x88 : 0x89);
      case "number":
        return this.#number(value);
      case "bigint":
        return this.#long(value);
      case "string":
        return this.#text(value);
      case "object":
        return value === null ? this.#out.op("N") : this.#object(value);
      case "function":
        throw this.#refuse("is a function of TypeScript, which Python cannot run", "name a Python function, or send the function's result");
      case "symbol":
        throw this.#refuse("is a symbol", "send a text");
      default:
        throw this.#refuse("has no type that travels", "send plain data");
    }
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#out.op("G");
      return this.#out.f64(value);
    }
    if (value < -0x80000000 || value > 0x7fffffff) return this.#long(BigInt(value));
    if (value < 0 || value > 0xffff) {
      this.#out.op("J");
      return this.#out.i32(value);
    }
    this.#out.op(value < 256 ? "K" : "M");
    if (value < 256) this.#out.u8(value);
    else this.#out.u16(value);
  }

  #long(value: bigint): void {
    const bits = (value < 0n ? -value : value).toString(16).length * 4 + 1;
    const bytes = Buffer.alloc(Math.ceil(bits / 8));
    const hex = BigInt.asUintN(bytes.length * 8, value)
      .toString(16)
      .padStart(bytes.length * 2, "0");
    bytes.write(hex, "hex");
    bytes.reverse();
    if (bytes.length < 256) {
      this.#out.u8(0x8a);
      this.#out.u8(bytes.length);
    } else {
      this.#out.u8(0x8b);
      this.#out.u32(bytes.length);
    }
    this.#out.bytes(bytes);
  }

  #text(value: string): void {
    const bytes = encodeText(value);
    if (bytes.length < 256) {
      this.#out.u8(0x8c);
      this.#out.u8(bytes.length);
    } else if (bytes.length < 2 ** 32) {
      this.#out.op("X");
      this.#out.u32(bytes.length);
    } else throw this.#refuse("is a text of more than 4 GiB", "send it in parts");
    this.#out.bytes(bytes);
  }

  #bytes(value: Uint8Array): void {
    if (value.length < 256) {
      this.#out.op("C");
      this.#out.u8(value.length);
    } else {
      this.#out.u8(0x8e);
      this.#out.u64(value.length);
    }
    this.#out.bytes(value);
  }

  #object(value: object): void {
    const known = this.#memo.get(value);
    if (known !== undefined) return this.#recall(known);
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw this.#refuse(`is nested deeper than ${DEPTH_MAX}`, "send flat data");
    this.#fresh(value);
    this.#depth -= 1;
  }

  #recall(index: number): void {
    this.#out.op(index < 256 ? "h" : "j");
    if (index < 256) this.#out.u8(index);
    else this.#out.u32(index);
  }

  #keep(value: unknown): void {
    this.#memo.set(value, this.#memo.size);
    this.#out.u8(0x94);
  }

  #fresh(value: object): void {
    if (Array.isArray(value)) return isTuple(value) ? this.#tuple(value) : this.#list(value);
    if (value instanceof Map) return this.#dict(value, value);
    if (value instanceof Set) return this.#set(value);
    if (value instanceof PythonObject) return this.#made(value);
    if (value instanceof NdArray) return this.#made(this.#array(value), value);
    if (value instanceof Date) return this.#date(value);
    if (ArrayBuffer.isView(value)) return this.#view(value);
    if (value instanceof ArrayBuffer) return this.#view(new Uint8Array(value));
    if (value instanceof Reference)
      throw this.#refuse(
        "is a Reference deep inside an argument",
        "references are looked up as arguments, and as items of a list or object that is an argument",
      );
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype && !isPlainOfAnotherRealm(prototype))
      throw this.#refuse(`is an instance of ${className(value)}, which Python does not know`, "send its data as a plain object");
    return this.#dict(value, Object.entries(value));
  }

  #list(items: readonly unknown[]): void {
    this.#out.op("]");
    this.#keep(items);
    this.#items(items, "e");
  }

  #items(items: Iterable<unknown>, end: number | string): void {
    this.#out.op(MARK);
    let i = 0;
    for (const item of items) {
      this.#at(`[${i}]`, item);
      i += 1;
    }
    if (typeof end === "string") this.#out.op(end);
    else this.#out.u8(end);
  }

  /** A tuple exists when its items do: one that holds itself cannot be written. */
  #tuple(items: readonly unknown[]): void {
    this.#items(items, "t");
    if (!this.#memo.has(items)) this.#keep(items);
  }

  #set(items: Set<unknown>): void {
    if (isFrozen(items)) {
      this.#items(items, 0x91);
      return this.#keep(items);
    }
    this.#out.u8(0x8f);
    this.#keep(items);
    return this.#items(items, 0x90);
  }

  #dict(value: object, entries: Iterable<readonly [unknown, unknown]>): void {
    this.#out.op("}");
    this.#keep(value);
    this.#entries(entries);
  }

  #entries(entries: Iterable<readonly [unknown, unknown]>): void {
    this.#out.op(MARK);
    for (const [key, value] of entries) {
      this.#key(key);
      this.#at(typeof key === "string" ? `.${key}` : `.get(${String(key)})`, value);
    }
    this.#out.op("u");
  }

  /** Keys repeat, in lists of records: their texts are written once. */
  #key(key: unknown): void {
    if (typeof key !== "string") return this.#at(".key", key);
    const known = this.#memo.get(key);
    if (known !== undefined) return this.#recall(known);
    this.#text(key);
    return this.#keep(key);
  }

  #at(step: string, value: unknown): void {
    this.#path.push(step);
    this.#value(value);
    this.#path.pop();
  }

  /** Class or function, then arguments, state and items in the order in which Python's own pickles have them. */
  #made(object: PythonObject, identity: object = object): void {
    this.#global(object);
    if (object.origin === "global") return this.#keep(identity);
    this.#value(markTuple([...object.args]));
    const hasKeywords = Object.keys(object.keywords).length > 0;
    if (hasKeywords) {
      if (object.origin === "call")
        throw this.#refuse(`is a call of ${object.qualifiedName} with keyword arguments, which pickles do not have`, "give the arguments by position");
      this.#value(object.keywords);
      this.#out.u8(0x92);
    } else if (object.origin === "new") this.#out.u8(0x81);
    else this.#out.op("R");
    this.#keep(identity);
    if (object.items.length > 0) this.#items(object.items, "e");
    if (object.entries.length > 0) this.#entries(object.entries);
    if (object.state !== undefined) {
      this.#at(".state", object.state);
      this.#out.op("b");
    }
  }

  #global({ module, name }: PythonObject): void {
    this.#key(module);
    this.#key(name);
    this.#out.u8(0x93);
  }

  #array(array: NdArray): PythonObject {
    const written = arrayAsObject(array);
    if (typeof written === "string") throw this.#refuse(written, "send elements of one type");
    return written;
  }

  #date(date: Date): void {
    const written = writeDatetime(date);
    if (written === undefined) throw this.#refuse("is a date outside of the years 1 to 9999", "send its time value, or a text");
    this.#made(written, date);
  }

  #view(view: ArrayBufferView): void {
    if (view.buffer instanceof SharedArrayBuffer) throw this.#refuse("is a view on shared memory", "send a copy: `array.slice()`");
    if (view instanceof Uint8Array || view instanceof DataView) {
      this.#bytes(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
      return this.#keep(view);
    }
    return this.#made(this.#array(new NdArray(view as unknown as NumberArray)), view);
  }

  #refuse(problem: string, remedy: string): SerializationError {
    const path = this.#path.join("");
    return new SerializationError(`cannot send ${path} to Python: it ${problem}`, { path, remedy });
  }
}

/** `Object.prototype` of another context, as values of `vm` scripts have. */
function isPlainOfAnotherRealm(prototype: unknown): boolean {
  return typeof prototype === "object" && prototype !== null && Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

function className(value: object): string {
  const name: unknown = (value as { readonly constructor?: { readonly name?: unknown } }).constructor?.name;
  return typeof name === "string" && name !== "" ? `class ${name}` : "a class";
}
