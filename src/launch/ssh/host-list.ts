// The hosts of a configuration: read, checked, and given their shares of the engines.

import { ConfigError } from "../../base/index.ts";
import { didYouMean } from "../../config/index.ts";
import { isObject, textOf } from "../launcher-state.ts";
import type { LauncherOptions } from "../launcher.ts";

/** How to log in to a host. */
export interface SshTarget {
  readonly host: string;
  /** Empty: as ssh's own configuration has it. */
  readonly user: string;
  /** 0: as ssh's own configuration has it. */
  readonly port: number;
  /** Program and first arguments. */
  readonly ssh: readonly string[];
  readonly sshArgs: readonly string[];
  /** Node's program there; empty: looked for. */
  readonly node: string;
  readonly connectMs: number;
}

/** A host with engines. */
export interface EngineHost {
  readonly target: SshTarget;
  readonly n: number;
  /** Program and first arguments; empty: as everywhere. */
  readonly command: readonly string[];
  readonly engineArgs: readonly string[];
}

const HOST_KEYS = ["n", "user", "port", "engineArgs", "command", "node", "sshArgs"];
const ENGINES_MAX = 100_000;

/**
 * The target that `[user@]host[:port]` means.
 *
 * @throws ConfigError when it is none
 */
export function readTarget(text: string, options: LauncherOptions, where: string): SshTarget {
  const match = /^(?:([^@\s]+)@)?(\[[0-9A-Fa-f:.%]+\]|[^:@\s]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)(?::(\d{1,5}))?$/.exec(text);
  const [, user = "", host = "", port = "0"] = match ?? [];
  // A name that begins like an option would be taken for one by ssh.
  if (match === null || host.startsWith("-") || user.startsWith("-") || Number(port) > 65_535)
    throw new ConfigError(`${where}: "${text}" is no host; write [user@]host[:port]`);
  return {
    host: host.replace(/^\[(.*)\]$/, "$1"),
    user,
    port: Number(port),
    ssh: texts(options["command"], ["ssh"]),
    sshArgs: texts(options["args"], []),
    node: textOf(options["node"]),
    connectMs: typeof options["connectTimeoutMs"] === "number" ? options["connectTimeoutMs"] : 10_000,
  };
}

/**
 * The hosts of `ssh.engines`, in their order.
 *
 * @throws ConfigError when there are none, or one cannot be understood
 */
export function readHosts(options: LauncherOptions): EngineHost[] {
  const { engines } = options;
  const where = `option "ssh.engines"`;
  if (!isObject(engines) || Object.keys(engines).length === 0)
    throw new ConfigError(`no hosts for engines: name them in ipcluster_config, e.g. ssh: { engines: { "node1": 4, "me@node2": 4 } }`);
  return Object.entries(engines).map(([name, value]) => {
    const target = readTarget(name, options, where);
    if (typeof value === "number") return { target, n: countOf(value, name), command: [], engineArgs: [] };
    if (!isObject(value)) throw new ConfigError(`${where}: "${name}" must be a number of engines or an object such as { n: 4 }`);
    return readHost(target, name, value);
  });
}

function readHost(target: SshTarget, name: string, value: Record<string, unknown>): EngineHost {
  const unknown = Object.keys(value).find((key) => !HOST_KEYS.includes(key));
  if (unknown !== undefined) throw new ConfigError(`unknown option "${unknown}" of the host "${name}" in "ssh.engines"${didYouMean(unknown, HOST_KEYS)}`);
  const { n = 1, user = target.user, port = target.port, node = target.node } = value;
  const refuse = (key: string, expected: string): never => {
    throw new ConfigError(`option "${key}" of the host "${name}" in "ssh.engines" must be ${expected}`);
  };
  const list = (key: string): readonly string[] => (isTexts(value[key] ?? []) ? ((value[key] ?? []) as string[]) : refuse(key, "a list of texts"));
  if (typeof user !== "string" || user.startsWith("-")) return refuse("user", "a user's name");
  if (typeof node !== "string") return refuse("node", "the path of a program");
  if (typeof port !== "number" || !Number.isInteger(port) || port < 0 || port > 65_535) return refuse("port", "a port's number");
  return {
    target: { ...target, user, port, node, sshArgs: [...target.sshArgs, ...list("sshArgs")] },
    n: countOf(n, name),
    command: list("command"),
    engineArgs: list("engineArgs"),
  };
}

function countOf(value: unknown, name: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= ENGINES_MAX) return value;
  throw new ConfigError(`the number of engines of the host "${name}" in "ssh.engines" must be a whole number from 0 to ${ENGINES_MAX}`);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

const texts = (value: unknown, fallback: readonly string[]): readonly string[] => (isTexts(value) && value.length > 0 ? value : fallback);

/** Number of engines that the configuration names. */
export function totalOf(hosts: readonly EngineHost[]): number {
  return hosts.reduce((sum, { n }) => sum + n, 0);
}

/**
 * How many engines each host gets when `n` are wanted: its number when that is what the hosts have together; else engine by engine
 * in turn, to hosts that have room first and then in further rounds of the same kind.
 */
export function sharesOf(hosts: readonly EngineHost[], n: number): number[] {
  const total = totalOf(hosts);
  if (total === 0) return hosts.map(() => 0);
  const rounds = Math.floor(n / total);
  const shares = hosts.map((host) => host.n * rounds);
  let left = n - rounds * total;
  for (let turn = 0; left > 0; turn += 1) {
    for (const [at, host] of hosts.entries()) {
      if (left === 0 || host.n <= turn) continue;
      shares[at] = (shares[at] ?? 0) + 1;
      left -= 1;
    }
  }
  return shares;
}

/** A target for people: `user@host:port`, with what is known of it. */
export function targetName({ host, user, port }: SshTarget): string {
  return `${user === "" ? "" : `${user}@`}${host}${port === 0 ? "" : `:${port}`}`;
}

/**
 * ssh's whole command line.
 *
 * @param remote the command line for the host's shell; absent: none is run
 * @param further arguments of ssh's
 */
export function sshCommand(target: SshTarget, remote: string | undefined, further: readonly string[] = []): string[] {
  return [
    ...target.ssh,
    // Of an option that is given twice ssh takes the first: the user's.
    ...target.sshArgs,
    // Never a question: nobody could answer it. A connection that is dead is noticed within 15 s.
    "-T",
    ...["BatchMode=yes", `ConnectTimeout=${Math.ceil(target.connectMs / 1000)}`, "ServerAliveInterval=5", "ServerAliveCountMax=3"].flatMap((setting) => [
      "-o",
      setting,
    ]),
    ...(target.port === 0 ? [] : ["-p", String(target.port)]),
    ...(target.user === "" ? [] : ["-l", target.user]),
    ...further,
    "--",
    target.host,
    ...(remote === undefined ? [] : [remote]),
  ];
}
