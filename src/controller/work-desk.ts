// Answers what is asked about work and about engines that are to go: by the cluster that starts and stops them.

import type { EngineUuid } from "../base/index.ts";
import { errorContent, readDrainRequest, workReply, type Dict } from "../wire/index.ts";
import type { TaskRouter } from "./task-router.ts";

/** Whom the desk asks in its turn. */
export interface WorkDeskParts {
  readonly tasks: Pick<TaskRouter, "drain" | "workload">;
  /** Direct requests that an engine has not answered. */
  readonly direct: (engine: EngineUuid) => number;
}

/** The content of the answer; `undefined` for other questions. */
export function answerAboutWork(msgType: string, content: Dict, { tasks, direct }: WorkDeskParts): Dict | undefined {
  if (msgType === "drain_request") {
    const request = readDrainRequest(content);
    if (typeof request === "string") return errorContent({ ename: "ValueError", evalue: request });
    tasks.drain(request);
  } else if (msgType !== "workload_request") return undefined;
  const { waiting, engines } = tasks.workload();
  return workReply(
    waiting,
    engines.map(({ engine, ...work }) => [engine, { ...work, direct: direct(engine) }]),
  );
}
