// Seeing to it that a request that was told to stop comes to its end, and leaves nothing behind that keeps the main thread
// for itself.
//
// A loop of `await`s, of `process.nextTick` or of `queueMicrotask` never lets the event loop turn, and the main thread can be
// looked at only where V8 looks up: often that is between two steps of the loop, where nothing of the user's is on the stack
// and nothing may be cut. So it is tried again and again, quickly. And a loop that is cut behind the call by which it put
// itself into Node's queue goes on with the next turn, though its request has ended by then: therefore the main thread is
// asked for signs of life, and what keeps it from giving them is cut as well.

/** What insisting needs. */
export interface InsistenceParts {
  /** Serial number of the request that runs, 0 when none does. */
  readonly runningSerial: () => number;
  readonly isClosing: () => boolean;
  /** Cuts what the user runs on the main thread, unless a request of another number runs. */
  readonly cut: (serial: number, isOverLimit: boolean) => Promise<unknown>;
  /** Asks the main thread for a sign of life, which comes by `turned` on a turn of its own; `undefined`: it gives none. */
  readonly ping: (() => void) | undefined;
}

/** A request that was told to stop gets this long to end by itself, its listeners included. */
const GRACE_MS = 200;
/** Between two tries. */
const STEP_MS = 5;
/** How long the main thread may take for a sign of life before something counts as in its way. */
const SIGN_MS = 100;
/** Likewise, once something was. */
const SIGN_AGAIN_MS = 20;
/** How long it is tried in all. */
export const INSIST_MS_MAX = 10_000;
/** A number that no request has. */
const NO_REQUEST = -1;
/** A sign comes before what waits in Node's queue behind it: only a second one shows that nothing there went on. */
const SIGNS = 2;

/** Insists, one per engine. */
export class Insistence {
  readonly #parts: InsistenceParts;
  #turned: () => void = () => undefined;

  constructor(parts: InsistenceParts) {
    this.#parts = parts;
  }

  /** The main thread gives its sign. */
  turned(): void {
    this.#turned();
  }

  /**
   * Call after the request was told to stop.
   *
   * @returns whether it has ended, and the main thread is free; false: it could not be stopped in time
   */
  async end(serial: number, isOverLimit: boolean): Promise<boolean> {
    const { runningSerial, isClosing, cut } = this.#parts;
    const until = performance.now() + INSIST_MS_MAX;
    for (let delay = GRACE_MS; performance.now() < until; delay = STEP_MS) {
      await sleep(delay);
      if (isClosing()) return true;
      if (runningSerial() !== serial) return this.#free(until);
      await within(cut(serial, isOverLimit), until - performance.now());
    }
    return false;
  }

  /** Call after a request was cut and has ended: whether the main thread is free, at once or after what was left of it was cut. */
  free(): Promise<boolean> {
    return this.#free(performance.now() + INSIST_MS_MAX);
  }

  async #free(until: number): Promise<boolean> {
    const { runningSerial, isClosing, cut, ping } = this.#parts;
    if (ping === undefined) return true;
    let patienceMs = SIGN_MS;
    // A request that has begun since could not have begun otherwise.
    const isFree = (): boolean => isClosing() || runningSerial() !== 0;
    for (let signs = 0; signs < SIGNS && !isFree(); signs += 1) {
      const turned = new Promise<true>((resolve) => (this.#turned = () => resolve(true)));
      ping();
      for (let waitMs = patienceMs; (await within(turned, waitMs)) === undefined; waitMs = STEP_MS) {
        if (isFree()) return true;
        if (performance.now() >= until) return false;
        await within(cut(NO_REQUEST, false), until - performance.now());
        signs = 0;
        patienceMs = SIGN_AGAIN_MS;
      }
    }
    return true;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** What comes of it in time, else `undefined`. */
export async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, timeoutMs));
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
