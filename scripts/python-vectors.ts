// Writes test/fixtures/python/vectors.json: what a real Python writes for each value of the table, after it has read what
// we write and found the same value. `TSPARALLEL_PYTHON` names a Python with ipyparallel and numpy.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { packPython, writePickle } from "../src/serial/python/index.ts";
import { PYTHON_VECTORS } from "../test/support/python-vectors.ts";

const FOLDER = new URL("../test/fixtures/python/", import.meta.url);
const hex = (frame: Uint8Array): string => Buffer.from(frame).toString("hex");

const input = PYTHON_VECTORS.map(({ name, expression, value, readOnly }) =>
  readOnly === true ? { name, expression } : { name, expression, pickle: hex(writePickle(value)), frames: packPython(value).map(hex) },
);
const python = process.env["TSPARALLEL_PYTHON"] ?? "python3";
const run = spawnSync(python, [new URL("make_vectors.py", FOLDER).pathname], { input: JSON.stringify(input), maxBuffer: 1024 ** 3 });
if (run.status !== 0) {
  console.error(run.stderr.toString());
  process.exit(1);
}
const made = JSON.parse(run.stdout.toString()) as Record<string, { protocols: string[]; frames: string[] }>;
const vectors = input.map(({ name, pickle, frames }) => ({ name, ...made[name], written: pickle === undefined ? null : { pickle, frames } }));
writeFileSync(new URL("vectors.json", FOLDER), `${JSON.stringify(vectors, null, 1)}\n`);
console.log(`${vectors.length} values, ${vectors.filter(({ written }) => written !== null).length} of them in both directions`);
