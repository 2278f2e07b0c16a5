// Which engines may run a job: those that can run shell jobs at all, of the wanted ids, on the wanted hosts. Pure.

/** What is known of an engine. */
export interface EngineOfHost {
  readonly id: number;
  /** Host name as the engine told it; `undefined` for engines that tell nothing. */
  readonly host: string | undefined;
  /** Whether it can run shell jobs: TypeScript engines can. */
  readonly canRunJobs: boolean;
}

/** The engines for a job, or why there are none. */
export type Choice = { readonly type: "any" } | { readonly type: "some"; readonly ids: readonly number[] } | { readonly type: "none"; readonly error: string };

/** Chooses engines for a job; `any` when it makes no difference which. */
export function chooseEngines(
  engines: readonly EngineOfHost[],
  wanted: { readonly hosts?: readonly string[] | undefined; readonly ids?: readonly number[] | undefined },
): Choice {
  const able = engines.filter((engine) => engine.canRunJobs && (wanted.ids === undefined || wanted.ids.includes(engine.id)));
  if (able.length === 0) return { type: "none", error: noneAble(engines, wanted.ids) };
  const { hosts } = wanted;
  const chosen = hosts === undefined ? able : able.filter((engine) => engine.host !== undefined && hosts.some((host) => isSameHost(host, engine.host ?? "")));
  if (chosen.length === 0) return { type: "none", error: `no engine runs on ${listed(hosts ?? [])}; there are engines on ${listed(hostsOf(able))}` };
  return chosen.length === engines.length ? { type: "any" } : { type: "some", ids: chosen.map((engine) => engine.id) };
}

/** Names of the hosts, each once, sorted. */
export function hostsOf(engines: readonly EngineOfHost[]): string[] {
  return [...new Set(engines.flatMap((engine) => engine.host ?? []))].sort();
}

/** `mezcal01` and `mezcal01.example` are the same host; two full names are so only when equal. Case does not matter. */
export function isSameHost(a: string, b: string): boolean {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  if (x === y) return true;
  return x.includes(".") !== y.includes(".") && x.split(".", 1)[0] === y.split(".", 1)[0];
}

const HOSTS_SHOWN_MAX = 20;

function listed(hosts: readonly string[]): string {
  if (hosts.length === 0) return "hosts that do not tell their names";
  const more = hosts.length > HOSTS_SHOWN_MAX ? ` and ${hosts.length - HOSTS_SHOWN_MAX} more` : "";
  return hosts.slice(0, HOSTS_SHOWN_MAX).join(", ") + more;
}

function noneAble(engines: readonly EngineOfHost[], ids: readonly number[] | undefined): string {
  if (engines.length === 0) return "the cluster has no engines; start some with `ipcluster engines -n N`";
  if (!engines.some((engine) => engine.canRunJobs)) return "none of the engines can run shell jobs: they are not TypeScript engines";
  return `none of the engines ${(ids ?? []).join(", ")} is there and can run shell jobs`;
}
