import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { processExists, watchParent } from "../../../src/programs/index.ts";

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function idle(): ChildProcess & { readonly pid: number } {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  children.push(child);
  return child as ChildProcess & { readonly pid: number };
}

async function end(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

describe("a process", () => {
  it("exists until it has ended", async () => {
    const child = idle();
    expect(processExists(child.pid)).toBe(true);
    await end(child);
    expect(processExists(child.pid)).toBe(false);
  });

  it("exists also when it is another user's", () => {
    expect(processExists(1)).toBe(true);
  });
});

describe("the watch over a launcher", () => {
  it("calls once when the launcher has ended, though it is no direct parent", async () => {
    const child = idle();
    let calls = 0;
    const called = new Promise<void>((resolve) => {
      watchParent(
        child.pid,
        () => {
          calls += 1;
          resolve();
        },
        1,
      );
    });
    await end(child);
    await called;
    expect(calls).toBe(1);
  });

  it("calls when the launcher had ended before", async () => {
    const child = idle();
    await end(child);
    expect(await new Promise((resolve) => watchParent(child.pid, () => resolve("called"), 1))).toBe("called");
  });
});
