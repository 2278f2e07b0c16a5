// How objects look in the REPL and in console.log: one line that says where they stand, not their insides.

import { inspect } from "node:util";

/** Makes `util.inspect` show what `toString` gives. */
export function showAsText(Class: { readonly prototype: { toString(): string } }): void {
  Object.defineProperty(Class.prototype, inspect.custom, {
    value(this: { toString(): string }): string {
      return this.toString();
    },
  });
}
