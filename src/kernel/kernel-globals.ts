// Names that a notebook has without an import.

import { clearOutput, display, input, password } from "../execution/index.ts";

/** Makes them; they are as any global that a cell may declare anew. */
export function installKernelGlobals(): void {
  for (const [name, value] of Object.entries({ clearOutput, display, input, password }))
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}
