// A seeded generator, so that every random choice of a machine can be replayed from its seed.

import type { Rng } from "./time.ts";

/** Mulberry32: 32 bits of state, good enough for scheduling choices and simulations, not for secrets. */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0;
  return {
    next(): number {
      state = (state + 0x6d2b79f5) >>> 0;
      let word = state;
      word = Math.imul(word ^ (word >>> 15), word | 1);
      word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
      return ((word ^ (word >>> 14)) >>> 0) / 4294967296;
    },
  };
}
