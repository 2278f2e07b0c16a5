// Which ports a controller listens on: free ones, a list the user gave, or those of connection files that are used
// again (protocol §2.3). 0 stands for any free port.

import { ConfigError } from "../base/index.ts";
import type { ClientConnectionInfo, EngineConnectionInfo } from "../wire/index.ts";
import type { HubPorts } from "./hub-link.ts";

/** The two sides of a relayed channel. */
export interface PortPair {
  readonly client: number;
  readonly engine: number;
}

/** Ports of the router's sockets. */
export interface RouterPorts {
  readonly mux: PortPair;
  readonly control: PortPair;
  readonly task: PortPair;
  readonly iopub: PortPair;
  readonly broadcast: { readonly client: number; readonly leaves: readonly number[] };
}

/** All ports of a controller. */
export interface PortPlan {
  readonly hub: HubPorts;
  readonly router: RouterPorts;
}

/**
 * Deals out ports in the reference's order: the engines' first, then the clients'. When the list is used up, free ports
 * follow.
 *
 * @param ports from `parsePorts`; empty: all free
 * @param registration a port for the registration socket alone; 0: the next of the list
 */
export function dealPorts(ports: readonly number[], registration: number, leafCount: number): PortPlan {
  const pool = ports.filter((port) => port !== registration);
  const next = (): number => pool.shift() ?? 0;
  const reg = registration === 0 ? next() : registration;
  const engine = { control: next(), mux: next(), task: next(), iopub: next() };
  const hearts = { hb_ping: next(), hb_pong: next() };
  const leaves = Array.from({ length: leafCount }, next);
  const client = { control: next(), mux: next(), task: next(), iopub: next() };
  const pair = (channel: keyof typeof client): PortPair => ({ client: client[channel], engine: engine[channel] });
  const notification = next();
  return {
    hub: { registration: reg, notification, ...hearts },
    router: { mux: pair("mux"), control: pair("control"), task: pair("task"), iopub: pair("iopub"), broadcast: { client: next(), leaves } },
  };
}

/** The ports that two connection files name. */
export function portsOfFiles(client: ClientConnectionInfo, engine: EngineConnectionInfo): PortPlan {
  const pair = (channel: "mux" | "control" | "task" | "iopub"): PortPair => ({ client: client[channel], engine: engine[channel] });
  return {
    hub: { registration: client.registration, notification: client.notification, hb_ping: engine.hb_ping, hb_pong: engine.hb_pong },
    router: {
      mux: pair("mux"),
      control: pair("control"),
      task: pair("task"),
      iopub: pair("iopub"),
      broadcast: { client: client.broadcast, leaves: engine.broadcast },
    },
  };
}

/**
 * Reads a list of ports: `10101-10120,10200`, also in brackets as Python writes it.
 *
 * @throws ConfigError when it is not one
 */
export function parsePorts(text: string): readonly number[] {
  const ports: number[] = [];
  for (const part of text.replace(/^\[|\]$/g, "").split(",")) {
    if (part.trim() === "") continue;
    const range = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    const first = Number(range?.[1]);
    const last = Number(range?.[2] ?? range?.[1]);
    if (range === null || first < 1 || last > 65_535 || first > last)
      throw new ConfigError(`"${part.trim()}" in --ports is no port or range of ports; write for example 10101-10120,10200`);
    for (let port = first; port <= last; port += 1) ports.push(port);
  }
  return [...new Set(ports)];
}
