// `ipcluster list`: the clusters of all profiles, for people and for programs.

import { surveyClusters, type ClusterSummary } from "../cluster/index.ts";
import { listProfiles, resolveProfile, type ProfileDir } from "../config/index.ts";
import { sameClusterFlags } from "./cluster-flags.ts";
import type { Command } from "./program.ts";
import { profileChoice } from "./schema-options.ts";

/** Version of the JSON objects below; grows when a key changes its meaning or goes. */
const SCHEMA_VERSION = 1;

/** Runs `ipcluster list`. */
export async function listCommand(command: Command): Promise<void> {
  const clusters = await surveyClusters(await wantedProfiles(command));
  const isJson = command.opts<{ output: string }>().output === "json";
  process.stdout.write(isJson ? `${JSON.stringify(clusters.filter((cluster) => cluster.file !== undefined).map(jsonOf), null, 2)}\n` : textTable(clusters));
  for (const cluster of clusters) if (cluster.file === undefined) process.stderr.write(`ipcluster: ${cluster.problem}\n`);
  const gone = clusters.filter((cluster) => cluster.file !== undefined && !cluster.isRunning);
  if (gone.length > 0 && !isJson)
    process.stderr.write(`ipcluster: ${gone.length} of them ended without removing its files; remove them with \`ipcluster clean${profilesFlag(gone)}\`\n`);
}

/** The profiles to clean, as `ipcluster clean` takes them. */
function profilesFlag(clusters: readonly ClusterSummary[]): string {
  const flags = new Set(clusters.map(({ profile }) => sameClusterFlags(profile, "")));
  return flags.size === 1 ? ([...flags][0] ?? "") : " --all";
}

async function wantedProfiles(command: Command): Promise<ProfileDir[]> {
  const choice = profileChoice(command);
  const isOne = choice.profile !== undefined || choice.profileDir !== undefined;
  if (isOne) return [resolveProfile(choice)];
  const named = await listProfiles(choice);
  // `IPP_PROFILE_DIR` may lead to a profile elsewhere.
  const current = resolveProfile(choice);
  return named.some((profile) => profile.path === current.path) ? named : [...named, current];
}

/** The cluster file's own content, and what we found out. */
function jsonOf(cluster: ClusterSummary): unknown {
  return {
    ...cluster.file,
    schema_version: SCHEMA_VERSION,
    profile: cluster.profile.name,
    cluster_file: cluster.path,
    running: cluster.isRunning,
    engines_running: cluster.engines,
    restarts: cluster.file?.restarts ?? 0,
  };
}

const COLUMNS = [16, 32, 7, 7, 10] as const;

function textTable(clusters: readonly ClusterSummary[]): string {
  const rows = clusters.map((cluster) => [
    cluster.profile.name,
    cluster.clusterId === "" ? "''" : cluster.clusterId,
    cluster.file === undefined ? "?" : String(cluster.isRunning),
    String(cluster.engines),
    cluster.file?.engines.class ?? "?",
    String(cluster.file?.restarts ?? 0),
  ]);
  const lines = [["PROFILE", "CLUSTER ID", "RUNNING", "ENGINES", "LAUNCHER", "RESTARTS"], ...rows].map((row) =>
    row
      .map((cell, index) => cell.padEnd(COLUMNS[index] ?? 0))
      .join(" ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}
