// Both directions against what a real Python wrote and read when the fixture was made; see scripts/python-vectors.ts.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NdArray, packPython, PythonObject, readPickle, unpackPython, writePickle } from "../../../../src/serial/python/index.ts";
import { PYTHON_VECTORS } from "../../../support/python-vectors.ts";

interface Made {
  readonly name: string;
  readonly protocols: readonly string[];
  readonly frames: readonly string[];
  readonly written: { readonly pickle: string; readonly frames: readonly string[] } | null;
}

const MADE = new Map(
  (JSON.parse(readFileSync(new URL("../../../fixtures/python/vectors.json", import.meta.url), "utf8")) as Made[]).map((made) => [made.name, made]),
);
const hex = (frame: Uint8Array): string => Buffer.from(frame).toString("hex");
const bytes = (text: string): Buffer => Buffer.from(text, "hex");

/** ipyparallel sends what arrays hold, not how: Fortran order is lost on its way. */
function asCanned(value: unknown): unknown {
  if (!(value instanceof NdArray) || value.order === "C") return value;
  const [rows, columns] = value.shape as [number, number];
  return new NdArray(
    Int32Array.from({ length: rows * columns }, (_, i) => value.at(Math.floor(i / columns), i % columns) as number),
    value.shape,
  );
}

describe("values of Python", () => {
  it("the table and the fixture have the same values", () => {
    expect([...MADE.keys()]).toEqual(PYTHON_VECTORS.map(({ name }) => name));
  });

  it.each(PYTHON_VECTORS)("$name is read from every protocol", ({ name, value }) => {
    const { protocols } = MADE.get(name)!;
    expect(protocols).toHaveLength(6);
    for (const pickle of protocols) expect(readPickle(bytes(pickle))).toEqual(value);
  });

  it.each(PYTHON_VECTORS.filter(({ name }) => MADE.get(name)!.frames.length > 0))("$name is read from ipyparallel's frames", ({ name, value }) => {
    const frames = MADE.get(name)!.frames.map(bytes);
    expect(unpackPython(frames, 0)).toEqual({ value: asCanned(value), next: frames.length });
  });

  it.each(PYTHON_VECTORS.filter(({ readOnly }) => readOnly !== true))("$name is written as Python has read it, and read again", ({ name, value }) => {
    const { written } = MADE.get(name)!;
    expect({ pickle: hex(writePickle(value)), frames: packPython(value).map(hex) }).toEqual(written);
    expect(readPickle(writePickle(value))).toEqual(value);
    expect(unpackPython(packPython(value), 0).value).toEqual(value);
  });

  it("13.13: bytes of ipyparallel's are canned however few they are, numpy's scalars never", () => {
    for (const name of ["empty bytes", "bytes", "long bytes"]) expect(bytes(MADE.get(name)!.frames[0] ?? "").includes("CannedBytes")).toBe(true);
    const scalars = PYTHON_VECTORS.filter(({ name }) => name.endsWith(" scalar"));
    expect(scalars.length).toBeGreaterThan(5);
    for (const { name } of scalars) expect(bytes(MADE.get(name)!.frames[0] ?? "").includes("Canned")).toBe(false);
  });

  it("what has no counterpart becomes a stand-in that says what it is", () => {
    const decimal = readPickle(bytes("80049521000000000000008c07646563696d616c948c07446563696d616c9493948c03312e359485945294 2e".replace(" ", "")));
    expect(decimal).toEqual(new PythonObject("decimal", "Decimal", { args: ["1.5"] }));
    expect(String(decimal)).toBe('<Python decimal.Decimal("1.5")>');
  });
});
