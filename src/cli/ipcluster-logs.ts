// `ipcluster logs`: what controller and engines of a cluster wrote, each line with its source before it.

import { setTimeout as sleep } from "node:timers/promises";
import { clusterFilePath, clusterName, findLogs, logNames, readClusterFile, type ClusterLogs, type LogSource } from "../cluster/index.ts";
import type { ProfileDir } from "../config/index.ts";
import { clusterRequest, requestedId } from "./cluster-flags.ts";
import { EXIT_NO_CLUSTER } from "./ipcluster-exit-codes.ts";
import { LineSink } from "./line-sink.ts";
import { LogFollower } from "./log-follower.ts";
import { ExitError, type Command } from "./program.ts";

/** How often files are looked at, and their directory. */
const POLL_MS = 200;
const RESCAN_MS = 1000;
/** An engine that has just been started gets its number, and thereby its name here, only when it has registered. */
const SCANS_FOR_NUMBER = 5;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Which logs, and how much of them. */
interface LogsOptions {
  readonly engine?: readonly string[];
  readonly controller?: boolean;
  readonly tail: number;
  readonly follow?: boolean;
}

/** Runs `ipcluster logs`. */
export async function logsCommand(command: Command): Promise<void> {
  const request = clusterRequest(command);
  const clusterId = requestedId(request);
  const options = command.opts<LogsOptions>();
  const printer = new LogPrinter(options.tail);
  const logs = await findLogs(request.profile, clusterId);
  const wanted = choose(logs, options, clusterName(request.profile, clusterId));
  for (const { name, path, place } of wanted) {
    if (path !== undefined) continue;
    process.stderr.write(`ipcluster: the log of ${name} is not on this machine; ${place === "" ? "nothing is kept of it" : `look at ${place}`}\n`);
  }
  printer.take(wanted);
  await printer.print();
  const known = logs.sources.filter(({ path }) => path !== undefined).length;
  if (options.follow === true) await follow(printer, options, { profile: request.profile, clusterId, known });
  printer.end();
  await printer.flushed();
}

function choose({ sources, isKnown }: ClusterLogs, options: LogsOptions, name: string): readonly LogSource[] {
  if (sources.length === 0) throw new ExitError(EXIT_NO_CLUSTER, isKnown ? `${name} has written no logs` : `${name} does not run, and no logs of it are here`);
  const { engine: engines = [], controller = false } = options;
  for (const engine of engines) {
    if (sources.some((source) => source.engines.includes(engine))) continue;
    const known = sources.filter(({ kind }) => kind === "engine").map((source) => source.name);
    throw new ExitError(1, `there is no log of an engine ${engine}; there are ${known.length === 0 ? "none of any" : `those of ${known.join(", ")}`}`);
  }
  return sources.filter((source) => isWanted(source, engines, controller));
}

function isWanted(source: LogSource, engines: readonly string[], isControllerWanted: boolean): boolean {
  if (engines.length === 0 && !isControllerWanted) return true;
  return (isControllerWanted && source.kind === "controller") || source.engines.some((engine) => engines.includes(engine));
}

/** Which cluster is followed, and how many of its logs were there. */
interface FollowedPlace {
  readonly profile: ProfileDir;
  readonly clusterId: string;
  readonly known: number;
}

/** Goes on until Ctrl-C, until nobody reads any more, or until the cluster is stopped. */
async function follow(printer: LogPrinter, options: LogsOptions, place: FollowedPlace): Promise<void> {
  const { profile, clusterId } = place;
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const name of SIGNALS) process.on(name, onSignal);
  let known = place.known;
  let scannedAt = performance.now();
  let scansLeft = 0;
  try {
    while (!stop.signal.aborted && !printer.hasFailed) {
      await printer.print();
      if (performance.now() - scannedAt >= RESCAN_MS) {
        scannedAt = performance.now();
        const count = (await logNames(profile, clusterId)).length;
        if (count !== known) scansLeft = SCANS_FOR_NUMBER;
        known = count;
        if (scansLeft > 0) {
          scansLeft -= 1;
          const { sources } = await findLogs(profile, clusterId);
          const hasName = ({ engines, kind }: LogSource): boolean => kind !== "engine" || engines.length > 1 || scansLeft === 0;
          printer.take(sources.filter((source) => isWanted(source, options.engine ?? [], options.controller ?? false) && hasName(source)));
        }
        if ((await readClusterFile(clusterFilePath(profile, clusterId))) === undefined) {
          await printer.print();
          process.stderr.write(`ipcluster: ${clusterName(profile, clusterId)} has ended\n`);
          return;
        }
      }
      await sleep(POLL_MS, undefined, { signal: stop.signal }).catch(() => undefined); // aborted: the loop ends
    }
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}

/** Prints lines of several files. */
class LogPrinter {
  readonly #sink = new LineSink(1, { isOwned: false });
  readonly #followers = new Map<string, { readonly name: string; readonly follower: LogFollower }>();
  readonly #tail: number;
  /** Not begun yet. */
  #fresh: string[] = [];
  #hasBegun = false;
  #width = 0;

  constructor(tail: number) {
    this.#tail = tail;
  }

  /** Nobody reads any more, or the disk is full. */
  get hasFailed(): boolean {
    return this.#sink.failure !== undefined;
  }

  /** Takes in logs that are not there yet. */
  take(sources: readonly LogSource[]): void {
    for (const { path, name } of sources) {
      if (path === undefined || this.#followers.has(path)) continue;
      this.#followers.set(path, { name, follower: new LogFollower(path) });
      this.#width = Math.max(this.#width, name.length);
      this.#fresh.push(path);
    }
  }

  /** Prints what there is that was not printed. */
  async print(): Promise<void> {
    // A log that appears while others are followed is new from its first line.
    const tail = this.#hasBegun ? Number.MAX_SAFE_INTEGER : this.#tail;
    const fresh = new Set(this.#fresh);
    this.#fresh = [];
    this.#hasBegun = true;
    for (const [path, { name, follower }] of this.#followers) {
      for (const line of fresh.has(path) ? follower.tail(tail) : follower.more()) this.#line(name, line);
      await this.#sink.drained();
    }
  }

  /** Prints last lines that have no end. */
  end(): void {
    for (const { name, follower } of this.#followers.values()) {
      const rest = follower.rest();
      if (rest !== "") this.#line(name, rest);
    }
  }

  async flushed(): Promise<void> {
    await this.#sink.flushed();
  }

  #line(name: string, line: string): void {
    this.#sink.line(`${name.padEnd(this.#width)} | ${line}`);
  }
}
