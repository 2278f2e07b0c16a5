// Sessions for tests: a fixed clock, and either the real HMAC of the platform or none.

import { millis, type Clock } from "../../src/base/index.ts";
import { hmacSigner } from "../../src/net/index.ts";
import { Session, type SessionParts } from "../../src/wire/index.ts";

/** A clock that stands at 2026-01-02T03:04:05.678900Z. */
export const FIXED_CLOCK: Clock = { now: () => millis(1_767_323_045_678.9) };

/** A session with the key `secret-key`, unless told otherwise. */
export function testSession(more: Partial<SessionParts> & { readonly key?: string } = {}): Session {
  const { key = "secret-key", ...parts } = more;
  return new Session({ sessionId: "s", username: "u", signer: hmacSigner(key), clock: FIXED_CLOCK, processTag: "1", ...parts });
}
