// Registration: which engines there are. An engine is
//
//   pending   it asked and has its id, but no heartbeat came yet; nobody else sees it
//   joining   its heart beats; the router was told and has not yet said that it routes to it
//   visible   routable and published
//   leaving   it is gone (its own word, the nanny's, a silent heart); the router forwards what it holds, then says so
//
// Ids are never used twice in one run and belong to one engine for ever; a uuid is free again as soon as its engine is
// leaving. Clients learn of an engine only after the router did, and of its end only after the router is done with it,
// because they fail outstanding requests on that word (protocol §10.5). An engine that leaves before it was visible is
// never spoken of.
//
// Engines restored from an earlier run are pending too: those that died meanwhile never beat. The others come back one
// socket after the other, so that they are not routed to before a while has passed, whenever their heart was heard.

import { engineId, invariant, millis, type EngineId, type EngineUuid, type Millis } from "../../base/index.ts";
import { isDict, type Dict, type Frame } from "../../wire/index.ts";

/** What the Hub knows of one engine. */
export interface EngineEntry {
  readonly id: EngineId;
  readonly uuid: EngineUuid;
  /** What the engine says of itself (host, pid, language …); `{}` for Python's engines. */
  readonly properties: Dict;
}

/** Past facts about engines. */
export type RegistrationEvent =
  /** An engine asks to be registered. `peer` is opaque: it comes back with the reply. */
  | {
      readonly type: "registrationRequested";
      readonly at: Millis;
      readonly peer: readonly Frame[];
      readonly uuid: EngineUuid | undefined;
      readonly requestedId: number | undefined;
      readonly properties: Dict;
    }
  /** A valid pong of this uuid arrived. */
  | { readonly type: "heartBeat"; readonly at: Millis; readonly uuid: EngineUuid }
  /** Whoever knows says that the engine with this id ended: itself, its nanny. */
  | { readonly type: "unregistrationRequested"; readonly at: Millis; readonly id: number }
  /** The engine of this uuid ended: its shutdown reply was published, or its heart stopped. */
  | { readonly type: "engineEnded"; readonly at: Millis; readonly uuid: EngineUuid; readonly cause: string }
  /** The router now routes to the engine. */
  | { readonly type: "engineAdmitted"; readonly at: Millis; readonly id: EngineId }
  /** The router forwarded all it held of the engine and routes to it no more. */
  | { readonly type: "engineExpelled"; readonly at: Millis; readonly id: EngineId }
  /** Engines of an earlier run, which may be alive still. */
  | { readonly type: "tableRestored"; readonly at: Millis; readonly table: EngineTable }
  | { readonly type: "ticked"; readonly at: Millis };

/** Orders to the shell, to be carried out in order. */
export type RegistrationEffect =
  | { readonly type: "replyRegistered"; readonly peer: readonly Frame[]; readonly engine: EngineEntry }
  | { readonly type: "replyRefused"; readonly peer: readonly Frame[]; readonly ename: string; readonly evalue: string }
  /** Listen for this heart, and ping soon: somebody waits for it. */
  | { readonly type: "watchHeart"; readonly uuid: EngineUuid }
  | { readonly type: "forgetHeart"; readonly uuid: EngineUuid }
  /** The router is to route to it and answer with `engineAdmitted`. */
  | { readonly type: "admitEngine"; readonly engine: EngineEntry }
  /** The router is to stop routing to it and answer with `engineExpelled`. */
  | { readonly type: "expelEngine"; readonly engine: EngineEntry; readonly cause: string }
  | { readonly type: "publishRegistration"; readonly engine: EngineEntry }
  | { readonly type: "publishUnregistration"; readonly engine: EngineEntry; readonly cause: string }
  | { readonly type: "registrationExpired"; readonly engine: EngineEntry }
  /** `table()` changed: keep it. */
  | { readonly type: "persistTable" }
  | { readonly type: "wakeAt"; readonly at: Millis };

/** The engine table as it is kept in `log/engines<cluster_id>.json`. */
export interface EngineTable {
  readonly engines: { readonly [id: string]: string };
  readonly next_id: number;
  /** What the engines told of themselves, by id; missing in tables that the reference has written. */
  readonly properties?: { readonly [id: string]: Dict };
}

