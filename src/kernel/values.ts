// Looking at values of the namespace without running code of theirs: no getter, no proxy's trap, no method is called.

import { types } from "node:util";

/** A value that was found; told from `undefined` as a value. */
export interface Found {
  readonly value: unknown;
}

/** Prototypes that are looked through. */
const CHAIN_MAX = 50;

/** Globals of the platform: their getters are known to be harmless. */
const PLATFORM: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(globalThis));

/** Value of a global name. */
export function globalValue(name: string): Found | undefined {
  const found = Object.getOwnPropertyDescriptor(globalThis, name);
  if (found === undefined) return undefined;
  if (found.get === undefined) return { value: found.value };
  return PLATFORM.has(name) ? { value: Reflect.get(globalThis, name) } : undefined;
}

/** Value of a member, its own or inherited. */
export function memberValue(holder: unknown, name: string): Found | undefined {
  for (const object of chainOf(holder)) {
    const found = Object.getOwnPropertyDescriptor(object, name);
    if (found !== undefined) return found.get === undefined && found.set === undefined ? { value: found.value } : undefined;
  }
  return undefined;
}

/** Names of a value's members, its own first, with what they are. */
export function memberNames(holder: unknown, max: number): Map<string, string> {
  const names = new Map<string, string>();
  for (const object of chainOf(holder)) {
    if (object === holder && (ArrayBuffer.isView(object) || Array.isArray(object))) {
      // Its indexes are no names to complete, and may be millions. Array's prototype is an array too.
      if (Array.isArray(object)) names.set("length", "property");
      continue;
    }
    for (const name of Object.getOwnPropertyNames(object)) {
      if (names.size >= max) return names;
      if (!names.has(name)) names.set(name, kindOf(Object.getOwnPropertyDescriptor(object, name)));
    }
  }
  return names;
}

/** What a property is, as front ends name it. */
export function kindOf(property: PropertyDescriptor | undefined): string {
  if (property === undefined || property.get !== undefined || property.set !== undefined) return "property";
  const value: unknown = property.value;
  if (typeof value === "function") return isClass(value) ? "class" : "function";
  return types.isModuleNamespaceObject(value) ? "module" : "instance";
}

/** Whether a function can only be called with `new`. */
export function isClass(value: unknown): boolean {
  return typeof value === "function" && !types.isProxy(value) && /^class\b/.test(Function.prototype.toString.call(value));
}

/** The value as an object, and its prototypes; ends at a proxy. */
function* chainOf(holder: unknown): Generator<object> {
  if (holder === undefined || holder === null) return;
  let object: unknown = typeof holder === "object" || typeof holder === "function" ? holder : Object(holder);
  for (let depth = 0; depth < CHAIN_MAX && object !== null && !types.isProxy(object); depth += 1) {
    yield object as object;
    object = Object.getPrototypeOf(object);
  }
}
