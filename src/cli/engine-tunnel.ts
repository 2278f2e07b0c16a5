// An engine's way to its controller through an ssh server.

import { ConfigError } from "../base/index.ts";
import { resolveInterface, sshServerOf, type EngineValues } from "../config/index.ts";
import type { EngineConnectionInfo } from "../wire/index.ts";

/** Where an engine connects. */
export interface EngineRoute {
  /** As given, with local ports where a tunnel is. */
  readonly info: EngineConnectionInfo;
  /** `tcp://host` of all channels. */
  readonly address: string;
}

const OPEN_MS = 20_000;

/**
 * The way to a controller: direct, or through a tunnel when `--ssh` or the connection file (`ipcontroller --enginessh`) says so. The tunnel
 * ends with this process.
 *
 * @throws ConfigError for options that do not fit together; LaunchError when the tunnel cannot be opened
 */
export async function routeOf(values: EngineValues, given: EngineConnectionInfo): Promise<EngineRoute> {
  const place = { ssh: given.ssh, interface: given.interface, location: values.location ?? given.location };
  const address = resolveInterface(place);
  const server = sshServerOf(place, values.ssh);
  if (server === undefined) {
    if (values.sshkey !== undefined && given.ssh === "")
      throw new ConfigError("--sshkey is the key for an ssh server, and none is given; name it with --ssh=[user@]server[:port]");
    return { info: given, address };
  }
  if (values.url !== undefined) throw new ConfigError("--url cannot lead through a tunnel; leave it out, or --ssh");
  const { registration, control, mux, task, iopub, hb_ping, hb_pong, broadcast } = given;
  const ports = [registration, control, mux, task, iopub, hb_ping, hb_pong, ...broadcast];
  const host = address.replace(/^[a-z]+:\/\/\[?|\]$/g, "");
  // Loaded here: most engines connect directly.
  const { SshTunnel } = await import("../launch/index.ts");
  const tunnel = await SshTunnel.open({ server, key: values.sshkey, host, ports, timeoutMs: OPEN_MS });
  const local = (port: number): number => tunnel.localPort(port);
  const info: EngineConnectionInfo = {
    ...given,
    registration: local(registration),
    control: local(control),
    mux: local(mux),
    task: local(task),
    iopub: local(iopub),
    hb_ping: local(hb_ping),
    hb_pong: local(hb_pong),
    broadcast: broadcast.map(local),
  };
  return { info, address: "tcp://127.0.0.1" };
}
