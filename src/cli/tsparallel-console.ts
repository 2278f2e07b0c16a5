// `tsparallel console`: a REPL with a client. From a pipe it runs the whole input as one cell.

import { homedir } from "node:os";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { inspect } from "node:util";
import { isParallelError } from "../base/index.ts";
import type { Client } from "../client/index.ts";
import type { Cluster } from "../cluster/index.ts";
import { Cells, Magics, TerminalSession, type MagicHost } from "../interactive/index.ts";
import { wholeNumber } from "./cluster-flags.ts";
import { ownLibrary } from "./own-library.ts";
import { ExitError, Option, type Command } from "./program.ts";
import { addProfileOptions, profileChoice } from "./schema-options.ts";

/** Of the variables that the console makes. */
const TYPES = { rc: 'import("tsparallel").Client', dview: 'import("tsparallel").DirectView', lview: 'import("tsparallel").LoadBalancedView' } as const;

interface Connection extends AsyncDisposable {
  readonly rc: Client | undefined;
  /** Why there is no client. */
  readonly problem: string;
  connect(): Promise<Client>;
}

/** Adds `console` to `tsparallel`. */
export function addConsoleCommand(program: Command): void {
  const command = program
    .command("console")
    .description("TypeScript at a prompt: top-level await, %px, and rc, dview, lview of the running cluster")
    .option("--cluster-id <id>", "which cluster of the profile (default: the one without an id)")
    .option("--file <path>", "connection file of the client, instead of a profile")
    .addOption(
      new Option("-n, --n <engines>", "start a private cluster of so many engines, for as long as the console runs")
        .argParser(wholeNumber)
        .conflicts(["profile", "profileDir", "clusterId", "file"]),
    );
  addProfileOptions(command).action(async () => {
    await runConsole(command);
    // Timers, clients and clusters of cells are left with the prompt; a program from a pipe ends when it has nothing more to do.
    if (process.stdin.isTTY === true) process.exit();
  });
}

async function runConsole(command: Command): Promise<void> {
  await using connection = await open(command);
  const { rc } = connection;
  const variables = rc === undefined ? {} : { rc, dview: rc.directView("all"), lview: rc.loadBalancedView() };
  variables.dview?.activate();
  if (process.stdin.isTTY !== true) return await runInput(connection, variables);
  const engines =
    rc === undefined
      ? `${connection.problem}\n`
      : `${rc.length} engine${rc.length === 1 ? "" : "s"}; rc, dview and lview are ready, and %px runs code on all of them\n`;
  process.stdout.write(engines);
  const session = await TerminalSession.start(
    {
      input: process.stdin,
      output: process.stdout,
      historyFile: join(homedir(), ".tsparallel", "console-history"),
      types: TYPES,
      connect: () => connection.connect(),
    },
    variables,
  );
  await session.closed;
}

async function open(command: Command): Promise<Connection> {
  const { Client: ClientClass, Cluster: ClusterClass } = await ownLibrary();
  const { clusterId, file, n } = command.opts<{ clusterId?: string; file?: string; n?: number }>();
  const { profile, profileDir } = profileChoice(command);
  let cluster: Cluster | undefined;
  let rc: Client | undefined;
  const connect = async (): Promise<Client> => {
    rc ??= cluster === undefined ? await ClientClass.connect({ profile, profileDir, clusterId, file }) : await cluster.connect();
    return rc;
  };
  if (n !== undefined) cluster = await ClusterClass.start({ n, private: true });
  const problem = await connect().then(
    () => "",
    (error: unknown) => {
      // Much can be done without a cluster; who names one wants that one.
      if (!isParallelError(error) || file !== undefined || profile !== undefined || n !== undefined) throw error;
      return `no cluster: ${error.message}`;
    },
  );
  return {
    get rc() {
      return rc;
    },
    problem,
    connect,
    async [Symbol.asyncDispose]() {
      await rc?.close();
      await cluster?.stop();
    },
  };
}

/** Runs what comes through a pipe, shows its value, and fails with what it throws. */
async function runInput(connection: Connection, variables: Readonly<Record<string, unknown>>): Promise<void> {
  const interrupted = new AbortController();
  const listeners = new Set<() => void>();
  const host: MagicHost = {
    write: (stream, text) => void (stream === "stdout" ? process.stdout : process.stderr).write(text),
    globals: globalThis as unknown as Record<string, unknown>,
    types: TYPES,
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    connect: () => connection.connect(),
  };
  const onSignal = (): void => {
    if (listeners.size === 0) interrupted.abort(new ExitError(130, "interrupted"));
    for (const listener of listeners) listener();
  };
  process.on("SIGINT", onSignal);
  const cells = new Cells(new Magics(host));
  try {
    cells.define(variables);
    const { value, hasValue } = await cells.run(await readAll(process.stdin), { signal: interrupted.signal, breakOnSigint: true });
    if (hasValue && value !== undefined) process.stdout.write(`${inspect(value, { depth: 4 })}\n`);
  } catch (error) {
    if (error instanceof ExitError) throw error;
    process.stderr.write(`${error instanceof Error ? cells.stackOf(error) : inspect(error)}\n`);
    throw new ExitError(1, "");
  } finally {
    process.removeListener("SIGINT", onSignal);
  }
}
