import { describe, expect, it } from "vitest";
import { chooseEngines, isSameHost, type EngineOfHost } from "../../../src/bakapara/hosts.ts";

const engine = (id: number, host: string | undefined, canRunJobs = true): EngineOfHost => ({ id, host, canRunJobs });
const LAB = [engine(0, "mezcal01.example"), engine(1, "mezcal01.example"), engine(2, "mezcal02.example")];

describe("chooseEngines", () => {
  it("without wishes any engine will do", () => {
    expect(chooseEngines(LAB, {})).toEqual({ type: "any" });
  });

  it("chooses the engines on the named hosts, by full or short name", () => {
    expect(chooseEngines(LAB, { hosts: ["mezcal01.example"] })).toEqual({ type: "some", ids: [0, 1] });
    expect(chooseEngines(LAB, { hosts: ["mezcal02", "elsewhere"] })).toEqual({ type: "some", ids: [2] });
  });

  it("a host that no engine has is refused, naming the hosts there are", () => {
    expect(chooseEngines(LAB, { hosts: ["tequila", "pulque"] })).toEqual({
      type: "none",
      error: "no engine runs on tequila, pulque; there are engines on mezcal01.example, mezcal02.example",
    });
  });

  it("keeps to the wanted engines", () => {
    expect(chooseEngines(LAB, { ids: [1, 2], hosts: ["mezcal01"] })).toEqual({ type: "some", ids: [1] });
    expect(chooseEngines(LAB, { ids: [7] })).toMatchObject({ type: "none" });
  });

  it("leaves out engines that cannot run shell jobs", () => {
    expect(chooseEngines([...LAB, engine(3, undefined, false)], {})).toEqual({ type: "some", ids: [0, 1, 2] });
    expect(chooseEngines([engine(0, "a", false)], {})).toMatchObject({ type: "none", error: expect.stringContaining("not TypeScript engines") });
    expect(chooseEngines([], {})).toMatchObject({ type: "none", error: expect.stringContaining("no engines") });
  });
});

describe("isSameHost", () => {
  it.each([
    ["a", "a", true],
    ["A.Example", "a.example", true],
    ["a", "a.example", true],
    ["a.example", "a.other", false],
    ["a", "ab", false],
    ["a", "b.a", false],
  ])("%s and %s: %s", (a, b, same) => {
    expect(isSameHost(a, b)).toBe(same);
    expect(isSameHost(b, a)).toBe(same);
  });
});
