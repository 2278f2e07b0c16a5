// Replay protection (protocol §1.4): signatures seen once are refused the second time. Two generations of a set
// bound the memory: when the young one is full it becomes the old one, and what was old is forgotten.

/** Remembers at least the last `limit / 2` and at most `limit` signatures. */
export class DigestHistory {
  readonly #generation: number;
  #young = new Set<string>();
  #old = new Set<string>();

  /** @param limit signatures kept at most, default 65536 as in the reference; 0 remembers nothing */
  constructor(limit = 65536) {
    this.#generation = Math.ceil(limit / 2);
  }

  /** True the first time a signature is shown, false for a replay. */
  admit(signature: string): boolean {
    if (this.#generation === 0) return true;
    if (this.#young.has(signature) || this.#old.has(signature)) return false;
    if (this.#young.size >= this.#generation) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(signature);
    return true;
  }

  /** A message that was admitted and then given back unused may come again. */
  forget(signature: string): void {
    this.#young.delete(signature);
    this.#old.delete(signature);
  }
}
