import { describe, expect, it } from "vitest";
import { keepingEnvironment, restoreEnvironment } from "../../../src/programs/index.ts";

const OURS = "glibc.malloc.mmap_threshold=134217728:glibc.malloc.trim_threshold=134217728:glibc.malloc.arena_max=1";

describe("the environment of programs that keep freed memory", () => {
  it.each(["2.34", "2.36", "3.0"])("has the allocator's tunables for glibc %s", (glibc) => {
    expect(keepingEnvironment({}, glibc)).toEqual({ GLIBC_TUNABLES: OURS, IPP_OUTER_GLIBC_TUNABLES: "" });
  });

  it.each([undefined, "", "2.33", "2.4", "1.99", "musl"])("stays as it is for glibc %j, where they would do nothing or harm", (glibc) => {
    expect(keepingEnvironment({}, glibc)).toBeUndefined();
  });

  it("keeps the user's tunables, which have the last word", () => {
    const own = "glibc.malloc.arena_max=4:glibc.cpu.x86_ibt=on";
    expect(keepingEnvironment({ GLIBC_TUNABLES: own }, "2.36")?.["GLIBC_TUNABLES"]).toBe(`${OURS}:${own}`);
  });

  it.each([{ PATH: "/bin" }, { PATH: "/bin", GLIBC_TUNABLES: "glibc.malloc.check=1" }])("is %j again for what the program itself starts", (outer) => {
    const env: NodeJS.ProcessEnv = { ...outer, ...keepingEnvironment(outer, "2.36") };
    restoreEnvironment(env);
    expect(env).toEqual(outer);
  });

  it("of a program that was started by anybody else is left alone", () => {
    const env = { GLIBC_TUNABLES: "glibc.malloc.check=1" };
    restoreEnvironment(env);
    expect(env).toEqual({ GLIBC_TUNABLES: "glibc.malloc.check=1" });
  });
});