/** Bounds of the machine. */
export interface RegistrationConfig {
  /** How long a pending registration waits for its first heartbeat, in milliseconds. */
  readonly registrationTimeoutMs: number;
  /** Engines at most, pending ones included. */
  readonly enginesMax: number;
}

type EngineState =
  | { readonly state: "pending"; readonly engine: EngineEntry; readonly expiresAt: Millis; readonly settlesAt?: Millis }
  | { readonly state: "joining"; readonly engine: EngineEntry }
  | { readonly state: "visible"; readonly engine: EngineEntry }
  | { readonly state: "leaving"; readonly engine: EngineEntry; readonly wasVisible: boolean; readonly cause: string };

/** How long the sockets of a restored engine get to connect again; they try every 100 ms. */
const SETTLE_MS = 500;
/** Longest ZeroMQ identity, in bytes. */
const UUID_BYTES_MAX = 255;
const ENGINES_MAX = 100_000;

/** Default bounds for a heart period: pending registrations wait max(30 s, 10 periods). */
export function registrationConfig(heartPeriodMs: number): RegistrationConfig {
  return { registrationTimeoutMs: Math.max(30_000, 10 * heartPeriodMs), enginesMax: ENGINES_MAX };
}

/** The machine. Total: nothing that a peer sends makes it throw. */
export class Registration {
  readonly #config: RegistrationConfig;
  /** Every engine that is not yet wholly gone, by id. */
  readonly #byId = new Map<EngineId, EngineState>();
  /** Exactly the engines that are pending, joining or visible: a leaving one has freed its uuid. */
  readonly #byUuid = new Map<EngineUuid, EngineId>();
  /** Ids of the pending ones in the order in which they expire. */
  readonly #pending = new Set<EngineId>();
  /** Restored engines whose heart was heard and whose sockets may not all be back: a part of the pending ones. */
  readonly #settling = new Map<EngineId, Millis>();
  /** Larger than every id ever given. */
  #nextId = 0;
  /** Ids below the counter were given or skipped; a requested id may skip some, and those may still be requested. */
  readonly #everGiven = new Set<number>();

  constructor(config: RegistrationConfig) {
    this.#config = config;
  }

