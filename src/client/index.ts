// The client: connect to a cluster, get views, call functions, wait for results.

export { activeViews } from "./active-views.ts";
export { AsyncHubResult } from "./async-hub-result.ts";
export { AsyncMapResult } from "./async-map-result.ts";
export { AsyncResult, type GetOptions, type ItemOptions } from "./async-result.ts";
export { BroadcastView, type BroadcastOptions } from "./broadcast-view.ts";
export type { CancelOutcome, CancelOutcomes } from "./cancel.ts";
export type { ItemOf, RemoteArgs, RemoteCallable, Sequences } from "./call-types.ts";
export { Client, type ClientEvents, type ShutdownOptions } from "./client.ts";
export { resultLabel, writeRich, type EngineOutput, type OutputSink } from "./engine-output.ts";
export type { EngineEvent } from "./engine-events.ts";
export type { ConnectOptions } from "./connect.ts";
export { Dependency, type DependencyLike, type DependencyOptions, type TaskSource } from "./dependency.ts";
export { DirectView, type DirectViewOptions, type ExecuteOptions, type PerEngine, type ScatterOptions, type ViewResult } from "./direct-view.ts";
export type { DisplayOptions, OutputGroups } from "./display-outputs.ts";
export { dependent, depend, require, type DependentFunction } from "./functional-dependencies.ts";
export {
  Explanation,
  type AwaitedTask,
  type EngineName,
  type ExplanationAttempts,
  type ExplanationFacts,
  type ExplanationReason,
  type ExplanationState,
} from "./explanation.ts";
export { ViewExecutor, type ExecutorEnd, type ExecutorOptions } from "./executor.ts";
export { ExecuteReply } from "./execute-reply.ts";
export type { DbQuery, EngineQueue, EngineQueueIds, QueueStatus, StoredRecord, VerboseQueueStatus } from "./hub-queries.ts";
export { ImapIterator, type AnyIterable, type ImapOptions } from "./imap.ts";
export type { Jobs } from "./jobs.ts";
export type { ControllerReturn } from "./link-life.ts";
export { LoadBalancedView, type LoadBalancedOptions } from "./load-balanced-view.ts";
export type { RequestMetadata } from "./metadata.ts";
export type { ParallelFunction, RemoteFunction } from "./remote-function.ts";
export type { Arity, ItemOrder, OrErrors, Per, ReturnWhen } from "./result-shape.ts";
export type { WaitOptions } from "./wait-for.ts";
export type { InteractiveOptions } from "./wait-interactive.ts";
