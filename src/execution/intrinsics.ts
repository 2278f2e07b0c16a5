// User code shares its globals with the engine, so that errors, promises and arrays are one and the same for both. What the
// engine cannot live without is therefore kept from being replaced: `const Map = …` in a cell is refused by name instead
// of breaking the engine beneath it.

const INTRINSICS = [
  "Array",
  "ArrayBuffer",
  "Atomics",
  "BigInt",
  "Boolean",
  "DataView",
  "Date",
  "Error",
  "Function",
  "Int32Array",
  "JSON",
  "Map",
  "Math",
  "Number",
  "Object",
  "Promise",
  "Proxy",
  "RangeError",
  "ReferenceError",
  "Reflect",
  "RegExp",
  "Set",
  "SharedArrayBuffer",
  "String",
  "Symbol",
  "SyntaxError",
  "TypeError",
  "Uint8Array",
  "WeakMap",
  "WeakRef",
  "WeakSet",
  "globalThis",
] as const;
/** Accessors in Node already, so a check costs nothing: the same value may be set, as `import process from "node:process"` does. */
const CHECKED = ["process", "Buffer"] as const;

const locked: ReadonlySet<string> = new Set(INTRINSICS);

/** Whether a name may not be given another value. */
export function isLocked(name: string): boolean {
  return locked.has(name);
}

/** The refusal to give a locked name another value. */
export function lockedError(name: string): TypeError {
  return new TypeError(`cannot replace the global "${name}": the engine itself uses it; choose another name`);
}

/** Makes the engine's needs safe, once. */
export function lockIntrinsics(): void {
  for (const name of INTRINSICS) {
    const found = Object.getOwnPropertyDescriptor(globalThis, name);
    if (found?.configurable === true) Object.defineProperty(globalThis, name, { ...found, writable: false });
  }
  for (const name of CHECKED) {
    const value: unknown = globalThis[name];
    const set = (next: unknown): void => {
      if (next !== value) throw lockedError(name);
    };
    Object.defineProperty(globalThis, name, { get: () => value, set, configurable: true, enumerable: false });
  }
}
