// The engines that are here, their load, and which of them have room. Choosing among them is the scheme's.

import type { EngineUuid, Millis } from "../../base/index.ts";
import { NO_SLOTS, type Scheme } from "./schemes/index.ts";
import { TaskList, type TaskState } from "./task.ts";
import type { TimerEntry } from "./timers.ts";

/** One stay of an engine; an engine that leaves and comes back is another one of the same uuid. */
export class Engine {
  readonly uuid: EngineUuid;
  /** Small number while it is here, reused afterwards. */
  readonly slot: number;
  /** False once it has left. */
  isHere = true;
  /** Tasks sent to it and not answered, in the order they were sent. */
  readonly tasks: TaskList = new TaskList();
  /** States of its tasks, made once. */
  readonly running: TaskState = { name: "running", engine: this };
  readonly stranded: TaskState = { name: "stranded", engine: this };
  /** It may hold tasks ahead and gives them back when asked. */
  readonly canPrefetch: boolean;
  /** Tasks sent to it in this stay: the last one's ordinal. */
  sentCount = 0;
  /** When it joined, last replied, or got a task while it had none. */
  busySince: number;
  /** Mean time between replies while it had work, in milliseconds, and over how many; -1: the next one is not counted. */
  meanMs = 0;
  samples = -1;
  /** Looks whether it has fallen silent. */
  recallTimer: TimerEntry | null = null;
  /** It was asked for its tasks up to this ordinal and has not answered. */
  recallThrough: number | null = null;
  /** It is to go, and gets nothing more. */
  isDraining = false;
  /** Its time to end what it had is over. */
  isGivenUp = false;
  /** Runs out when what it has goes back to the queue. */
  drainTimer: TimerEntry | null = null;

  constructor(uuid: EngineUuid, slot: number, facts: { readonly canPrefetch: boolean; readonly at: Millis }) {
    this.uuid = uuid;
    this.slot = slot;
    this.canPrefetch = facts.canPrefetch;
    this.busySince = facts.at;
  }

  /** Number of outstanding tasks. */
  get load(): number {
    return this.tasks.length;
  }
}

/** Engines that are here. */
export class EnginePool {
  readonly #scheme: Scheme;
  /** Tasks an engine may have; 0 no limit. */
  readonly hwm: number;
  readonly #byUuid = new Map<EngineUuid, Engine>();
  readonly #bySlot: (Engine | null)[] = [];
  readonly #freeSlots: number[] = [];

  constructor(scheme: Scheme, hwm: number) {
    this.#scheme = scheme;
    this.hwm = hwm;
  }

  get size(): number {
    return this.#byUuid.size;
  }

  /** How many have room. */
  get freeCount(): number {
    return this.#scheme.size;
  }

  find(uuid: EngineUuid): Engine | undefined {
    return this.#byUuid.get(uuid);
  }

  [Symbol.iterator](): Iterator<Engine> {
    return this.#byUuid.values();
  }

  hasRoom(engine: Engine): boolean {
    return engine.isHere && (this.hwm === 0 || engine.load < this.hwm) && engine.recallThrough === null && !engine.isDraining;
  }

  /** Whether the scheme lists exactly the engines with room; for `validate`. */
  isListedRight(engine: Engine): boolean {
    return this.#bySlot[engine.slot] === engine && this.#scheme.has(engine.slot) === this.hasRoom(engine);
  }

  /** @param facts when it joined, and whether it may be sent tasks beyond `hwm` (see prefetch.ts) */
  join(uuid: EngineUuid, facts: { readonly canPrefetch: boolean; readonly at: Millis }): Engine {
    const slot = this.#freeSlots.pop() ?? this.#bySlot.length;
    const engine = new Engine(uuid, slot, facts);
    this.#bySlot[slot] = engine;
    this.#byUuid.set(uuid, engine);
    this.#scheme.add(slot, 0, true);
    return engine;
  }

  /** The engine is gone; tasks it has stay listed with it. */
  leave(engine: Engine): void {
    if (this.hasRoom(engine)) this.#scheme.remove(engine.slot);
    engine.isHere = false;
    this.#byUuid.delete(engine.uuid);
    this.#bySlot[engine.slot] = null;
    this.#freeSlots.push(engine.slot);
  }

  /** Call after a task was added to an engine that had room, or ahead to one that had not. */
  gotTask(engine: Engine): void {
    if (this.hwm !== 0 && engine.load > this.hwm) return;
    if (this.hasRoom(engine)) this.#scheme.change(engine.slot, engine.load, true);
    else this.#scheme.remove(engine.slot);
  }

  /** Call after a task was taken from an engine that is here. */
  lostTask(engine: Engine): void {
    if (!this.hasRoom(engine)) return;
    if (this.hwm !== 0 && engine.load === this.hwm - 1) this.#scheme.add(engine.slot, engine.load, false);
    else this.#scheme.change(engine.slot, engine.load, false);
  }

  /** An engine without tasks has answered a recall: it has room again, unless it is to go. */
  released(engine: Engine): void {
    if (this.hasRoom(engine)) this.#scheme.add(engine.slot, engine.load, false);
  }

  /** An engine is to go: it has no room from now on. */
  drain(engine: Engine): void {
    if (this.hasRoom(engine)) this.#scheme.remove(engine.slot);
    engine.isDraining = true;
  }

  /** An engine is to stay after all. */
  undrain(engine: Engine): void {
    engine.isDraining = false;
    if (this.hasRoom(engine)) this.#scheme.add(engine.slot, engine.load, true);
  }

  /** An engine with room that is not shunned. */
  pick(shunned: ReadonlySet<EngineUuid>): Engine | undefined {
    const slot = this.#scheme.pick(shunned.size === 0 ? NO_SLOTS : this.#slotsOf(shunned));
    return slot < 0 ? undefined : (this.#bySlot[slot] as Engine);
  }

  /** One of these engines that has room. */
  pickAmong(uuids: readonly EngineUuid[]): Engine | undefined {
    const slots: number[] = [];
    for (const uuid of uuids) {
      const engine = this.#byUuid.get(uuid);
      if (engine !== undefined && this.hasRoom(engine)) slots.push(engine.slot);
    }
    return slots.length === 0 ? undefined : (this.#bySlot[this.#scheme.pickAmong(slots)] as Engine);
  }

  #slotsOf(uuids: ReadonlySet<EngineUuid>): Set<number> {
    const slots = new Set<number>();
    for (const uuid of uuids) {
      const engine = this.#byUuid.get(uuid);
      if (engine !== undefined) slots.add(engine.slot);
    }
    return slots;
  }
}
