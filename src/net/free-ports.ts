// Ports for a program that must be told on which to listen.

import { createServer, type AddressInfo } from "node:net";

/** Ports of an address that nobody listens on at the moment; until they are used, somebody else may take one. */
export async function freePorts(n: number, address = "127.0.0.1"): Promise<number[]> {
  const servers = Array.from({ length: n }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, address, resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
