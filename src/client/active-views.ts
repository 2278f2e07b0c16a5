// Views that magics use. Their table is one for the process, whichever copy of this package asks: a notebook's kernel and the
// package that a notebook imports need not be the same copy.

import { InvalidArgumentError, processWide } from "../base/index.ts";
import type { DirectView } from "./direct-view.ts";
import type { Arity } from "./result-shape.ts";

const VIEWS = processWide("active-views", () => new Map<string, DirectView<Arity>>());

/** Makes `%px` and its like, with a suffix, mean a view. */
export function activateView(view: DirectView<Arity>, suffix: string): void {
  if (!/^\w*$/.test(suffix)) throw new InvalidArgumentError(`a suffix of magics consists of letters, digits and underscores, and is ${JSON.stringify(suffix)}`);
  VIEWS.set(suffix, view);
}

/** Views by the suffixes of their magics. */
export function activeViews(): ReadonlyMap<string, DirectView<Arity>> {
  return VIEWS;
}
