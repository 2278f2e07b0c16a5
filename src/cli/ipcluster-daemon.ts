// `--daemonize` of `ipcluster start` and `ipcluster engines`: this process starts a second one, which does the work in the background,
// waits for its word that all is ready or why not, and ends.

import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LaunchError } from "../base/index.ts";
import type { ClusterPlan } from "../cluster/index.ts";
import { ensureProfile, fileFailure } from "../config/index.ts";
import { lastSentence, outputTail } from "../launch/index.ts";
import { createLogger, fdWriter, type LogEntry, type Logger } from "../log/index.ts";
import { findBundle } from "../programs/index.ts";
import { commandLogger } from "./cluster-flags.ts";
import { Interruption } from "./interruption.ts";
import { ExitError } from "./program.ts";
import { runCluster, type RunParts } from "./run-cluster.ts";

/** What the background process says to the one in front, once. */
type Word = { readonly ready: string } | { readonly failed: string; readonly exitCode: number };

/** Where a background process belongs. */
interface Place extends Pick<ClusterPlan, "profile" | "clusterId"> {
  readonly values: Pick<ClusterPlan["values"], "logLevel">;
}

/**
 * Starts the background process and waits for its word.
 *
 * @param hint follows that word: how to end what is in the background
 */
export async function daemonize(plan: Place, hint: string): Promise<void> {
  await ensureProfile(plan.profile);
  const logger = commandLogger(plan.values.logLevel);
  const startLog = logPath(plan, `${process.pid}-start`);
  const fd = openLog(startLog);
  const script = findBundle("ipcluster") ?? fileURLToPath(new URL("./bin/ipcluster.js", import.meta.url));
  const child = spawn(process.execPath, [script, ...supervisedArgv()], { detached: true, stdio: ["ignore", fd, fd, "ipc"] });
  closeSync(fd);
  // The file belongs to the process that writes it, and is called after it.
  const log = logPath(plan, String(child.pid));
  if (child.pid !== undefined) renameSync(startLog, log);
  using interruption = new Interruption(logger); // Before it is announced: Ctrl-C may come with the announcement.
  interruption.signal.addEventListener("abort", () => child.kill("SIGINT"), { once: true });
  logger.info("starting in the background", { pid: child.pid, log });
  const word = await wordOf(child, log);
  if ("failed" in word) throw new ExitError(word.exitCode, word.failed);
  child.disconnect();
  child.unref();
  logger.info(`${word.ready}; ${hint}`);
}

/** The same command line for the background process. */
function supervisedArgv(): string[] {
  const argv = process.argv.slice(2);
  const at = argv.indexOf("--");
  return at < 0 ? [...argv, "--supervised"] : [...argv.slice(0, at), "--supervised", ...argv.slice(at)];
}

function wordOf(child: ChildProcess, log: string): Promise<Word> {
  return new Promise((resolve) => {
    let failure: Word | undefined;
    child.once("error", (cause) => resolve({ failed: `cannot start the background process: ${fileFailure(cause)}`, exitCode: 1 }));
    child.on("message", (word: Word) => {
      // After a failure the background process is still cleaning up: its end is waited for.
      if ("ready" in word) resolve(word);
      else failure = word;
    });
    child.once("exit", (code, signal) => {
      const words = lastSentence(outputTail(log)) ?? "it said nothing";
      resolve(failure ?? { failed: `the background process ended (${signal ?? `exit status ${code}`}) before it was ready: ${words}`, exitCode: 1 });
    });
  });
}

/** Runs the cluster in the background process. */
export async function supervise(plan: ClusterPlan): Promise<void> {
  await inBackground(plan, (parts) => runCluster(plan, parts));
}

/** Does what was asked for in the background process, and tells the one in front when it is ready, or why it failed. */
export async function inBackground({ values }: Pick<Place, "values">, work: (parts: RunParts) => Promise<void>): Promise<void> {
  const logger = commandLogger(values.logLevel);
  logger.info("running in the background", { pid: process.pid });
  using interruption = new Interruption(logger);
  // Until ready, the process in front is the one that wants this; without it nobody would hear of a failure.
  const onAlone = (): void => interruption.interrupt(new ExitError(1, "the process that asked for this is gone; everything was stopped"));
  process.once("disconnect", onAlone);
  try {
    await work({
      logger,
      interruption,
      onReady: (ready) => {
        process.off("disconnect", onAlone);
        tell({ ready });
      },
    });
  } catch (cause) {
    const failed = cause instanceof Error ? cause.message : String(cause);
    tell({ failed, exitCode: cause instanceof ExitError ? cause.exitCode : 1 });
    throw cause;
  } finally {
    if (process.connected) process.disconnect();
  }
}

function tell(word: Word): void {
  // Nobody listens any more when the process in front was killed; the log has it all.
  if (process.connected) process.send?.(word);
}

/** Log lines on standard error and in the log directory. */
export async function loggerWithFile(plan: ClusterPlan): Promise<Logger> {
  await ensureProfile(plan.profile);
  const file = fdWriter(openLog(logPath(plan, String(process.pid))));
  const terminal = fdWriter(2);
  return createLogger(
    "ipcluster",
    (entry: LogEntry) => {
      terminal(entry);
      file(entry);
    },
    plan.values.logLevel,
  );
}

function logPath(plan: Place, tag: string): string {
  return join(plan.profile.logDir, `ipcluster-${plan.clusterId === "" ? "" : `${plan.clusterId}-`}${tag}.log`);
}

function openLog(path: string): number {
  try {
    return openSync(path, "a", 0o600);
  } catch (cause) {
    throw new LaunchError(`cannot write the log file ${path}: ${fileFailure(cause)}`, { cause });
  }
}
