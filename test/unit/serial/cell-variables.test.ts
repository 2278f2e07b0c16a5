// Names that cells of a notebook made travel with the functions that use them.

import { runInThisContext } from "node:vm";
import { expect, it } from "vitest";
import { addCellVariable, packCall, unpackCall } from "../../../src/serial/index.ts";

const globals = globalThis as unknown as Record<string, unknown>;
const ENV = { named: () => undefined, evaluate: () => undefined, importModule: (specifier: string) => import(specifier) };

async function here(fn: () => unknown): Promise<unknown> {
  const packed = packCall(fn, []);
  for (const name of ["ct_offset", "ct_own"]) delete globals[name];
  const call = await unpackCall(packed, ENV);
  return call.fn(...call.args);
}

it("a global travels when a cell made it, as it is at each send, and is the engine's otherwise", async () => {
  const fn = runInThisContext("() => [typeof ct_offset === 'undefined' ? 'none' : ct_offset, typeof ct_own]") as () => unknown;
  addCellVariable("ct_offset");
  addCellVariable("ct_offset");
  globals["ct_offset"] = 1;
  globals["ct_own"] = 1;
  expect(await here(fn)).toEqual([1, "undefined"]);
  globals["ct_offset"] = 2;
  expect(await here(fn)).toEqual([2, "undefined"]);
});
