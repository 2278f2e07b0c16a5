// The real clock, with microseconds.

import { performance } from "node:perf_hooks";
import { millis, type Clock } from "../base/index.ts";

/** Wall clock with sub-millisecond digits: the process's time origin plus the monotonic time since. */
export const SYSTEM_CLOCK: Clock = {
  now: () => {
    const wall = Date.now();
    const fine = performance.timeOrigin + performance.now();
    // The two drift apart when the machine's clock is set; then the wall clock is right.
    return millis(Math.abs(wall - fine) < 2 ? fine : wall);
  },
};
