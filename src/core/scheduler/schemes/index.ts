// The schemes by name.

import type { Rng } from "../../../base/index.ts";
import type { SchemeName } from "../events.ts";
import { LeastLoad } from "./leastload.ts";
import { PlainRandom } from "./plainrandom.ts";
import type { Scheme } from "./scheme.ts";
import { Turns } from "./turns.ts";
import { TwoBin } from "./twobin.ts";
import { Weighted } from "./weighted.ts";

export { NO_SLOTS, type Scheme } from "./scheme.ts";

/** Makes an empty scheme. */
export function createScheme(name: SchemeName, rng: Rng): Scheme {
  switch (name) {
    case "leastload":
      return new LeastLoad();
    case "lru":
      return new Turns(name, "first");
    case "plainrandom":
      return new PlainRandom(rng);
    case "twobin":
      return new TwoBin(rng);
    case "weighted":
      return new Weighted(rng);
    case "pure":
      // Round robin, as ZeroMQ's DEALER deals: the scheduler gives it neither hwm nor constraints.
      return new Turns(name, "last");
  }
}
