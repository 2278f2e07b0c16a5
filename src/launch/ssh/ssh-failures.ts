// Why a host could not be used, as one sentence with the remedy. ssh has one exit status for all its failures and tells them in
// words only, so its words are looked at here, and here alone; what is not known is passed on as it is.

import { lastSentence } from "../output-tail.ts";
import { NO_NODE_STATUS } from "./bootstrap.ts";
import { targetName, type SshTarget } from "./host-list.ts";

/** How a connection ended. */
export interface SshEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Last lines of ssh's standard error. */
  readonly words: readonly string[];
}

/** ssh's own exit status for whatever keeps it from running the remote command. */
const SSH_FAILED = 255;

/** What ssh says, and what it means for a host. First match counts. */
const CASES: readonly (readonly [words: RegExp, sentence: (target: SshTarget) => string])[] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i,
    (target) =>
      `${target.host} shows another host key than the known one: it was installed anew, or somebody is in between; when you know why, forget the old one with: ssh-keygen -R ${keyName(target)}`,
  ],
  [
    /host key verification failed|no .* host key is known/i,
    (target) => `the host key of ${target.host} is not known yet: log in once by hand and confirm it: ssh ${handLogin(target)}`,
  ],
  [
    /permission denied|too many authentication failures|no more authentication methods/i,
    (target) =>
      `${target.host} refuses the login as ${target.user === "" ? "this user" : target.user}: install your key there with: ssh-copy-id ${handLogin(target)}`,
  ],
  [/could not resolve hostname|name or service not known/i, (target) => `there is no host "${target.host}": check its name in "ssh.engines"`],
  [/connection refused/i, (target) => `${target.host} refuses connections to its ssh port: check that sshd runs there, and the port`],
  [
    /timed out|no route to host|network is unreachable|host is down/i,
    (target) => `${target.host} does not answer: check that it is on and can be reached: ssh ${handLogin(target)}`,
  ],
];

/** A server that has too many logins at once closes some; these are worth another try. */
export function isWorthRetrying(end: SshEnd): boolean {
  return end.exitCode === SSH_FAILED && /kex_exchange_identification|ssh_exchange_identification|connection (?:reset|closed) by/i.test(end.words.join("\n"));
}

/** Why nothing could be started over a connection that ended. */
export function connectionFailure(target: SshTarget, end: SshEnd): string {
  const words = end.words.join("\n");
  const known = end.exitCode === SSH_FAILED ? CASES.find(([pattern]) => pattern.test(words)) : undefined;
  if (known !== undefined) return known[1](target);
  if (end.exitCode === NO_NODE_STATUS) return noNode(target);
  const said = lastSentence(end.words);
  const how = end.signal === null ? `exit status ${end.exitCode}` : end.signal;
  return `the connection to ${target.host} ended (${how})${said === undefined ? "" : `: ${said}`}`;
}

function noNode({ host, node }: SshTarget): string {
  if (node !== "") return `${host} has no program "${node}": correct \`node\` of the host or "ssh.node"`;
  return `${host} has no Node that a login without a terminal finds: install Node 20.19 or newer there, or name its program by "ssh.node"`;
}

/** How a connection was lost, to follow the name of what went with it. */
export function lossOf(target: SshTarget, end: SshEnd): string {
  const said = lastSentence(end.words);
  return `was lost with the connection to ${target.host}${said === undefined ? "" : ` (${said})`}`;
}

function handLogin(target: SshTarget): string {
  return `${target.port === 0 ? "" : `-p ${target.port} `}${targetName({ ...target, port: 0 })}`;
}

function keyName({ host, port }: SshTarget): string {
  return port === 0 || port === 22 ? host : `'[${host}]:${port}'`;
}
