// The lock file, by which `npm ci` installs on any system.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

interface Locked {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

it("names the packages of all platforms, without which `npm ci` refuses it", () => {
  const text = readFileSync(new URL("../../../package-lock.json", import.meta.url), "utf8");
  const { packages } = JSON.parse(text) as { readonly packages: Readonly<Record<string, Locked>> };
  const optional = Object.values(packages).flatMap((locked) => Object.keys(locked.optionalDependencies ?? {}));
  expect(optional.length).toBeGreaterThan(0);
  const named = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)));
  expect(optional.filter((name) => !named.has(name))).toEqual([]);
});
