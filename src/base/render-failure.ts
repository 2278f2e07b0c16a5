// Failures as people read them: where, what, and the remote traceback; of many that are alike one is shown and the rest
// are counted.

import { describeIds } from "./ids.ts";
import type { KernelFailure } from "./kernel-failure.ts";

/** Different failures that are shown; the rest is counted. */
const GROUPS_SHOWN_MAX = 4;
const CAUSED_BY = "caused by ";

/** `[3:apply on mezcal07] RangeError: too far`; without the part in brackets when no engine was involved. */
export function renderFailure({ ename, evalue, engineInfo }: KernelFailure): string {
  const host = engineInfo?.host === undefined ? "" : ` on ${engineInfo.host}`;
  const where = engineInfo === undefined ? "" : `[${engineInfo.engineId ?? "?"}:${engineInfo.method}${host}] `;
  return where + nameAndText(ename, evalue);
}

const nameAndText = (ename: string, evalue: string): string => (evalue === "" ? ename : `${ename}: ${evalue}`);

/** What stands in `stack`: name and message, then the remote traceback without repeating them. */
export function renderStack({ name, message }: Error, { ename, evalue, traceback = [] }: KernelFailure): string {
  const head = message.startsWith(`${name}: `) ? message : `${name}: ${message}`;
  const title = nameAndText(ename, evalue);
  const whole = traceback.join("\n");
  const rest = whole.startsWith(title) ? whole.slice(title.length).replace(/^\n/, "") : whole;
  return rest === "" ? head : `${head}\n${rest}`;
}

/** The failure that a traceback names as the cause of another; `undefined` when it names none. */
export function causeOf({ traceback = [], engineInfo }: KernelFailure): KernelFailure | undefined {
  const at = traceback.findIndex((line) => line.startsWith(CAUSED_BY));
  if (at < 0) return undefined;
  const title = (traceback[at] as string).slice(CAUSED_BY.length);
  const [, ename = "Error", evalue = ""] = /^([\w$.]+)(?:: ([\s\S]*))?$/.exec(title) ?? [undefined, "Error", title];
  return { ename, evalue, traceback: [title, ...traceback.slice(at + 1)], engineInfo };
}

/** Several failures at once. */
export interface FailureSummary {
  /** Number of all, then the different ones with how often and where. */
  readonly text: string;
  /** The tracebacks of those that are shown, one for each kind. */
  readonly traceback: readonly string[];
}

/** Puts failures that are alike (same name and text) together; shows at most four kinds and counts the rest. */
export function summarize(errors: readonly Error[]): FailureSummary {
  const groups = new Map<string, Error[]>();
  for (const error of errors) {
    const key = isFailure(error) ? nameAndText(error.ename, error.evalue) : `${error.name}: ${error.message}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [error]);
    else group.push(error);
  }
  const shown = [...groups].slice(0, GROUPS_SHOWN_MAX);
  const titles = shown.map(([key, group]) => titleOf(key, group));
  const missing = errors.length - shown.reduce((sum, [, group]) => sum + group.length, 0);
  const text = `${errors.length} failures: ${titles.join("; ")}${missing > 0 ? `; and ${missing} more` : ""}`;
  const traceback = shown.flatMap(([, [first]], i) => {
    const lines = first !== undefined && isFailure(first) ? (first.traceback ?? []) : [];
    const frames = lines.slice(lines[0]?.startsWith(" ") === true ? 0 : 1);
    // Of one kind the title stands in the message, right above.
    return frames.length === 0 || shown.length === 1 ? frames : [titles[i] as string, ...frames];
  });
  return { text, traceback };
}

function titleOf(key: string, group: readonly Error[]): string {
  const [first] = group;
  if (group.length === 1 && first !== undefined) return isFailure(first) ? renderFailure(first) : first.message;
  const infos = group.flatMap((error) => (isFailure(error) && error.engineInfo !== undefined ? [error.engineInfo] : []));
  const ids = [...new Set(infos.flatMap(({ engineId }) => engineId ?? []))].sort((a, b) => a - b);
  const hosts = [...new Set(infos.flatMap(({ host }) => host ?? []))];
  const engines = ids.length === 0 ? "" : `, on ${ids.length === 1 ? "engine" : "engines"} ${describeIds(ids)}`;
  const on = hosts.length === 0 ? "" : hosts.length === 1 ? ` of ${hosts[0]}` : ` of ${hosts.length} hosts`;
  return `${key} (${group.length} times${engines}${engines === "" ? "" : on})`;
}

function isFailure(error: Error): error is Error & KernelFailure {
  return "ename" in error && "evalue" in error;
}
