// Whether a controller is reached through an ssh server (protocol §2.2).

import { ownHost, resolveInterface, type OwnHost } from "./interface.ts";

/** What of a connection file decides. */
export interface SshFacts {
  readonly ssh: string;
  readonly interface: string;
  readonly location: string;
}

/**
 * The ssh server to tunnel through; `undefined`: connect directly. The user's own choice counts always, the connection file's when the
 * controller is on another machine.
 */
export function sshServerOf(info: SshFacts, given: string | undefined, own: OwnHost = ownHost()): string | undefined {
  if (given !== undefined && given !== "") return given;
  if (info.ssh === "") return undefined;
  const isLocalAddress = /^tcp:\/\/(?:127\.|localhost$|\[::1\])/.test(resolveInterface(info, own));
  const isHere = ["", "localhost", own.hostname, ...own.addresses].includes(info.location);
  return isLocalAddress && isHere ? undefined : info.ssh;
}
