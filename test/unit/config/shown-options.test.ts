import { describe, expect, it } from "vitest";
import { resolveOptions } from "../../../src/config/resolve.ts";
import { shownOptions } from "../../../src/config/shown-options.ts";
import { OPTION_TABLES } from "../../../src/config/tables.ts";
import type { OptionTable } from "../../../src/config/schema.ts";

const TABLE: OptionTable = [
  { name: "n", type: "integer", default: null, doc: "engines" },
  { name: "key", type: "text", default: null, env: "IPP_SESSION_KEY", isSecret: true, doc: "key" },
  { name: "args", type: "list", default: [], doc: "arguments" },
  { name: "own", type: "record", default: null, doc: "options" },
];
const shown = (given: Record<string, unknown>, env: NodeJS.ProcessEnv = {}): unknown =>
  Object.fromEntries(shownOptions(TABLE, resolveOptions(TABLE, { given, env })).map(({ name, value, origin }) => [name, [value, origin.source]]));

describe("a shown option", () => {
  it("has its value and where that came from, in the table's order", () => {
    const options = shownOptions(OPTION_TABLES.ipcluster, resolveOptions(OPTION_TABLES.ipcluster, { env: { IPP_CLUSTER_ID: "x" }, given: { n: 3 } }));
    expect(options.map(({ name }) => name)).toEqual(OPTION_TABLES.ipcluster.map(({ name }) => name));
    expect(options.find(({ name }) => name === "n")).toEqual({ name: "n", value: 3, origin: { source: "flag" } });
    expect(options.find(({ name }) => name === "clusterId")).toEqual({
      name: "clusterId",
      value: "x",
      origin: { source: "environment", variable: "IPP_CLUSTER_ID" },
    });
  });

  it("that is a key says that there is one, and not what it is", () => {
    expect(shown({}, { IPP_SESSION_KEY: "123" })).toMatchObject({ key: ["(not shown)", "environment"] });
    expect(shown({})).toMatchObject({ key: [undefined, "default"] });
    const secret = Object.values(OPTION_TABLES).flatMap((table: OptionTable) => table.filter((row) => row.isSecret === true).map((row) => row.name));
    expect(secret).toEqual(["key", "curveSecretKey", "curvePublicKey"]);
  });

  it("has no key in its arguments or its own options either", () => {
    const args = ["--Session.key=123", "--hwm=0", "--Session.key", "123", "--Session.keyfile"];
    const own = { host: "a", apiToken: "123", inner: { password: "123" }, list: [{ secret: 1 }] };
    expect(shown({ args, own })).toMatchObject({
      args: [["--Session.key=(not shown)", "--hwm=0", "--Session.key", "(not shown)", "--Session.keyfile"], "flag"],
      own: [{ host: "a", apiToken: "(not shown)", inner: { password: "(not shown)" }, list: [{ secret: "(not shown)" }] }, "flag"],
    });
    expect(JSON.stringify(shown({ args, own }))).not.toContain("123");
  });
});
