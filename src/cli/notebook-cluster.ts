// The cluster of a notebook: a running one that was named, or one for this run alone. The kernel finds it by its environment:
// our clients and programs by `IPP_PROFILE_DIR` and `IPP_CLUSTER_ID`, Python's client by its IPython directory.

import type { ClusterOptions } from "../cluster/index.ts";
import { connectionFilePath, resolveClusterId, resolveIpythonDir, resolveProfile, type ProfileDir } from "../config/index.ts";
import { makeIpythonPlace, type KernelSpec } from "../notebook/index.ts";
import { checkPython, enginesFor } from "./notebook-engines.ts";
import { ownLibrary } from "./own-library.ts";

/** Which cluster is meant. */
export interface ClusterWish {
  readonly profile?: string | undefined;
  readonly profileDir?: string | undefined;
  readonly ipythonDir?: string | undefined;
  readonly clusterId?: string | undefined;
  /** Connection file of the client. */
  readonly file?: string | undefined;
  /** Engines of a cluster for this run alone. */
  readonly n?: number | undefined;
}

/** A cluster, or none, for as long as a notebook runs. */
export interface NotebookCluster extends AsyncDisposable {
  /** For the kernel, beside what this process has. */
  readonly env: NodeJS.ProcessEnv;
  /** What it is, for a person. */
  readonly title: string;
  /** Tells why a cluster of this run's own has ended; never resolves for others. */
  readonly ended: Promise<string>;
}

/**
 * Finds or starts the cluster.
 *
 * @param spec the notebook's kernel; engines that are started are of its language, and of TypeScript for languages that no engine speaks
 * @throws what connecting to a named cluster, or starting one, throws
 */
export async function openNotebookCluster(wish: ClusterWish, spec: KernelSpec, signal: AbortSignal): Promise<NotebookCluster> {
  const { language } = spec;
  if (wish.n !== undefined) return startOwn(wish.n, spec, signal);
  const { profile, profileDir, ipythonDir, clusterId, file } = wish;
  const isNamed = [profile, profileDir, clusterId, file].some((given) => given !== undefined);
  if (isNamed) await checkIsThere(wish, signal);
  const base = ipythonDir === undefined ? {} : { IPYTHONDIR: ipythonDir };
  const userDir = resolveIpythonDir({ ipythonDir });
  if (file !== undefined) {
    const place = await makeIpythonPlace(userDir, file);
    const own = { IPP_PROFILE_DIR: place.profileDir, IPP_CLUSTER_ID: "" };
    return {
      env: { ...base, ...own, ...forPython(language, place.dir) },
      title: file,
      ended: never(),
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  }
  const found = resolveProfile({ profile, profileDir, ipythonDir });
  const id = resolveClusterId(clusterId);
  const env = isNamed ? { ...base, IPP_PROFILE_DIR: found.path, IPP_CLUSTER_ID: id } : base;
  const title = isNamed ? `cluster of profile ${found.name}${id === "" ? "" : `, id ${id}`}` : "";
  // Python finds the one without an id in the profile "default" by itself.
  const isPlain = id === "" && found.path === resolveProfile({ profile: "default", ipythonDir }).path;
  if (isPlain || !speaksPython(language)) return { env, title, ended: never(), [Symbol.asyncDispose]: async () => undefined };
  const place = await makeIpythonPlace(userDir, clientFile(found, id));
  return { env: { ...env, IPYTHONDIR: place.dir }, title, ended: never(), [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
}

async function startOwn(n: number, spec: KernelSpec, signal: AbortSignal): Promise<NotebookCluster> {
  const { Cluster: ClusterClass } = await ownLibrary();
  const cluster = await ClusterClass.start({ ...enginesOf(n, spec), private: true, signal });
  try {
    const place = speaksPython(spec.language) ? await makeIpythonPlace(resolveIpythonDir(), cluster.connectionFile) : undefined;
    return {
      env: { IPP_PROFILE_DIR: cluster.profileDir, IPP_CLUSTER_ID: cluster.clusterId, ...(place === undefined ? {} : { IPYTHONDIR: place.dir }) },
      title: `a cluster of its own with ${n} engine${n === 1 ? "" : "s"}`,
      ended: cluster.closed.then(({ message }) => message),
      async [Symbol.asyncDispose]() {
        await place?.[Symbol.asyncDispose]();
        await cluster.stop();
      },
    };
  } catch (cause) {
    await cluster.stop();
    throw cause;
  }
}

/** Functions of a Python notebook run on Python's engines only. */
function enginesOf(n: number, spec: KernelSpec): ClusterOptions {
  if (!speaksPython(spec.language)) return { n };
  const { executable } = enginesFor(spec.language, spec, "python");
  if (executable !== undefined) checkPython(executable);
  return { n: 0, python: { n, ...(executable === undefined ? {} : { executable }) } };
}

const never = (): Promise<string> => new Promise(() => undefined);
const speaksPython = (language: string): boolean => language.toLowerCase() === "python";
const forPython = (language: string, dir: string): NodeJS.ProcessEnv => (speaksPython(language) ? { IPYTHONDIR: dir } : {});
const clientFile = (profile: ProfileDir, clusterId: string): string => connectionFilePath(profile, "client", clusterId);

/** A cluster that was named must run: better known now than in some cell. */
async function checkIsThere({ profile, profileDir, ipythonDir, clusterId, file }: ClusterWish, signal: AbortSignal): Promise<void> {
  const { Client: ClientClass } = await ownLibrary();
  const place = resolveProfile({ profile, profileDir, ipythonDir }).path;
  const client = await ClientClass.connect({ profileDir: place, clusterId, file, signal });
  await client.close();
}
