import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/index.ts";
import { readConfig } from "../../../src/config/load-config.ts";
import { resolveOptions } from "../../../src/config/resolve.ts";
import { CLUSTER_OPTIONS } from "../../../src/config/cluster-options.ts";

const TABLE = [
  { name: "hwm", type: "integer", default: 1, doc: "tasks", env: "HWM" },
  { name: "ip", type: "text", default: null, doc: "address" },
] as const;

describe("an option's value", () => {
  const profile = { file: "/p/config.ts", values: { hwm: 2 } };

  it("is the default when nobody says otherwise, or undefined without one", () => {
    expect(resolveOptions(TABLE, { env: {} })).toEqual({
      values: { hwm: 1, ip: undefined },
      origins: { hwm: { source: "default" }, ip: { source: "default" } },
    });
  });

  it("of the profile wins over the default, of the environment over the profile, of a flag over all", () => {
    expect(resolveOptions(TABLE, { env: {}, profile }).values.hwm).toBe(2);
    expect(resolveOptions(TABLE, { env: { HWM: "3" }, profile }).values.hwm).toBe(3);
    expect(resolveOptions(TABLE, { env: { HWM: "3" }, profile, given: { hwm: 4 } }).values.hwm).toBe(4);
  });

  it("tells where it came from", () => {
    expect(resolveOptions(TABLE, { env: {}, profile }).origins["hwm"]).toEqual({ source: "profile", file: "/p/config.ts" });
    expect(resolveOptions(TABLE, { env: { HWM: "3" } }).origins["hwm"]).toEqual({ source: "environment", variable: "HWM" });
    expect(resolveOptions(TABLE, { env: {}, given: { hwm: 4 } }).origins["hwm"]).toEqual({ source: "flag" });
  });

  it("that is given as undefined counts as not given", () => {
    expect(resolveOptions(TABLE, { env: {}, profile, given: { hwm: undefined } }).values.hwm).toBe(2);
  });

  it("of the environment that does not fit is refused, naming the variable", () => {
    expect(() => resolveOptions(TABLE, { env: { HWM: "many" } })).toThrow(new ConfigError('the environment variable HWM must be a whole number, not "many"'));
  });
});

describe("the content of a configuration file", () => {
  const read = (content: unknown): unknown => readConfig(CLUSTER_OPTIONS, content, "/p/ipcluster_config.ts");

  it("is flattened by section", () => {
    expect(read({ n: 8, engines: "local", controller: { ip: "*", logToFile: true, logLevel: "INFO" } })).toEqual({
      n: 8,
      engines: "local",
      "controller.ip": "*",
      "controller.logToFile": true,
      "controller.logLevel": "info",
    });
  });

  it("may leave options undefined", () => {
    expect(read({ n: undefined, controller: { ip: undefined } })).toEqual({});
  });

  it.each([
    [{ engine: { argz: [] } }, 'unknown option "engine.argz" in /p/ipcluster_config.ts; did you mean "engine.args"?'],
    [{ controler: {} }, 'unknown option "controler" in /p/ipcluster_config.ts; did you mean "controller"?'],
    [{ banana: 1 }, 'unknown option "banana" in /p/ipcluster_config.ts'],
    [{ n: "four" }, 'option "n" in /p/ipcluster_config.ts must be a whole number of engines from 0 to 100000, not "four"'],
    [{ controller: 3 }, 'option "controller" in /p/ipcluster_config.ts must be an object of options'],
    [[], "/p/ipcluster_config.ts must hold an object of options"],
    [null, "/p/ipcluster_config.ts must hold an object of options"],
  ])("that is wrong is refused in one sentence, with a suggestion where one is near (%#)", (content, message) => {
    expect(() => read(content)).toThrow(new ConfigError(message));
  });

  it("with keys of the object prototype is refused like any unknown one", () => {
    expect(() => read(JSON.parse('{"__proto__": 1}'))).toThrow(ConfigError);
    expect(() => read({ constructor: 1 })).toThrow(ConfigError);
  });
});
