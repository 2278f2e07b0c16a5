// The engines of a running cluster as a number that can be changed: further ones, fewer, the same ones anew, and signals for
// them. Changes of one process are made one after the other; each stands in the cluster file when it is done.

import { InvalidArgumentError, InvariantError, LaunchError, type EngineUuid } from "../base/index.ts";
import type { EngineLanguage } from "../core/index.ts";
import { findLauncher, type LaunchedEngine, type LaunchedEngines, type LoadedLauncher } from "../launch/index.ts";
import type { Logger } from "../log/index.ts";
import type { EngineConnectionInfo } from "../wire/index.ts";
import { findSetsOf } from "./cluster-life.ts";
import type { ClusterPlan } from "./cluster-plan.ts";
import type { ClusterRecord, RecordChange } from "./cluster-record.ts";
import type { RestartOptions, ScaleOptions } from "./cluster-types.ts";
import { chooseLeavers, endEngine, removeEngines, type Member, type RemovalParts } from "./engine-removal.ts";
import type { EngineSets } from "./engine-sets.ts";
import { enginesRequest } from "./launch-requests.ts";
import { signalSet } from "./signal-set.ts";

/** What a workforce works with. */
export interface WorkforceParts {
  readonly plan: ClusterPlan;
  readonly record: ClusterRecord;
  readonly sets: EngineSets;
  readonly engineInfo: EngineConnectionInfo;
  readonly logger: Logger;
}

/** Which engines to start. */
export interface StartEnginesOptions {
  readonly language?: EngineLanguage | undefined;
  /** With so many the start succeeds when the others cannot be had; default: all. */
  readonly enginesMin?: number;
  readonly signal?: AbortSignal | undefined;
  /** Default: the plan's. */
  readonly launcher?: LoadedLauncher;
}

/** The engines of one cluster. */
export class Workforce {
  readonly #parts: WorkforceParts;
  /** The change that is under way, or the last one. */
  #change: Promise<unknown> = Promise.resolve();

  constructor(parts: WorkforceParts) {
    this.#parts = parts;
  }

  /**
   * Starts a set of engines; resolves when they answer.
   *
   * @throws as `Cluster.start`; none of the set is left then
   */
  async start(n: number, options: StartEnginesOptions = {}): Promise<void> {
    const { sets, record, logger, engineInfo } = this.#parts;
    const { language = "typescript", enginesMin = n, signal, launcher: engineLauncher = this.#parts.plan.engineLauncher } = options;
    const plan = { ...this.#parts.plan, engineLauncher };
    logger.info("starting engines", { n, language, launcher: engineLauncher.launcher.name });
    const setId = await record.reserveSet(engineLauncher.id, language);
    let set: LaunchedEngines | undefined;
    try {
      const connectionInfo = JSON.stringify(engineInfo);
      set = await engineLauncher.launcher.startEngines?.(enginesRequest(plan, { n, enginesMin, setId, language, connectionInfo, logger, signal }));
      if (set === undefined) throw new InvariantError(`the launcher ${engineLauncher.launcher.name} starts no engines`); // the plan has refused it
      sets.add(set);
      await this.save();
      // A launcher that could use some of its places only has started fewer.
      await sets.waitFor(set, { enginesMin: Math.min(enginesMin, set.engines.length), timeoutMs: plan.values.engineTimeoutMs, language, signal });
    } catch (cause) {
      // Why the start failed is worth more than what could not be stopped of it.
      if (set !== undefined) await sets.stop(plan.values.stopTimeoutMs, set).catch((left: unknown) => logger.error("stopping failed", { cause: left }));
      await record.dropSet(setId);
      throw cause;
    }
    if (n === 0) await record.dropSet(setId);
  }

  /** Starts one engine when no other change is under way; as `start`. */
  startOneMore(options: StartEnginesOptions): Promise<void> {
    return this.#inTurn(() => this.start(1, options));
  }

  /** Writes what runs into the cluster file. Never rejects. */
  async save(others: readonly LaunchedEngines[] = []): Promise<void> {
    const { sets, record, logger } = this.#parts;
    let ended: readonly LaunchedEngines[] = [];
    const states = (): RecordChange => {
      ended = sets.sets.filter((set) => !set.isRunning);
      return { sets: Object.fromEntries([...sets.sets, ...others].map((set) => [set.setId, set.isRunning ? set.toState() : undefined])) };
    };
    try {
      await record.save(states);
      sets.forget(ended);
    } catch (cause) {
      logger.warn("cannot update the cluster file", { cause });
    }
  }

  /** See `Cluster.scale`. */
  scale(n: number, options: ScaleOptions): Promise<number> {
    if (!Number.isSafeInteger(n) || n < 0) throw new InvalidArgumentError(`the number of engines is ${n}, and must be a whole number of at least 0`);
    const { drainTimeoutMs = 0 } = options;
    if (!(drainTimeoutMs >= 0)) throw new InvalidArgumentError(`drainTimeoutMs is ${drainTimeoutMs}, and must be a number of milliseconds of at least 0`);
    return this.#inTurn(async () => {
      options.signal?.throwIfAborted();
      const members = await this.members();
      if (members.length === n) return 0;
      this.#parts.logger.info("changing the number of engines", { from: members.length, to: n });
      if (members.length < n) await this.start(n - members.length, options);
      else await this.#remove(members, members.length - n, options);
      await this.#parts.record.saveCount(n);
      return n - members.length;
    });
  }

