// What becomes of requests that were under way when the controller went, once a controller is there again and its Hub was
// asked for them. What the store has finished is taken from there before; this is about the rest.
//
//             the same life, Hub knows it    the same life, unknown       another life
//   mux       waits for its reply            engine is asked              engine is asked, or failed if it is not there
//   task      waits for its reply            failed                       failed
//   broadcast waits for its reply            failed                       failed
//
// What still waits here to be sent goes out, unless an engine that it names is not there any more.
//
// A scheduler's queue dies with it, so that nobody will answer its tasks. An engine's queue does not: requests that were sent to
// that engine may be answered still. Engines answer in the order in which they were asked, so one more question behind them, a
// fence, tells: what is unanswered when the fence is answered never arrived, or its reply was lost on the way.

import type { EngineUuid } from "../../base/index.ts";
import type { RequestOutcome } from "./reply.ts";
import type { RequestRecord } from "./request-record.ts";

/** What is to be done about one request. */
export type Verdict =
  | { readonly type: "wait" }
  | { readonly type: "fence"; readonly engine: EngineUuid }
  | { readonly type: "fail"; readonly outcome: RequestOutcome };

/** What is known when the verdicts fall. */
export interface ResumptionFacts {
  readonly isSameLife: boolean;
  /** Ids that the Hub knows and that have no result. */
  readonly pending: ReadonlySet<string>;
  readonly isThere: (engine: EngineUuid) => boolean;
}

const WAIT: Verdict = { type: "wait" };
const MAY_RUN = "it may have run, or run still; submit it again if that does no harm";

/** The verdict about one request without a result. */
export function judge(record: RequestRecord, { isSameLife, pending, isThere }: ResumptionFacts): Verdict {
  if (record.state === "waiting") return record.targets.every(isThere) ? WAIT : fail("it was not sent, because its engine is not there any more");
  if (isSameLife && pending.has(record.msgId)) return WAIT;
  const [engine] = record.targets;
  if (record.channel === "mux" && engine !== undefined) {
    if (isThere(engine)) return { type: "fence", engine };
    const who = isSameLife
      ? "its engine left while the connection to the controller was down"
      : "the controller was restarted and its engine did not come back";
    return fail(`${who}; ${MAY_RUN}`);
  }
  if (isSameLife) return fail(`the connection to the controller was lost, and the request or its reply with it; ${MAY_RUN}`);
  return fail(`the controller was restarted and its queue was lost; ${MAY_RUN}`);
}

/** How a request ends that an engine has passed over. */
export const PASSED_OVER: RequestOutcome = {
  type: "controllerLost",
  reason: `the request or its reply was lost with the controller, and its engine does not have it any more; ${MAY_RUN}`,
};

function fail(reason: string): Verdict {
  return { type: "fail", outcome: { type: "controllerLost", reason } };
}
