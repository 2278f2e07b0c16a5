// Processes that keep the memory they have freed. By itself glibc takes each large block from the system and gives it back at once, and
// the system gives out pages one by one, emptied first: for an array of 100 MB that comes anew each time these faults cost more than all copying. What a
// process may keep can be told only at its start, by a variable of the environment. It is meant for this package's programs
// alone, so these put back what was there before, and code of the user's starts its own programs with that.

/** How blocks are handled, with sizes in bytes. One arena: only the first one can hold blocks of this size. */
const BLOCK_BYTES_MAX = 128 * 1024 * 1024;
const TUNABLES = `glibc.malloc.mmap_threshold=${BLOCK_BYTES_MAX}:glibc.malloc.trim_threshold=${BLOCK_BYTES_MAX}:glibc.malloc.arena_max=1`;

const VARIABLE = "GLIBC_TUNABLES";
/** What the variable was before; empty: it was not set. */
const OUTER_VARIABLE = "IPP_OUTER_GLIBC_TUNABLES";

/** Older ones take no block over 32 MiB for one to keep, and would keep less than they do by themselves. */
const GLIBC_MIN: readonly [major: number, minor: number] = [2, 34];

/**
 * What to add to the environment of programs of this package, so that they keep freed memory; `undefined` where that has no
 * effect. Tunables that the user has set stay in force.
 *
 * @param glibc version of the C library, such as `2.36`; `undefined`: it is another one
 */
export function keepingEnvironment(env: NodeJS.ProcessEnv, glibc: string | undefined): Record<string, string> | undefined {
  const found = /^(\d+)\.(\d+)/.exec(glibc ?? "");
  const [major, minor] = [Number(found?.[1] ?? 0), Number(found?.[2] ?? 0)];
  if (major < GLIBC_MIN[0] || (major === GLIBC_MIN[0] && minor < GLIBC_MIN[1])) return undefined;
  const own = env[VARIABLE] ?? "";
  // The last word counts.
  return { [VARIABLE]: own === "" ? TUNABLES : `${TUNABLES}:${own}`, [OUTER_VARIABLE]: own };
}

/** Puts back what the environment was for all but this process. */
export function restoreEnvironment(env: NodeJS.ProcessEnv = process.env): void {
  const outer = env[OUTER_VARIABLE];
  if (outer === undefined) return;
  delete env[OUTER_VARIABLE];
  if (outer === "") delete env[VARIABLE];
  else env[VARIABLE] = outer;
}

/** Version of this system's GNU C library; `undefined` where there is none. */
export function glibcVersion(): string | undefined {
  const reporter: { excludeNetwork?: boolean; getReport(): object } = process.report;
  const { excludeNetwork = false } = reporter;
  // Else the report has the names of all hosts that this process has connections with, which may have to be asked for.
  reporter.excludeNetwork = true;
  const { header } = reporter.getReport() as { readonly header?: { readonly glibcVersionRuntime?: unknown } };
  reporter.excludeNetwork = excludeNetwork;
  const version = header?.glibcVersionRuntime;
  return typeof version === "string" ? version : undefined;
}
