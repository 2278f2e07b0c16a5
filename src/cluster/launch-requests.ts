// What a plan means for its launchers: the requests they get.

import type { EngineLanguage } from "../core/index.ts";
import type { ControllerRequest, EnginesRequest, LaunchRequest } from "../launch/index.ts";
import type { Logger } from "../log/index.ts";
import { launcherOptions, type ClusterPlan } from "./cluster-plan.ts";

/** What a request says besides the plan. */
export interface RequestParts {
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
}

/** The request for a plan's controller. */
export function controllerRequest(plan: ClusterPlan, parts: RequestParts): ControllerRequest {
  const { values, controllerLauncher } = plan;
  return {
    ...common(plan, parts),
    args: controllerArgs(plan),
    command: values["controller.command"],
    options: launcherOptions(values, controllerLauncher),
    keepOutput: values["controller.logToFile"],
  };
}

/** Which engines. */
export interface EngineParts extends RequestParts {
  readonly n: number;
  /** Default: `n`. */
  readonly enginesMin?: number;
  readonly setId: string;
  readonly language: EngineLanguage;
  /** Content of the engine connection file; empty in a preview. */
  readonly connectionInfo: string;
}

/** The request for a set of a plan's engines. */
export function enginesRequest(plan: ClusterPlan, parts: EngineParts): EnginesRequest {
  const { n, enginesMin = n, setId, connectionInfo } = parts;
  const options = launcherOptions(plan.values, plan.engineLauncher);
  return { ...common(plan, parts), ...engineCommand(plan, parts.language), options, n, enginesMin, setId, connectionInfo };
}

function common({ profile, clusterId, values }: ClusterPlan, { logger, signal }: RequestParts): Pick<LaunchRequest, "place" | "graceMs" | "logger" | "signal"> {
  return { place: { profile, clusterId }, graceMs: values.stopTimeoutMs, logger, signal };
}

/** What the cluster's options mean for ipcontroller's command line. */
function controllerArgs({ values, engineLauncher }: ClusterPlan): string[] {
  const level = values["controller.logLevel"] ?? values.logLevel;
  const ip = values["controller.ip"] ?? (engineLauncher.launcher.isRemote === true ? "*" : undefined);
  const location = values["controller.location"];
  const curve = values["controller.enableCurve"];
  return [
    `--log-level=${level}`,
    ...(ip === undefined ? [] : [`--ip=${ip}`]),
    ...(location === undefined ? [] : [`--location=${location}`]),
    // In the form that the reference's controller understands too.
    ...(curve === undefined ? [] : [`--IPController.enable_curve=${curve ? "True" : "False"}`]),
    ...values["controller.args"],
  ];
}

/** How engines of a language are started: program and first arguments (none: this package's ipengine), then further ones. */
function engineCommand({ values }: ClusterPlan, language: EngineLanguage): { readonly command: readonly string[]; readonly args: readonly string[] } {
  if (language === "python") return { command: pythonCommand(values), args: values["python.args"] };
  return { command: values["engine.command"], args: [`--log-level=${values["engine.logLevel"] ?? values.logLevel}`, ...values["engine.args"]] };
}

function pythonCommand({ "python.command": command, "python.executable": executable }: ClusterPlan["values"]): readonly string[] {
  return executable === undefined ? command : [executable, ...command.slice(1)];
}