  /** Engines that clients may see, in the order of their registration. */
  get visible(): readonly EngineEntry[] {
    const entries: EngineEntry[] = [];
    for (const held of this.#byId.values()) if (held.state === "visible") entries.push(held.engine);
    return entries.sort((a, b) => a.id - b.id);
  }

  /** The visible engine of this id. */
  findById(id: number): EngineEntry | undefined {
    const held = this.#byId.get(engineId(id));
    return held?.state === "visible" ? held.engine : undefined;
  }

  /** The visible engine of this uuid. */
  findByUuid(uuid: string): EngineEntry | undefined {
    const id = this.#byUuid.get(uuid as EngineUuid);
    return id === undefined ? undefined : this.findById(id);
  }

  /** How many registrations wait for their first heartbeat. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Takes one event and tells what is to be done. */
  handle(event: RegistrationEvent): RegistrationEffect[] {
    switch (event.type) {
      case "registrationRequested":
        return this.#requested(event);
      case "heartBeat":
        return this.#heartBeat(event.uuid, event.at);
      case "unregistrationRequested":
        return this.#end(this.#byId.get(engineId(event.id)), "asked to");
      case "engineEnded": {
        const id = this.#byUuid.get(event.uuid);
        return id === undefined ? [] : this.#end(this.#byId.get(id), event.cause);
      }
      case "engineAdmitted":
        return this.#admitted(event.id);
      case "engineExpelled":
        return this.#expelled(event.id);
      case "tableRestored":
        return this.#restored(event.table, event.at);
      case "ticked":
        return [...this.#settle(event.at), ...this.#expire(event.at)];
    }
  }

  #requested(event: RegistrationEvent & { type: "registrationRequested" }): RegistrationEffect[] {
    const { peer, uuid } = event;
    if (uuid === undefined) return [{ type: "replyRefused", peer, ename: "KeyError", evalue: "'uuid'" }];
    if (!isIdentity(uuid)) return [{ type: "replyRefused", peer, ename: "ValueError", evalue: `a uuid must have 1 to ${UUID_BYTES_MAX} bytes` }];
    if (this.#byUuid.has(uuid)) return [{ type: "replyRefused", peer, ename: "KeyError", evalue: `"uuid '${uuid}' in use"` }];
    if (this.#byId.size >= this.#config.enginesMax) {
      return [{ type: "replyRefused", peer, ename: "RuntimeError", evalue: `no more than ${this.#config.enginesMax} engines can register` }];
    }
    const engine = { id: this.#takeId(event.requestedId), uuid, properties: event.properties };
    const expiresAt = millis(event.at + this.#config.registrationTimeoutMs);
    this.#byId.set(engine.id, { state: "pending", engine, expiresAt });
    this.#byUuid.set(uuid, engine.id);
    this.#pending.add(engine.id);
    return [
      { type: "replyRegistered", peer, engine },
      { type: "watchHeart", uuid },
      { type: "wakeAt", at: expiresAt },
    ];
  }

  #takeId(requested: number | undefined): EngineId {
    const isFree = requested !== undefined && Number.isSafeInteger(requested) && requested >= 0 && requested < 2 ** 31 && !this.#everGiven.has(requested);
    const id = isFree ? requested : this.#nextId;
    this.#everGiven.add(id);
    this.#nextId = Math.max(this.#nextId, id + 1);
    return engineId(id);
  }

  #heartBeat(uuid: EngineUuid, now: Millis): RegistrationEffect[] {
    const id = this.#byUuid.get(uuid);
    const held = id === undefined ? undefined : this.#byId.get(id);
    if (held?.state !== "pending") return [];
    if (held.settlesAt === undefined || held.settlesAt <= now) return this.#pendingToJoining(held.engine);
    this.#settling.set(held.engine.id, held.settlesAt);
    return [{ type: "wakeAt", at: held.settlesAt }];
  }

  #settle(now: Millis): RegistrationEffect[] {
    const effects: RegistrationEffect[] = [];
    for (const [id, settlesAt] of this.#settling) {
      const held = this.#byId.get(id);
      if (settlesAt > now) effects.push({ type: "wakeAt", at: settlesAt });
      else if (held !== undefined) effects.push(...this.#pendingToJoining(held.engine));
    }
    return effects;
  }

  #pendingToJoining(engine: EngineEntry): RegistrationEffect[] {
    this.#pending.delete(engine.id);
    this.#settling.delete(engine.id);
    this.#byId.set(engine.id, { state: "joining", engine });
    return [{ type: "admitEngine", engine }];
  }

  #admitted(id: EngineId): RegistrationEffect[] {
    const held = this.#byId.get(id);
    if (held?.state !== "joining") return [];
    this.#byId.set(id, { state: "visible", engine: held.engine });
    return [{ type: "publishRegistration", engine: held.engine }, { type: "persistTable" }];
  }

