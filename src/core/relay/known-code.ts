// Which functions' code an engine has, as far as one channel can tell: what was sent to it there and is not long ago. What
// it has is left out of further requests. This is a belief only (an engine forgets, too, and messages get lost), so
// each request from which something was left out stays on hold with all its code until the engine has answered it: an
// engine that misses something asks for it by the request.

import { BoundedMap, invariant, type EngineUuid } from "../../base/index.ts";

/** The code of one function. */
export interface Code {
  /** Its hash. */
  readonly key: string;
  readonly bytes: number;
}

/** Bounds for each engine, with their defaults. */
export interface KnownCodeLimits {
  /** Codes that an engine is believed to have: 500. An engine keeps at least four times as many. */
  readonly entriesMax: number;
  /** Their bytes in sum: 8 MiB. Likewise. */
  readonly bytesMax: number;
  /** Requests on hold: 65,536. Further ones are sent with all their code. */
  readonly holdsMax: number;
}

/** The default bounds. */
export const KNOWN_CODE_LIMITS: KnownCodeLimits = { entriesMax: 500, bytesMax: 8 * 1024 * 1024, holdsMax: 65_536 };

interface Account<C extends Code> {
  /** Bytes of the codes, by key: what they are need not be kept for as long. */
  known: BoundedMap<string, number>;
  /** Requests sent without some of their code and not answered, with all of it. */
  readonly holds: Map<string, readonly C[]>;
}

/** The books of one channel. */
export class KnownCode<C extends Code = Code> {
  readonly #accounts = new Map<EngineUuid, Account<C>>();
  readonly #limits: KnownCodeLimits;

  constructor(limits: Partial<KnownCodeLimits> = {}) {
    this.#limits = { ...KNOWN_CODE_LIMITS, ...limits };
  }

  /** An engine that keeps code joined; it has none. Others are not told, and get everything. */
  engineJoined(engine: EngineUuid): void {
    this.#accounts.set(engine, { known: this.#noCode(), holds: new Map() });
  }

  engineLeft(engine: EngineUuid): void {
    this.#accounts.delete(engine);
  }

  /**
   * A request goes to an engine now: which of its codes must go with it.
   *
   * @param requestId what the engine may ask by; `undefined` when somebody else keeps the request until it is answered
   */
  send(engine: EngineUuid, requestId: string | undefined, codes: readonly C[]): readonly C[] {
    const account = this.#accounts.get(engine);
    if (account === undefined) return codes;
    const missing: C[] = [];
    for (const code of codes) {
      if (account.known.get(code.key) !== undefined) continue;
      missing.push(code);
      account.known.set(code.key, code.bytes);
    }
    if (missing.length === codes.length || requestId === undefined) return missing;
    if (account.holds.size >= this.#limits.holdsMax) return codes;
    account.holds.set(requestId, codes);
    return missing;
  }

  /** The engine answered a request, so it will not ask for its code any more. */
  answered(engine: EngineUuid, requestId: string): void {
    this.#accounts.get(engine)?.holds.delete(requestId);
  }

  /** The engine misses code of this request: all of it, and a doubt about everything else. `undefined` when it is not on hold. */
  asked(engine: EngineUuid, requestId: string): readonly C[] | undefined {
    this.forget(engine);
    return this.#accounts.get(engine)?.holds.get(requestId);
  }

  /** What was sent may not have been read: nothing is left out until it has been sent again. */
  forget(engine: EngineUuid): void {
    const account = this.#accounts.get(engine);
    if (account !== undefined) account.known = this.#noCode();
  }

  #noCode(): BoundedMap<string, number> {
    return new BoundedMap(this.#limits.entriesMax, { weigh: (bytes) => bytes, weightMax: this.#limits.bytesMax });
  }

  /** Asserts every invariant; for tests. */
  validate(): void {
    const { entriesMax, bytesMax, holdsMax } = this.#limits;
    for (const [engine, { known, holds }] of this.#accounts) {
      invariant(known.size <= entriesMax, () => `engine ${engine} is believed to have ${known.size} codes`);
      invariant(known.weight <= bytesMax || known.size === 1, () => `engine ${engine} is believed to have ${known.weight} bytes of code`);
      invariant(holds.size <= holdsMax, () => `${holds.size} requests of engine ${engine} are on hold`);
    }
  }
}
