import { describe, expect, it } from "vitest";
import { engineUuid } from "../../../src/base/index.ts";
import { iopub, readAbortRequest, readExecuteRequest, readSignalRequest, readUnregistrationUuid, replyMetadata, replyType } from "../../../src/wire/index.ts";

describe("execute_request", () => {
  it("has the reference's defaults", () => {
    expect(readExecuteRequest({ code: "1" })).toEqual({ code: "1", silent: false, storeHistory: true, stopOnError: true, userExpressions: new Map() });
    expect(readExecuteRequest({ code: "1", silent: true })).toMatchObject({ silent: true, storeHistory: false });
    expect(readExecuteRequest({ code: "1", silent: true, store_history: true, stop_on_error: false, user_expressions: { a: "b", c: 5 } })).toEqual({
      code: "1",
      silent: true,
      storeHistory: true,
      stopOnError: false,
      userExpressions: new Map([["a", "b"]]),
    });
  });

  it("without code is named", () => {
    expect(readExecuteRequest({})).toBe("content.code must be a text");
  });
});

describe("control contents", () => {
  it.each([
    [{ msg_ids: ["a", "b"] }, ["a", "b"]],
    [{ msg_ids: "a" }, ["a"]],
    [{ msg_ids: [] }, "all"],
    [{ msg_ids: null }, "all"],
    [{}, "all"],
    [{ msg_ids: [1, "x"] }, ["x"]],
  ])("abort_request %j means %j", (content, ids) => {
    expect(readAbortRequest(content)).toEqual(ids);
  });

  it("signals are numbers or texts", () => {
    expect([{ sig: 2 }, { sig: "SIGINT" }, { sig: [2] }, {}].map(readSignalRequest)).toEqual([2, "SIGINT", undefined, undefined]);
  });

  it("an engine may be unregistered by its uuid", () => {
    expect([{ uuid: "u" }, { uuid: 5 }, {}].map(readUnregistrationUuid)).toEqual(["u", undefined, undefined]);
  });
});

describe("replies", () => {
  it("are named after their request", () => {
    expect(["apply_request", "execute_request", "odd"].map(replyType)).toEqual(["apply_reply", "execute_reply", "odd_reply"]);
  });

  it("copy the request's marks and tell the engine", () => {
    const facts = { started: "t", status: "ok", engineUuid: engineUuid("u"), engineId: 4, host: "h" } as const;
    expect(replyMetadata({}, facts)).toEqual({
      started: "t",
      dependencies_met: true,
      engine: "u",
      is_broadcast: false,
      is_coalescing: false,
      original_msg_id: "",
      label: null,
      status: "ok",
      host: "h",
    });
    expect(
      replyMetadata(
        { label: "l", is_broadcast: true, is_coalescing: true, original_msg_id: "o", targets: ["x"] },
        { ...facts, status: "error", ename: "UnmetDependency" },
      ),
    ).toEqual({
      started: "t",
      dependencies_met: false,
      engine: "u",
      is_broadcast: true,
      is_coalescing: true,
      original_msg_id: "o",
      label: "l",
      status: "error",
      host: "h",
      engine_info: { engine_uuid: "u", engine_id: 4 },
    });
  });
});

describe("iopub", () => {
  it("has the reference's topics", () => {
    const messages = [
      iopub.status(1, "busy"),
      iopub.executeInput(1, "c", 2),
      iopub.stream(1, "stderr", "t"),
      iopub.displayData(1, {}),
      iopub.executeResult(1, {}, 2),
      iopub.error(1, { ename: "E", evalue: "v" }),
      iopub.data(["k"]),
      iopub.shutdown(1),
    ];
    expect(messages.map((message) => `${message.topic} ${message.msgType}`)).toEqual([
      "engine.1.status status",
      "engine.1.execute_input execute_input",
      "engine.1.stderr stream",
      "engine.1.displaypub display_data",
      "engine.1.execute_result execute_result",
      "engine.1.error error",
      "datapub data_message",
      "engine.1.shutdown shutdown_reply",
    ]);
  });
});