  /** See `Cluster.restart`. */
  restart(ids: readonly number[] | undefined, { signal }: RestartOptions): Promise<void> {
    return this.#inTurn(async () => {
      const members = ids === undefined ? await this.members() : await this.#membersOf(ids);
      this.#parts.logger.info("restarting engines", { n: members.length });
      const kinds = await this.#kindsOf(members);
      await this.#end(members);
      for (const { launcher, language, n } of kinds) await this.start(n, { launcher, language, signal });
    });
  }

  /** See `Cluster.signal`. */
  async signal(signal: NodeJS.Signals, ids: readonly number[] | undefined): Promise<void> {
    const { sets } = this.#parts;
    await using control = sets.openControl();
    if (ids === undefined) {
      const outcomes = await Promise.allSettled((await this.#allSets()).map((set) => signalSet(set, signal, control)));
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      return;
    }
    const uuids = await this.#uuidsOf(ids);
    const own = new Map((await this.members()).map(({ engine }) => [engine.uuid, engine]));
    await Promise.all(
      uuids.map(async ([uuid, id]) => {
        const engine = own.get(uuid);
        if (engine?.signal !== undefined) return engine.signal(signal);
        const failure = await control.signal(uuid, signal);
        if (failure !== undefined) throw new LaunchError(`engine ${id} did not get ${signal}: ${failure}`);
      }),
    );
  }

  /** One change at a time: two that count engines at once would both add or remove too many. */
  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const done = this.#change.then(change);
    this.#change = done.catch(() => undefined); // whoever asked for it is told
    return done;
  }

  async #remove(members: readonly Member[], count: number, options: ScaleOptions): Promise<void> {
    await using control = this.#parts.sets.openControl();
    const leavers = chooseLeavers(members, count, await control.work());
    try {
      await removeEngines(leavers, this.#removal(control), options);
    } finally {
      await this.save(this.#foreign(leavers));
    }
  }

  /** Ends engines without waiting for their tasks: whole sets by their launcher, others one by one. */
  async #end(members: readonly Member[]): Promise<void> {
    const { sets, plan } = this.#parts;
    await using control = sets.openControl();
    const graceMs = plan.values.stopTimeoutMs;
    const bySet = groupBySet(members);
    const ends = [...bySet].flatMap(([set, some]) => {
      for (const { engine } of some) sets.expectEnd(engine);
      const isWhole = set.engines.filter((engine) => engine.isRunning).length === some.length;
      return isWhole ? [set.stop(graceMs)] : some.map((member) => endEngine(member, this.#removal(control), true));
    });
    const failed = (await Promise.allSettled(ends)).find((outcome) => outcome.status === "rejected");
    await this.save(this.#foreign(members));
    if (failed !== undefined) throw failed.reason;
  }

  #removal(control: RemovalParts["control"]): RemovalParts {
    const { sets, plan, logger } = this.#parts;
    return {
      control,
      graceMs: plan.values.stopTimeoutMs,
      onEnding: ({ engine }) => {
        sets.expectEnd(engine);
        logger.info("ending an engine", { pid: engine.pid ?? "unknown", ...(engine.host === undefined ? {} : { host: engine.host }) });
      },
    };
  }

  /** How many engines of each launcher and language there are among some. */
  async #kindsOf(members: readonly Member[]): Promise<{ readonly launcher: LoadedLauncher; readonly language: EngineLanguage; readonly n: number }[]> {
    const kinds = new Map<string, { launcher: LoadedLauncher; language: EngineLanguage; n: number }>();
    for (const [set, some] of groupBySet(members)) {
      const { launcher: id, language } = await this.#parts.record.factsOf(set.setId);
      const launcher = id === this.#parts.plan.engineLauncher.id ? this.#parts.plan.engineLauncher : await findLauncher(id);
      if (launcher?.launcher.startEngines === undefined) throw new LaunchError(`the launcher "${id}" of a set of engines is not there to start them again`);
      const kind = kinds.get(`${language} ${id}`) ?? { launcher, language, n: 0 };
      kinds.set(`${language} ${id}`, { ...kind, n: kind.n + some.length });
    }
    return [...kinds.values()];
  }

  /** All sets that run, also of other processes, oldest first. */
  async #allSets(): Promise<LaunchedEngines[]> {
    const { sets, record, plan } = this.#parts;
    const own = new Set(sets.sets.map((set) => set.setId));
    const others = await findSetsOf(await record.otherSets(own), plan.engineLauncher.id);
    return [...sets.sets, ...others].toSorted((one, other) => one.setId.localeCompare(other.setId, "en", { numeric: true }));
  }

  /** Engines that run, also of other processes, oldest first. */
  async members(): Promise<Member[]> {
    const running = (set: LaunchedEngines): LaunchedEngine[] => set.engines.filter((engine) => engine.isRunning);
    return (await this.#allSets()).flatMap((set) => running(set).map((engine) => ({ set, engine })));
  }

  async #membersOf(ids: readonly number[]): Promise<Member[]> {
    const uuids = await this.#uuidsOf(ids);
    const members = await this.members();
    return uuids.map(([uuid, id]) => {
      const member = members.find(({ engine }) => engine.uuid === uuid);
      if (member === undefined) throw new InvalidArgumentError(`engine ${id} was not started by this cluster's launchers; start it again where it was started`);
      return member;
    });
  }

  async #uuidsOf(ids: readonly number[]): Promise<(readonly [EngineUuid, number])[]> {
    const numbers = new Map([...(await this.#parts.sets.numbers())].map(([uuid, id]) => [id, uuid]));
    return [...new Set(ids)].map((id) => {
      const uuid = numbers.get(id);
      if (uuid === undefined) throw new InvalidArgumentError(`there is no engine ${id}; there are ${[...numbers.keys()].join(", ") || "none"}`);
      return [uuid, id] as const;
    });
  }

  /** Sets of other processes among those of some engines. */
  #foreign(members: readonly Member[]): LaunchedEngines[] {
    const own = new Set(this.#parts.sets.sets);
    return [...new Set(members.map(({ set }) => set))].filter((set) => !own.has(set));
  }
}

function groupBySet(members: readonly Member[]): Map<LaunchedEngines, Member[]> {
  const groups = new Map<LaunchedEngines, Member[]>();
  for (const member of members) groups.set(member.set, [...(groups.get(member.set) ?? []), member]);
  return groups;
}
