// Clusters: start, connect, add engines, stop; the files that tell other processes what runs.

export {
  clusterFilePath,
  findClusterFiles,
  isRunning,
  lifeOf,
  parseClusterFile,
  readClusterFile,
  type ClusterFacts,
  type ClusterFile,
  type ClusterLife,
  type Starter,
} from "./cluster-file.ts";
export { planCluster, planGiven, type ClusterOptions, type ClusterPlan } from "./cluster-plan.ts";
export { Cluster, type AddEnginesOptions, type ClusterEnd, type RunOptions } from "./cluster.ts";
export { HubLink, type EngineNumbers } from "./hub-link.ts";
export { clusterName, type ClusterSource } from "./load-cluster.ts";
export { livingProcesses, removeClusterFiles, traceController, type ControllerTrace } from "./stale-files.ts";
export { stopCluster, type StopOutcome } from "./stop-cluster.ts";
export { cleanProfile, surveyClusters, type Cleaned, type ClusterSummary } from "./survey.ts";
