// Clusters: start, connect, add engines, stop; the files that tell other processes what runs.

export { ClusterAdaptation, type AdaptOptions } from "./adapting.ts";
export { cleanLogs } from "./clean-logs.ts";
export {
  clusterFilePath,
  findClusterFiles,
  parseClusterFile,
  readClusterFile,
  type ClusterFacts,
  type ClusterFile,
  type EngineSetRecord,
  type Starter,
} from "./cluster-file.ts";
export { launcherOptions, planCluster, planGiven, type ClusterOptions, type ClusterPlan } from "./cluster-plan.ts";
export { findLogs, logNames, type ClusterLogs, type LogSource } from "./cluster-logs.ts";
export { Cluster } from "./cluster.ts";
export type { AddEnginesOptions, ClusterEnd, RestartOptions, RunOptions, ScaleOptions } from "./cluster-types.ts";
export { previewCluster } from "./preview-cluster.ts";
export { HubLink, type EngineNumbers } from "./hub-link.ts";
export { clusterName, type ClusterSource } from "./load-cluster.ts";
export { removeClusterFiles, traceController, type ControllerTrace } from "./stale-files.ts";
export { stopCluster, type StopOutcome } from "./stop-cluster.ts";
export { cleanProfile, surveyClusters, type Cleaned, type ClusterSummary } from "./survey.ts";
