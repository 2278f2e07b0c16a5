// The client's machine: outstanding requests, replies, output, engines known, and the rules by which results complete.

export type { AnswerOutcome, ClientEffect, ClientEvent } from "./client-events.ts";
export { ClientMachine, type ClientCounters, type ClientTransition } from "./client-machine.ts";
export { ControllerWatch, type WatchConfig, type WatchEffect, type WatchEvent } from "./controller-watch.ts";
export { finishedItems, isAllOk, isComplete, serialSeconds, totalItems, wallSeconds, type PartTimes, type ResultPart } from "./completion.ts";
export { EngineDirectory, type DirectoryChanges, type EngineFacts } from "./engine-directory.ts";
export { languageOf, type EngineLanguage } from "./engine-language.ts";
export { applyOutput, DISPLAYS_MAX, outputOf, overwriteLines, STREAM_CHARS_MAX, type OutputChange } from "./output.ts";
export { autoChunkSize, blockSpans, CHUNK_ITEMS_MAX, chunkSpans, CHUNKS_PER_ENGINE, interleave, roundRobin, type Span } from "./partition.ts";
export { DEFAULT_RECENT, RecentRequests, type RecentLimits } from "./recent-requests.ts";
export { answeredId, expectsOutput, noteEngine, noteReply, outcomeOf, type RequestOutcome } from "./reply.ts";
export {
  RequestRecord,
  type DisplayOutput,
  type RequestChannel,
  type RequestFacts,
  type CallKind,
  type RequestOutput,
  type RequestState,
} from "./request-record.ts";
export { DEFAULT_WINDOW, SendWindow, type Windowed, type WindowLimits } from "./send-window.ts";
export { isOpenTargets, pickSlice, resolveTargets, type EngineSelector, type Targets } from "./targets.ts";
