import { describe, expect, it } from "vitest";
import { takeLauncherPid } from "../../../src/cli/launcher-pid.ts";

describe("the launcher's process id", () => {
  it("is taken out of the environment, so that nothing inherits it", () => {
    const env = { IPP_PARENT_PID: "4711", OTHER: "1" };
    expect(takeLauncherPid(env)).toBe(4711);
    expect(env).toEqual({ OTHER: "1" });
  });

  it.each([undefined, "", "0", "-3", "2.5", "pid"])("is none for %j", (text) => {
    expect(takeLauncherPid(text === undefined ? {} : { IPP_PARENT_PID: text })).toBe(null);
  });
});
