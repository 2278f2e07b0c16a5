// Error content (protocol §4.1): one shape for failures of the hub, the schedulers and the engines.

import type { EngineInfo, KernelFailure } from "../base/index.ts";
import { isDict, type Dict } from "./message.ts";

/** Makes the content of an error reply. Without engine, `engine_info` is `{}` as the reference writes it. */
export function errorContent(failure: KernelFailure): Dict {
  return {
    status: "error",
    ename: failure.ename,
    evalue: failure.evalue,
    traceback: failure.traceback ?? [],
    engine_info: failure.engineInfo === undefined ? {} : engineInfoDict(failure.engineInfo),
  };
}

/** `engine_info` on the wire: in error content it must have all three keys (§8.4). */
export function engineInfoDict(info: EngineInfo): Dict {
  return { engine_uuid: info.engineUuid, engine_id: info.engineId, method: info.method };
}

/** Reads error content; whatever a peer leaves out is filled in. */
export function readErrorContent(content: Dict): KernelFailure {
  const traceback = content["traceback"];
  return {
    ename: textOr(content["ename"], "UnknownError"),
    evalue: textOr(content["evalue"], ""),
    traceback: Array.isArray(traceback) ? traceback.filter((line): line is string => typeof line === "string") : [],
    engineInfo: readEngineInfo(content["engine_info"]),
  };
}

function readEngineInfo(value: unknown): EngineInfo | undefined {
  if (!isDict(value) || typeof value["engine_uuid"] !== "string") return undefined;
  const id = value["engine_id"];
  return { engineUuid: value["engine_uuid"], engineId: typeof id === "number" ? id : null, method: textOr(value["method"], "?") };
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}