  #end(held: EngineState | undefined, cause: string): RegistrationEffect[] {
    if (held === undefined || held.state === "leaving") return [];
    const { engine } = held;
    this.#byUuid.delete(engine.uuid);
    if (held.state === "pending") return this.#dropPending(engine);
    this.#byId.set(engine.id, { state: "leaving", engine, wasVisible: held.state === "visible", cause });
    return [
      { type: "forgetHeart", uuid: engine.uuid },
      { type: "expelEngine", engine, cause },
    ];
  }

  #dropPending(engine: EngineEntry): RegistrationEffect[] {
    this.#pending.delete(engine.id);
    this.#settling.delete(engine.id);
    this.#byId.delete(engine.id);
    return [{ type: "forgetHeart", uuid: engine.uuid }];
  }

  #expelled(id: EngineId): RegistrationEffect[] {
    const held = this.#byId.get(id);
    if (held?.state !== "leaving") return [];
    this.#byId.delete(id);
    const effects: RegistrationEffect[] = [{ type: "persistTable" }];
    if (held.wasVisible) effects.push({ type: "publishUnregistration", engine: held.engine, cause: held.cause });
    return effects;
  }

  #restored(table: EngineTable, now: Millis): RegistrationEffect[] {
    const effects: RegistrationEffect[] = [];
    const expiresAt = millis(now + this.#config.registrationTimeoutMs);
    for (const [key, uuid] of Object.entries(table.engines)) {
      const id = Number(key);
      if (!Number.isSafeInteger(id) || id < 0 || typeof uuid !== "string" || !isIdentity(uuid)) continue;
      if (this.#everGiven.has(id) || this.#byUuid.has(uuid as EngineUuid)) continue;
      const engine: EngineEntry = { id: this.#takeId(id), uuid: uuid as EngineUuid, properties: keptProperties(table.properties?.[key]) };
      this.#byId.set(engine.id, { state: "pending", engine, expiresAt, settlesAt: millis(now + SETTLE_MS) });
      this.#byUuid.set(engine.uuid, engine.id);
      this.#pending.add(engine.id);
      effects.push({ type: "watchHeart", uuid: engine.uuid });
    }
    if (Number.isSafeInteger(table.next_id)) this.#nextId = Math.max(this.#nextId, table.next_id);
    if (effects.length > 0) effects.push({ type: "wakeAt", at: expiresAt });
    return effects;
  }

  #expire(now: Millis): RegistrationEffect[] {
    const effects: RegistrationEffect[] = [];
    for (const id of this.#pending) {
      const held = this.#byId.get(id);
      invariant(held?.state === "pending", () => `engine ${id} is listed as pending and is ${held?.state ?? "unknown"}`);
      if (held.expiresAt > now) {
        effects.push({ type: "wakeAt", at: held.expiresAt });
        break;
      }
      this.#byUuid.delete(held.engine.uuid);
      effects.push(...this.#dropPending(held.engine), { type: "registrationExpired", engine: held.engine });
    }
    return effects;
  }

  /** The table to keep: visible engines and the counter. */
  table(): EngineTable {
    const { visible } = this;
    return {
      engines: Object.fromEntries(visible.map((engine) => [String(engine.id), engine.uuid])),
      next_id: this.#nextId,
      properties: Object.fromEntries(visible.map((engine) => [String(engine.id), engine.properties])),
    };
  }

  /** Asserts every invariant. */
  validate(): void {
    for (const [id, held] of this.#byId) {
      invariant(held.engine.id === id, () => `engine ${held.engine.id} is kept under id ${id}`);
      invariant(id < this.#nextId, () => `id ${id} is not below the counter ${this.#nextId}`);
      invariant(this.#everGiven.has(id), () => `id ${id} was never given`);
      invariant((held.state === "pending") === this.#pending.has(id), () => `engine ${id} is ${held.state}, which the list of pending ones contradicts`);
      if (held.state !== "leaving") invariant(this.#byUuid.get(held.engine.uuid) === id, () => `engine ${id} is ${held.state} and its uuid is not its own`);
    }
    for (const [uuid, id] of this.#byUuid) {
      const held = this.#byId.get(id);
      invariant(held !== undefined, () => `uuid ${uuid} belongs to the unknown engine ${id}`);
      invariant(held.state !== "leaving", () => `engine ${id} is leaving and keeps its uuid`);
    }
    for (const id of this.#settling.keys()) invariant(this.#pending.has(id), () => `engine ${id} is settling and not pending`);
    for (const id of this.#pending) invariant(this.#byId.has(id), () => `the unknown engine ${id} is listed as pending`);
  }
}

/**
 * What of an engine's properties holds with another controller. It is sent no tasks ahead any more: it may have been asked
 * for some back, and would take the numbers of new ones for those.
 */
function keptProperties(properties: unknown): Dict {
  if (!isDict(properties)) return {};
  const { prefetch: _, ...kept } = properties;
  return kept;
}

function isIdentity(uuid: string): boolean {
  const bytes = new TextEncoder().encode(uuid).length;
  return bytes >= 1 && bytes <= UUID_BYTES_MAX && !uuid.startsWith("\0");
}
