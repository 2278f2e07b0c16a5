// Signals as batch systems tell them: by this machine's numbers.

import { constants } from "node:os";

/** `SIGKILL` for 9; `undefined`: no signal has this number. */
export function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}
