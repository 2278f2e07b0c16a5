// Starting processes: the Launcher interface, its registry, the launcher for this machine.

export { startDaskScheduler, type DaskAddress, type DaskOptions, type DaskScheduler } from "./dask-scheduler.ts";
export { atProcessExit } from "./exit-guard.ts";
export { freePorts } from "./free-ports.ts";
export type {
  ClusterPlace,
  ControllerRequest,
  EnginesRequest,
  Launched,
  LaunchedController,
  LaunchedEngine,
  LaunchedEngines,
  Launcher,
  LauncherOptions,
  LaunchedProgram,
  ProgramRequest,
  LaunchRequest,
  ProcessExit,
} from "./launcher.ts";
export {
  readEngineSetState,
  readLauncherState,
  readProcessState,
  type EngineSetState,
  type EngineState,
  type LauncherState,
  type ProcessState,
} from "./launcher-state.ts";
export { ownScript } from "./local-launcher.ts";
export { lastSentence, outputTail, tailLines } from "./output-tail.ts";
export { identityOf, isAlive, startedOf, type ProcessIdentity } from "./process-identity.ts";
export { findLauncher, launcherName, launcherNames, loadLauncher, type LoadedLauncher, type LauncherPurpose } from "./registry.ts";
export { SshTunnel, type TunnelOptions } from "./ssh/ssh-tunnel.ts";
