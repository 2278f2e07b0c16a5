// A cluster as one object: a controller and sets of engines, started by launchers, watched, and stopped so that nothing
// of it is left. What runs stands in the cluster file, for other processes.

import { rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { ClosedError, InvalidStateError, InvariantError, keepInProcess } from "../base/index.ts";
import type { Client, ConnectOptions } from "../client/index.ts";
import { connectionFilePath, ensureProfile, readConnectionFile, removeConnectionFiles } from "../config/index.ts";
import { atProcessExit, type LaunchedController, type LaunchedEngines, type ProcessExit } from "../launch/index.ts";
import { SILENT, type Logger } from "../log/index.ts";
import type { AdaptOptions, ClusterAdaptation } from "./adapting.ts";
import { cleanLogs, cleanMadeUp } from "./clean-logs.ts";
import { clusterFilePath, removeClusterFileNow, type ClusterFile } from "./cluster-file.ts";
import { findSetsOf } from "./cluster-life.ts";
import { planCluster, type ClusterOptions, type ClusterPlan } from "./cluster-plan.ts";
import { ClusterRecord } from "./cluster-record.ts";
import type { AddEnginesOptions, ClusterEnd, FromFileOptions, Phase, RestartOptions, RunOptions, ScaleOptions } from "./cluster-types.ts";
import { waitForConnectionFiles, type ConnectionFiles } from "./connection-wait.ts";
import { endOf, reasonOf } from "./failures.ts";
import { controllerRequest } from "./launch-requests.ts";
import { loadCluster, type ClusterSource } from "./load-cluster.ts";
import { clearStale } from "./stale-files.ts";
import { Upkeep } from "./upkeep.ts";

/**
 * A controller and its engines.
 *
 * @example
 * await using cluster = await Cluster.start({ n: 4 });
 * const rc = await cluster.connect();
 */
export class Cluster implements AsyncDisposable {
  readonly #plan: ClusterPlan;
  readonly #logger: Logger;
  readonly #record: ClusterRecord;
  /** Started by another process. */
  readonly #isFound: boolean;
  readonly #clients = new Set<Client>();
  #phase: Phase = "starting";
  #controller: LaunchedController | undefined;
  #upkeep: Upkeep | undefined;
  /** Ids of the sets that were there when the cluster was found. */
  #foundSets: ReadonlySet<string> = new Set();
  #stopping: Promise<void> | undefined;
  #unguard: () => void = () => undefined;
  #end!: (end: ClusterEnd) => void;
  /** Resolves when the cluster is gone; never rejects. Waiting for it does not keep the process alive. */
  readonly closed: Promise<ClusterEnd>;

  private constructor(plan: ClusterPlan, run: RunOptions, found?: ClusterFile) {
    this.#plan = plan;
    this.#logger = run.logger;
    this.#isFound = found !== undefined;
    this.#record = new ClusterRecord(plan, run.isDedicated, found);
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /**
   * Starts a controller and engines; resolves when all engines answer.
   *
   * @throws ConfigError for wrong options; InvalidStateError when the cluster runs already; ProcessExitedError when a process
   * ends before it is ready; TimeoutError; the signal's reason. Nothing is left running then.
   */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    return Cluster.run(await planCluster(options), { logger: options.logger ?? SILENT, signal: options.signal, isDedicated: false });
  }

  /** Carries out a plan; see `start`. */
  static async run(plan: ClusterPlan, options: RunOptions): Promise<Cluster> {
    const cluster = new Cluster(plan, options);
    await cluster.#start(options.signal);
    return cluster;
  }

  /**
   * The running cluster that a cluster file tells of. Stopping it stops what is found there; engines added here are looked
   * after by this process.
   *
   * @throws NotRunningError when there is none
   */
  static async fromFile(source: ClusterSource, options: FromFileOptions = {}): Promise<Cluster> {
    const { file, plan, controller, sets } = await loadCluster(source, options.given ?? {});
    const cluster = new Cluster(plan, { logger: options.logger ?? SILENT, isDedicated: false }, file);
    await cluster.#adopt(controller, sets);
    return cluster;
  }

  /** What tells it from other clusters of its profile; mostly empty, or an id made for it. */
  get clusterId(): string {
    return this.#plan.clusterId;
  }

  /** Name of the profile, or its path when it is not a named one. */
  get profile(): string {
    return this.#plan.profile.name;
  }

  /** Path of the profile directory. */
  get profileDir(): string {
    return this.#plan.profile.path;
  }

  /** Path of the cluster file. */
  get file(): string {
    return clusterFilePath(this.#plan.profile, this.#plan.clusterId);
  }

  /** Path of the file that clients connect with. */
  get connectionFile(): string {
    return connectionFilePath(this.#plan.profile, "client", this.#plan.clusterId);
  }

  /**
   * Process id of the controller.
   *
   * @throws InvalidStateError when it is not a process of this machine
   */
  get controllerPid(): number {
    const { pid } = this.#running().controller;
    if (pid === undefined) throw new InvalidStateError("the controller does not run on this machine");
    return pid;
  }

  /** Number of engines started here that run and have answered. */
  get engineCount(): number {
    return this.#running().upkeep.sets.answering;
  }

  /** Process ids of the engines that run on this machine, in the order they were started. */
  get enginePids(): number[] {
    return this.#running().upkeep.sets.running.flatMap(({ host, pid }) => (host === undefined && pid !== undefined ? [pid] : []));
  }

  /** Connects a client. It is closed with the cluster, at the latest. */
  async connect(options: Omit<ConnectOptions, "file" | "profile" | "profileDir" | "clusterId" | "connectionInfo"> = {}): Promise<Client> {
    this.#running();
    // Loaded when needed: `ipcluster` never connects a client, and starts quicker without.
    const { Client: ClientClass } = await import("../client/index.ts");
    const client = await ClientClass.connect({ ...options, file: this.connectionFile });
    this.#clients.add(client);
    void client.closed.then(() => this.#clients.delete(client)); // `closed` never rejects
    return client;
  }

  /**
   * Starts further engines; resolves when all of them answer.
   *
   * @throws as `start`; the cluster stays as it was then
   */
  async addEngines(n: number, options: AddEnginesOptions = {}): Promise<void> {
    const { workforce } = this.#running().upkeep;
    if (n > 0) await workforce.start(n, options);
  }

  /**
   * Brings the number of engines that the cluster's launchers run to `n`. Missing ones are started, as by `addEngines`. Of too many those
   * without work go first, and the newest of them: each gets no more tasks, ends what it has, direct requests too, and is then told
   * to end. No task is lost; the ids of the others stay. Resolves when so many answer, and the others are gone.
   *
   * @returns how many were added; negative: removed
   * @throws as `addEngines`; TimeoutError when the controller does not answer; InvalidStateError for engines that another program started;
   * LaunchError when an engine does not end
   */
  async scale(n: number, options: ScaleOptions = {}): Promise<number> {
    return this.#running().upkeep.scale(n, options);
  }

  /**
   * Ends engines, whatever they do, and starts as many by the same launcher; all of them unless ids are given. Resolves when the new ones
   * answer; they have new ids.
   *
   * @throws InvalidArgumentError for an id that is none; as `addEngines`, with the engines gone
   */
  async restart(ids?: readonly number[], options: RestartOptions = {}): Promise<void> {
    await this.#running().upkeep.restart(ids, options);
  }

  /**
   * Sends a signal to engines, all of them unless ids are given, e.g. `SIGINT` to interrupt what they do: by their launcher, or by the
   * controller where that cannot. Resolves when it was delivered.
   *
   * @throws InvalidArgumentError for an id that is none; LaunchError when it cannot be delivered
   */
  async signal(signal: NodeJS.Signals, ids?: readonly number[]): Promise<void> {
    await this.#running().upkeep.workforce.signal(signal, ids);
  }

  /**
   * Lets the number of engines follow the work, between `min` and `max`: added when tasks have waited for a while and every engine has work,
   * removed (as by `scale`) when they have long been idle. What cannot be done, because the launcher refuses, is told to `onError` and the
   * log, and tried again after waits that grow. It goes on until the result is stopped or disposed of, or the cluster ends.
   *
   * @throws InvalidArgumentError for options that cannot be; InvalidStateError when that is under way already
   */
  adapt(options: AdaptOptions): ClusterAdaptation {
    return this.#running().upkeep.adapt(options);
  }

  /**
   * Stops engines and controller (politely, then by force) and removes the files. Resolves when nothing runs any more. Idempotent.
   *
   * @throws LaunchError when a process survives even SIGKILL
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop({ reason: "stopped", message: "the cluster was stopped" });
    return this.#stopping;
  }

  /** Kills everything at once, without waiting, and removes the files: for the last moment of this process. */
  kill(): void {
    if (this.#phase === "stopped") return;
    this.#upkeep?.sets.kill();
    this.#controller?.kill();
    if (this.#record.isThere()) {
      if (!this.#plan.isReusing)
        for (const role of ["client", "engine"] as const) rmSync(connectionFilePath(this.#plan.profile, role, this.clusterId), { force: true });
      removeClusterFileNow(this.file);
    }
    if (this.#plan.isPrivate) rmSync(this.profileDir, { recursive: true, force: true });
  }

  /**
   * Stops the engines that this process added to a cluster it found, and leaves the rest of the cluster as it is. For a
   * cluster that this process started it is the same as `stop`.
   */
  async leave(): Promise<void> {
    if (!this.#isFound) return this.stop();
    this.#stopping ??= this.#leave({ reason: "stopped", message: "the engines added here were stopped" });
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    const { profile, configFile, n } = this.#plan;
    this.#logger.info("using profile", { profile: profile.name, directory: profile.path, ...(configFile === undefined ? {} : { config: configFile }) });
    await this.#claim();
    try {
      signal?.throwIfAborted();
      await this.#startController(signal);
      const { upkeep } = this.#running();
      const { workforce } = upkeep;
      if (n > 0) await workforce.start(n, { signal, enginesMin: Math.min(n, this.#plan.values.minEngines ?? n) });
      const pythons = this.#plan.values["python.n"];
      if (pythons > 0) await workforce.start(pythons, { signal, language: "python" });
      signal?.throwIfAborted();
      upkeep.begin();
    } catch (cause) {
      await this.stop();
      throw cause;
    }
  }

  /** Makes the profile this cluster's own place. Whatever fails here leaves files and processes of others alone. */
  async #claim(): Promise<void> {
    const { profile, values, isPrivate } = this.#plan;
    let isClaimed = false;
    try {
      await ensureProfile(profile);
      const stale = await this.#record.claim();
      isClaimed = true;
      await clearStale(this.#plan, stale, this.#logger);
      if (values.cleanLogs) await Promise.all([cleanLogs(profile, this.clusterId), cleanMadeUp(profile)]);
      this.#unguard = atProcessExit(() => this.kill());
      this.#logger.info("cluster file written", { file: this.file });
    } catch (cause) {
      if (isClaimed) await this.#record.remove();
      if (isPrivate) await rm(profile.path, { recursive: true, force: true });
      throw cause;
    }
  }

  async #startController(signal: AbortSignal | undefined): Promise<void> {
    const { launcher } = this.#plan.controllerLauncher;
    this.#logger.info("starting the controller", { launcher: launcher.name });
    const controller = await launcher.startController?.(controllerRequest(this.#plan, { logger: this.#logger, signal }));
    if (controller === undefined) throw new InvariantError(`the launcher ${launcher.name} starts no controllers`); // the plan has refused it
    this.#controller = controller;
    await this.#record.save(() => ({ controller: controller.toState() }));
    const { client, engine } = await waitForConnectionFiles(this.#plan, controller, signal);
    this.#follow(controller, { client, engine }, []);
    this.#logger.info("controller is ready", {
      ...(controller.pid === undefined ? {} : { pid: controller.pid }),
      address: `${client.interface}:${client.registration}`,
      log: controller.log,
    });
  }

  /** From here on the cluster counts as running, and the controller's end as the cluster's. */
  #follow(controller: LaunchedController, info: ConnectionFiles, found: readonly LaunchedEngines[]): void {
    this.#controller = controller;
    this.#upkeep = new Upkeep({ plan: this.#plan, record: this.#record, controller, info, logger: this.#logger });
    for (const set of found) this.#upkeep.sets.add(set);
    this.#phase = "running";
    void controller.exited.then((exit) => this.#onControllerEnd(exit)); // `exited` never rejects
  }

  #onControllerEnd(exit: ProcessExit): void {
    if (this.#phase !== "running") return;
    const isOrderly = exit.exitCode === 0 || exit.signal === "SIGTERM" || (exit.exitCode === null && exit.signal === null && exit.how === undefined);
    const reason = reasonOf(exit);
    const message = `the controller ${endOf(exit)}${isOrderly || reason === undefined ? "" : `: ${reason}`}`;
    if (!isOrderly) this.#logger.error("controller ended unexpectedly", { how: endOf(exit), reason: reason ?? "" });
    const end: ClusterEnd = { reason: isOrderly ? "shutdown" : "failed", message };
    // The files of a cluster that another process started are that process's to remove.
    this.#stopping ??= this.#isFound ? this.#leave(end) : this.#stop(end);
    this.#stopping.catch((cause: unknown) => this.#logger.error("stopping failed", { cause }));
  }

  async #adopt(controller: LaunchedController, sets: readonly LaunchedEngines[]): Promise<void> {
    const { profile, clusterId } = this.#plan;
    const info = await readConnectionFile("client", this.connectionFile, { waitMs: 0 });
    const engine = await readConnectionFile("engine", connectionFilePath(profile, "engine", clusterId), { waitMs: 0 });
    this.#foundSets = new Set(sets.map((set) => set.setId));
    this.#follow(controller, { client: info, engine }, sets);
    this.#unguard = atProcessExit(() => {
      for (const set of this.#added()) set.kill();
    });
  }

  /** Sets that this process started. */
  #added(): LaunchedEngines[] {
    return (this.#upkeep?.sets.sets ?? []).filter((set) => !this.#foundSets.has(set.setId));
  }

  async #leave(end: ClusterEnd): Promise<void> {
    this.#phase = "stopping";
    await this.#upkeep?.stop();
    await this.#closeClients(end);
    const added = this.#added();
    const outcomes = await Promise.allSettled(added.map(async (set) => this.#upkeep?.sets.stop(this.#plan.values.stopTimeoutMs, set)));
    for (const set of added) await this.#record.dropSet(set.setId);
    // The cluster goes on: "stopped" would say too much.
    if (added.length > 0) this.#logger.info("the engines that were added are stopped");
    this.#finish(end, outcomes);
  }

  #running(): { readonly controller: LaunchedController; readonly upkeep: Upkeep } {
    const [controller, upkeep] = [this.#controller, this.#upkeep];
    if (this.#phase !== "running" || controller === undefined || upkeep === undefined) throw new ClosedError("the cluster does not run any more");
    return { controller, upkeep };
  }

  async #stop(end: ClusterEnd): Promise<void> {
    this.#phase = "stopping";
    const graceMs = this.#plan.values.stopTimeoutMs;
    this.#logger.info("stopping engines and controller");
    await this.#upkeep?.stop();
    await this.#closeClients(end);
    const outcomes = await Promise.allSettled([this.#upkeep?.sets.stop(graceMs), this.#stopOthers(graceMs)]);
    outcomes.push(...(await Promise.allSettled([this.#controller?.stop(graceMs)])));
    const hasLeft = outcomes.some((outcome) => outcome.status === "rejected");
    outcomes.push(...(await Promise.allSettled([this.#removeFiles(hasLeft)])));
    this.#logger.info("stopped");
    this.#finish(end, outcomes);
  }

  /** A client that cannot close must not keep processes alive. */
  async #closeClients(end: ClusterEnd): Promise<void> {
    const isGone = end.reason !== "stopped";
    await Promise.allSettled([...this.#clients].map((client) => (isGone ? client.giveUp(end.message) : client.close())));
  }

  #finish(end: ClusterEnd, outcomes: readonly PromiseSettledResult<unknown>[]): void {
    this.#phase = "stopped";
    this.#unguard();
    this.#end(end);
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** Stops the engine sets that other processes added. */
  async #stopOthers(graceMs: number): Promise<void> {
    const own = new Set((this.#upkeep?.sets.sets ?? []).map((set) => set.setId));
    const others = await findSetsOf(await this.#record.otherSets(own), this.#plan.engineLauncher.id);
    await Promise.all(others.map((set) => set.stop(graceMs)));
  }

  /** @param hasLeft something could not be stopped: the cluster file stays and tells of it, for another try */
  async #removeFiles(hasLeft: boolean): Promise<void> {
    const { profile, isPrivate, isReusing } = this.#plan;
    if (hasLeft) await this.#upkeep?.workforce.save();
    await this.#record.remove(async () => {
      if (!isReusing) await removeConnectionFiles(profile, this.clusterId);
    }, hasLeft);
    if (isPrivate) await rm(profile.path, { recursive: true, force: true });
  }

  /** `<Cluster: running, 4 engines>`. */
  toString(): string {
    return `<Cluster: ${this.#phase}${this.#phase === "running" ? `, ${this.engineCount} engine${this.engineCount === 1 ? "" : "s"}` : ""}>`;
  }
}

keepInProcess(Cluster, "submit from here; an engine finds the cluster's controller by `Client.connect()`");
