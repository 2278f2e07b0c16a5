// Ports for a program that must be told on which to listen.

import { createServer, type AddressInfo } from "node:net";

/**
 * Ports of the loopback address that nobody listens on at the moment; until they are used, somebody else may take one.
 *
 * @throws the system's error when there are none
 */
export async function freePorts(n: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: n }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
