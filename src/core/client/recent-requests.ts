// The client's memory of finished requests: bounded by count, and the values it holds by bytes, because users submit
// millions and look back at a few.

/** Bounds of the memory. */
export interface RecentLimits {
  /** Requests remembered, default 1,000. */
  readonly requestsMax: number;
  /** Bytes of their results kept reachable, default 64 MiB; older values are let go first. */
  readonly resultBytesMax: number;
}

/** Defaults. */
export const DEFAULT_RECENT: RecentLimits = { requestsMax: 1000, resultBytesMax: 64 * 1024 ** 2 };

interface Kept<T> {
  readonly item: T;
  bytes: number;
}

/** The last requests by id, oldest first. */
export class RecentRequests<T> {
  readonly #limits: RecentLimits;
  readonly #kept = new Map<string, Kept<T>>();
  #bytes = 0;

  constructor(limits: RecentLimits = DEFAULT_RECENT) {
    this.#limits = limits;
  }

  /** Ids remembered, oldest first. */
  get ids(): string[] {
    return [...this.#kept.keys()];
  }

  get(id: string): T | undefined {
    return this.#kept.get(id)?.item;
  }

  /** Remembers a request; the oldest are forgotten to make room. */
  remember(id: string, item: T, bytes: number): void {
    this.forget(id);
    if (this.#limits.requestsMax === 0) return;
    this.#kept.set(id, { item, bytes });
    this.#bytes += bytes;
    while (this.#kept.size > 1 && (this.#kept.size > this.#limits.requestsMax || this.#bytes > this.#limits.resultBytesMax)) {
      const [oldest] = this.#kept.keys();
      if (oldest === undefined) return;
      this.forget(oldest);
    }
  }

  /** Forgets one; false when it was not remembered. */
  forget(id: string): boolean {
    const kept = this.#kept.get(id);
    if (kept === undefined) return false;
    this.#bytes -= kept.bytes;
    return this.#kept.delete(id);
  }

  /** Forgets all. */
  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }
}
