// Where to connect when the controller listens on every address (protocol §2.2).

import { hostname, networkInterfaces } from "node:os";
import { isIP } from "node:net";

/** What this machine is called and which addresses it has; tests give their own. */
export interface OwnHost {
  readonly hostname: string;
  /** Addresses other than loopback. */
  readonly addresses: readonly string[];
}

/** This machine. */
export function ownHost(): OwnHost {
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return { hostname: hostname(), addresses: all.filter((entry) => !entry.internal).map((entry) => entry.address) };
}

/**
 * The interface to connect to: as written, unless it is the wildcard; then 127.0.0.1 when `location` is this machine or
 * missing, else `location`.
 *
 * A location that is a name is left for ZeroMQ to resolve: another name of this machine then leads to one of its own
 * addresses, which the wildcard covers too.
 */
export function resolveInterface(info: { readonly interface: string; readonly location: string }, own?: OwnHost): string {
  const match = /^([a-z]+:\/\/)(\*|0\.0\.0\.0)$/.exec(info.interface);
  if (match === null) return info.interface;
  const scheme = match[1] ?? "tcp://";
  const { location } = info;
  if (location === "" || location === "localhost") return `${scheme}127.0.0.1`;
  const host = own ?? ownHost();
  if (location === host.hostname || host.addresses.includes(location)) return `${scheme}127.0.0.1`;
  return isIP(location) === 6 ? `${scheme}[${location}]` : `${scheme}${location}`;
}
