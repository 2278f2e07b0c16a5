// What a start would run, as text: nothing is started and nothing is written.

import type { ClusterPlan } from "./cluster-plan.ts";
import { controllerRequest, enginesRequest } from "./launch-requests.ts";
import { SILENT } from "../log/index.ts";

/**
 * The commands and scripts with which a plan's launchers would start controller and engines.
 *
 * @throws ConfigError when the options of a launcher are wrong
 */
export async function previewCluster(plan: ClusterPlan): Promise<string> {
  const parts = { logger: SILENT, signal: undefined };
  const { controllerLauncher, engineLauncher, n, values } = plan;
  const none = (name: string): string => `# the launcher "${name}" does not tell\n`;
  const controller = (await controllerLauncher.launcher.previewController?.(controllerRequest(plan, parts))) ?? none(controllerLauncher.launcher.name);
  const sections = [`## controller: ${controllerLauncher.launcher.name}\n${controller}`];
  for (const [language, count] of [["typescript", n] as const, ["python", values["python.n"]] as const]) {
    if (count === 0) continue;
    const request = enginesRequest(plan, { ...parts, n: count, setId: "1", language, connectionInfo: "" });
    const engines = (await engineLauncher.launcher.previewEngines?.(request)) ?? none(engineLauncher.launcher.name);
    sections.push(`## ${count} ${language === "python" ? "Python " : ""}engines: ${engineLauncher.launcher.name}\n${engines}`);
  }
  return sections.join("\n");
}
