import { describe, expect, it } from "vitest";
import { ClosedError, RemoteError, TaskAborted } from "../../../src/base/index.ts";
import { RequestHandle } from "../../../src/client/request-handle.ts";
import { UnseenFailures } from "../../../src/client/unseen-failures.ts";

const info = (engineId: number): { engineUuid: string; engineId: number; method: string } => ({ engineUuid: `E${engineId}`, engineId, method: "apply" });

function failed(error: Error): RequestHandle {
  const handle = new RequestHandle(1, false);
  handle.fail(error);
  return handle;
}

describe("failures that nobody looked at", () => {
  it("are told in one sentence, with the place of the first", () => {
    const unseen = new UnseenFailures();
    expect(unseen.describe()).toBeUndefined();
    for (let engine = 0; engine < 3; engine += 1) {
      const traceback = ["TypeError: no", "    at f (job.ts:3:1)"];
      unseen.add(failed(new RemoteError({ ename: "TypeError", evalue: "no", traceback, engineInfo: info(engine) })));
    }
    expect(unseen.describe()).toBe(
      "tsparallel: 3 requests failed and nobody looked at the result: TypeError: no (3 times, on engines 0…2); " +
        "await or catch it, or connect with `tellUnseen: false`\n    at f (job.ts:3:1)\n",
    );
  });

  it("are told no more once somebody has looked", () => {
    const unseen = new UnseenFailures();
    const [one, other] = [failed(new RemoteError({ ename: "E", evalue: "1" })), failed(new RemoteError({ ename: "E", evalue: "2" }))];
    unseen.add(one);
    unseen.add(other);
    one.lookAtError();
    one.lookAtError();
    expect(unseen.describe()).toContain("1 request failed and nobody looked at the result: E: 2;");
    other.lookAtError();
    expect(unseen.describe()).toBeUndefined();
    unseen.add(other);
    expect(unseen.describe()).toBeUndefined();
  });

  it("do not count when their user brought them about", () => {
    const unseen = new UnseenFailures();
    unseen.add(failed(new TaskAborted("aborted")));
    unseen.add(failed(new ClosedError("closed")));
    expect(unseen.describe()).toBeUndefined();
  });

  it("are kept in a bounded number, and all counted", () => {
    const unseen = new UnseenFailures();
    const handles = Array.from({ length: 250 }, () => failed(new RemoteError({ ename: "E", evalue: "x" })));
    for (const handle of handles) unseen.add(handle);
    expect(unseen.describe()).toContain("250 requests failed and nobody looked at the result: E: x (100 times);");
    for (const handle of handles) handle.lookAtError();
    expect(unseen.describe()).toBeUndefined();
  });
});
