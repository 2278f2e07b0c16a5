// State that a process has once, though it may hold several copies of this package: a program is bundled with its own, and
// what users import beside it is another.

import { VERSION } from "./version.ts";

/**
 * The one value of this name in this process and thread, made when first asked for. Copies of another version have their
 * own: what is in it may look different there.
 */
export function processWide<T>(name: string, create: () => T): T {
  const key = Symbol.for(`tsparallel.${VERSION}.${name}`);
  if (!Object.hasOwn(globalThis, key)) Object.defineProperty(globalThis, key, { value: create(), enumerable: false });
  return (globalThis as { readonly [key: symbol]: unknown })[key] as T;
}
