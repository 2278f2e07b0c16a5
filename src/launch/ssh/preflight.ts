// Before anything is started: all hosts are asked at once whether they can run what they shall, and each that cannot is told
// in one sentence with the remedy.

import { fileURLToPath } from "node:url";
import { LaunchError, VERSION } from "../../base/index.ts";
import type { Logger } from "../../log/index.ts";
import type { TcpTarget } from "./agent-messages.ts";
import { HostLink } from "./host-link.ts";
import type { SshTarget } from "./host-list.ts";

const CONNECT_MS = 3000;
const CHECK_MS = 20_000;
/** Clocks that differ by more make times in results confusing. */
const CLOCK_MS_MAX = 2000;

/** What the processes need of a controller. */
export interface ControllerAddress {
  /** `tcp://…` of the connection file. */
  readonly interface: string;
  readonly location: string;
  readonly port: number;
}

/** A host that passed. */
export interface ReadyHost {
  readonly link: HostLink;
  /** The package's program there; empty: nowhere, and it is not needed. */
  readonly script: string;
  /** Whether the profile's directory is there too. */
  readonly hasProfile: boolean;
  /** The location under which the host reaches the controller, where it is another one than the file says. */
  readonly location: string | undefined;
}

/** What is asked of the hosts. */
export interface Preflight {
  readonly program: "ipengine" | "ipcontroller";
  readonly profileDir: string;
  /** Absent: there is none yet. */
  readonly controller: ControllerAddress | undefined;
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
}

/** A host and whether it has a command of its own, instead of this package's program. */
export interface HostToCheck {
  readonly target: SshTarget;
  readonly hasCommand: boolean;
}

/** The local path of one of this package's programs. */
export function ownScript(program: "ipengine" | "ipcontroller"): string {
  return fileURLToPath(new URL(`../../cli/bin/${program}.js`, import.meta.url));
}

/**
 * Logs in to all hosts and checks them.
 *
 * @param isEnough whether what remains will do when some of them cannot be used; these are logged then. Default: all are needed
 * @returns in the order of the hosts; `undefined` for one that cannot be used
 * @throws LaunchError that names each host that cannot be used, and why; no connection is open then
 */
export async function checkHosts(
  hosts: readonly HostToCheck[],
  preflight: Preflight,
  isEnough: (usable: readonly boolean[]) => boolean = () => false,
): Promise<(ReadyHost | undefined)[]> {
  const outcomes = await Promise.allSettled(hosts.map((host) => checkHost(host, preflight)));
  const ready = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const failures = outcomes.flatMap((outcome, at) =>
    outcome.status === "rejected" ? [{ host: hosts[at]?.target.host ?? "", error: outcome.reason as Error }] : [],
  );
  const [first] = failures;
  if (first === undefined) return ready;
  if (preflight.signal?.aborted !== true && isEnough(outcomes.map((outcome) => outcome.status === "fulfilled"))) {
    for (const { host, error } of failures) preflight.logger.warn("going on without a host", { host, why: error.message });
    return outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : undefined));
  }
  for (const { link } of ready) link.close();
  preflight.signal?.throwIfAborted();
  if (hosts.length === 1) throw first.error;
  const reasons = mergeReasons(failures.map(({ host, error }) => [host, error.message]));
  throw new LaunchError(`${failures.length} of ${hosts.length} hosts cannot be used: ${reasons.join("; ")}`, { cause: first.error });
}

/** Sentences on hosts; what is the same on several but for the host's name is said once. */
export function mergeReasons(reasons: readonly (readonly [host: string, sentence: string])[]): string[] {
  const kinds = new Map<string, { readonly sentence: string; readonly others: string[] }>();
  for (const [host, sentence] of reasons) {
    const kind = sentence.replaceAll(host, "\0");
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, { sentence, others: [] });
    else known.others.push(host);
  }
  return [...kinds.values()].map(({ sentence, others }) => (others.length === 0 ? sentence : `${sentence} (the same for ${others.join(", ")})`));
}

async function checkHost({ target, hasCommand }: HostToCheck, preflight: Preflight): Promise<ReadyHost> {
  const { program, profileDir, controller, logger, signal } = preflight;
  const link = await HostLink.open(target, signal);
  try {
    const targets = controller === undefined ? [] : placesOf(controller, link.facts.from);
    const askedMs = Date.now();
    const answer = await link.call("check", { script: ownScript(program), program, targets, connectMs: CONNECT_MS, profileDir }, CHECK_MS);
    if (answer.script === "" && !hasCommand) throw new LaunchError(noProgram(target, program));
    if (controller !== undefined && answer.reached < 0) throw new LaunchError(unreachable(target, controller, targets, answer.refusals));
    if (answer.version !== "" && answer.version !== VERSION)
      logger.warn("another version of tsparallel is installed there", { host: target.host, version: answer.version, here: VERSION });
    // Half the way there and back is not known; it is far below what matters.
    const offsetMs = answer.nowMs - askedMs;
    if (Math.abs(offsetMs) > CLOCK_MS_MAX)
      logger.warn("the clock differs from this machine's: times in results will not fit; synchronize it (NTP)", { host: target.host, offsetMs });
    logger.debug("host checked", { host: target.host, node: link.facts.nodeVersion, script: answer.script, controller: targets[answer.reached]?.host ?? "" });
    return { link, script: answer.script, hasProfile: answer.hasProfile, location: answer.reached > 0 ? targets[answer.reached]?.host : undefined };
  } catch (cause) {
    link.close();
    throw cause;
  }
}

/** Where a host may reach the controller, the likeliest first. */
function placesOf({ interface: address, location, port }: ControllerAddress, from: string): TcpTarget[] {
  const host = address.replace(/^[a-z]+:\/\//, "").replace(/^\[(.*)\]$/, "$1");
  if (host !== "*" && host !== "0.0.0.0") return [{ host, port }];
  // The address that our login came from leads back here also where the host name is not known.
  return [...new Set([location, from])].filter((name) => name !== "").map((name) => ({ host: name, port }));
}

const REASONS: Readonly<Record<string, string>> = {
  ETIMEDOUT: "no answer, as behind a firewall",
  ECONNREFUSED: "refused",
  ENOTFOUND: "the name is not known there",
  EAI_AGAIN: "the name is not known there",
  EHOSTUNREACH: "no route",
  ENETUNREACH: "no route",
};

function unreachable({ host }: SshTarget, controller: ControllerAddress, places: readonly TcpTarget[], refusals: readonly string[]): string {
  const isLocal = /^tcp:\/\/(?:127\.|localhost|\[::1\])/.test(controller.interface);
  if (isLocal)
    return `${host} cannot reach the controller, which listens on this machine's loopback address only: start it with --ip='*', or set controller: { ip: "*" }`;
  const tried = places.map((place, at) => `${place.host}:${place.port} (${REASONS[refusals[at] ?? ""] ?? refusals[at] ?? "no answer"})`).join(" and ");
  return `${host} cannot reach the controller at ${tried}: give an address that it knows with --location, or open the controller's ports (ipcontroller --ports)`;
}

function noProgram({ host }: SshTarget, program: string): string {
  return `${host} has no ${program}: install this package there (npm install --global tsparallel), or name the program by \`command\``;
}
