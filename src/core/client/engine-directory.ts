// Which engines the client knows. Facts arrive by two ways that can overtake each other: notifications (one engine at a
// time) and listings (the answer to a connection_request: all engines at some moment between question and answer).
//
// The rule: a listing may neither remove an engine whose arrival was notified after the question was asked, nor bring
// back one whose departure was notified since then. Ids are never used twice within one controller run.

import type { EngineId, EngineUuid } from "../../base/index.ts";
import type { Dict } from "../../wire/index.ts";

/** What the client knows of one engine. */
export interface EngineFacts {
  /** The number by which views name it. */
  readonly id: EngineId;
  /** The identity it registered with. */
  readonly uuid: EngineUuid;
  /** `host`, `pid`, `language` and so on, as the engine told at its registration; `{}` for engines that tell nothing. */
  readonly properties: Dict;
}

/** What a listing changed. */
export interface DirectoryChanges {
  readonly joined: readonly EngineFacts[];
  readonly left: readonly EngineFacts[];
}

/** A question for a listing under way: what was notified since it was asked. */
interface OpenListing {
  readonly joined: Set<EngineUuid>;
  readonly left: Set<EngineUuid>;
}

/** Listings asked for and not answered, at most; older questions are given up. */
const OPEN_LISTINGS_MAX = 16;

/** Engines by id and by uuid, in the order of their ids. */
export class EngineDirectory {
  /** Sorted by id. */
  #byId = new Map<EngineId, EngineFacts>();
  /** Same engines as `#byId`. */
  readonly #byUuid = new Map<EngineUuid, EngineFacts>();
  readonly #open = new Map<string, OpenListing>();
  #version = 0;

  /** Grows with every change: what was derived from an equal version still holds. */
  get version(): number {
    return this.#version;
  }

  /** Engines in the order of their ids. */
  get engines(): ReadonlyMap<EngineId, EngineFacts> {
    return this.#byId;
  }

  /** The engine of a uuid. */
  findByUuid(uuid: EngineUuid): EngineFacts | undefined {
    return this.#byUuid.get(uuid);
  }

  /** Adds to what is known of an engine. */
  described(uuid: EngineUuid, properties: Dict): void {
    const engine = this.#byUuid.get(uuid);
    if (engine === undefined) return;
    const facts = { ...engine, properties: { ...engine.properties, ...properties } };
    this.#byUuid.set(uuid, facts);
    this.#byId.set(facts.id, facts);
    this.#version += 1;
  }

  /** Notes that a listing was asked for; `key` names the question. */
  listingAsked(key: string): void {
    this.#open.set(key, { joined: new Set(), left: new Set() });
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_LISTINGS_MAX && oldest !== undefined) this.#open.delete(oldest);
  }

  /** Takes a notified arrival; false when it was known. */
  joined(engine: EngineFacts): boolean {
    for (const listing of this.#open.values()) listing.joined.add(engine.uuid);
    return this.#add(engine);
  }

  /** Takes a notified departure; the engine when it was known. */
  left(uuid: EngineUuid): EngineFacts | undefined {
    for (const listing of this.#open.values()) listing.left.add(uuid);
    return this.#remove(uuid);
  }

  /** Takes a listing; an answer to an unknown question changes nothing. */
  listed(key: string, engines: readonly EngineFacts[]): DirectoryChanges {
    const listing = this.#open.get(key);
    if (listing === undefined) return { joined: [], left: [] };
    this.#open.delete(key);
    const present = new Set(engines.map((engine) => engine.uuid));
    const gone = [...this.#byUuid.keys()].filter((uuid) => !present.has(uuid) && !listing.joined.has(uuid));
    const left = gone.map((uuid) => this.#remove(uuid)).filter((engine) => engine !== undefined);
    const joined = engines.filter((engine) => !listing.left.has(engine.uuid) && this.#add(engine));
    return { joined, left };
  }

  #add(engine: EngineFacts): boolean {
    if (this.#byUuid.has(engine.uuid)) return false;
    this.#version += 1;
    const former = this.#byId.get(engine.id);
    if (former !== undefined) this.#byUuid.delete(former.uuid);
    this.#byUuid.set(engine.uuid, engine);
    const isLast = [...this.#byId.keys()].every((id) => id < engine.id);
    this.#byId.set(engine.id, engine);
    if (!isLast) this.#byId = new Map([...this.#byId].sort(([a], [b]) => a - b));
    return true;
  }

  #remove(uuid: EngineUuid): EngineFacts | undefined {
    const engine = this.#byUuid.get(uuid);
    if (engine === undefined) return undefined;
    this.#version += 1;
    this.#byUuid.delete(uuid);
    this.#byId.delete(engine.id);
    return engine;
  }
}
