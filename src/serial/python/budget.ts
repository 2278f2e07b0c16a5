// What reading one pickle may cost in copies, in bytes.

import { unreadable } from "./cursor.ts";

/** Bytes that may still be made. */
export class Budget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Takes some; throws when there are not as many. */
  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw unreadable("it unfolds into far more than its own size");
  }
}
