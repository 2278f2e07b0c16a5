import { expect, it } from "vitest";
import { KeyWatch } from "../../../src/bakapara/index.ts";

const remarksOn = (...keys: string[]): string[] => new KeyWatch().remarks({ cmd: "true", ...Object.fromEntries(keys.map((key) => [key, 1])) });

it.each([
  ["timout", "timeout"],
  ["tiemout", "timeout"],
  ["Timeout", "timeout"],
  ["ok-codes", "ok_codes"],
  ["ok_code", "ok_codes"],
  ["hosts", "host"],
  ["retry", "retries"],
  ["cwd", "cd"],
  ["stdout", "out"],
])("a key %s is told to mean %s perhaps", (key, meant) => {
  expect(remarksOn(key)).toEqual([`the key "${key}" is kept as one of yours and does nothing; did you mean "${meant}"?`]);
});

it("keys of the format and keys of the user's own are not remarked on", () => {
  expect(remarksOn("cd", "out", "err", "host", "id", "env", "stdin", "timeout", "retries", "priority", "shell", "ok_codes", "result")).toEqual([]);
  expect(remarksOn("tag", "name", "i", "in", "idx", "seed", "input", "experiment", "constructor", "toString")).toEqual([]);
});

it("each key is told once, and only so many are remembered", () => {
  const watch = new KeyWatch();
  expect(watch.remarks({ cmd: "a", timout: 1 })).toHaveLength(1);
  expect(watch.remarks({ cmd: "b", timout: 2 })).toEqual([]);
  for (let i = 0; i < 2000; i += 1) watch.remarks({ cmd: "c", [`parameter${i}`]: i });
  expect(watch.remarks({ cmd: "d", retrys: 1 })).toEqual([]);
});
