// When refused handshakes mean that no connection will ever stand, and what that says about the connection file.

import type { Refusal } from "./transport.ts";

/** Whom a socket tries to reach, and with what. */
export interface Reached {
  /** `tcp://host:port`. */
  readonly url: string;
  readonly serverKey: string | null;
  /** Where the server key came from, or was expected: a path, or other words. */
  readonly origin: string;
}

/** One handshake may fail because the controller is just ending; this many in a row are no chance. */
const HANDSHAKES_MAX = 3;
const REMEDY = "use the file that the controller wrote at its last start";

/**
 * Makes the listener for `SocketOptions.onRefused`.
 *
 * @param onHopeless called once, with a sentence
 */
export function watchRefusals({ url, serverKey, origin }: Reached, onHopeless: (sentence: string) => void): (reason: Refusal) => void {
  let handshakes = 0;
  let isTold = false;
  const tell = (sentence: string): void => {
    if (!isTold) onHopeless(sentence);
    isTold = true;
  };
  return (reason) => {
    if (reason === "security" && serverKey === null)
      return tell(`the controller at ${url} encrypts, and ${origin} has no curve_serverkey; ${REMEDY}, or set IPP_CURVE_SERVERKEY`);
    if (reason === "security") return tell(`the controller at ${url} does not encrypt, although ${origin} has a curve_serverkey; ${REMEDY}`);
    // Without encryption there is no key to be wrong: whatever hangs up may be ready later.
    handshakes += 1;
    if (serverKey !== null && handshakes >= HANDSHAKES_MAX)
      tell(`the controller at ${url} refuses the curve_serverkey of ${origin}: it is not that controller's; ${REMEDY}`);
  };
}
