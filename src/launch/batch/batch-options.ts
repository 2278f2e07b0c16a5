// What the section `batch` of the configuration says to a launcher for a batch system.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError } from "../../base/index.ts";
import { fileFailure } from "../../config/index.ts";
import type { LauncherOptions } from "../launcher.ts";
import type { BatchJobOptions, BatchRole, BatchShape, BatchSystem } from "./batch-system.ts";
import { parseTimeLimit } from "./time-limit.ts";

/** Options of a launch, decided. */
export interface BatchOptions {
  readonly job: BatchJobOptions;
  readonly shape: BatchShape;
  /** Whether the engines get the connection file's content by the job's environment; else they read the file. */
  readonly sendsConnectionInfo: boolean;
  /** Further arguments for the submit command. */
  readonly submitArgs: readonly string[];
  /** How long a job may wait in the queue; `undefined`: as long as it takes. */
  readonly queueTimeoutMs: number | undefined;
}

/**
 * Reads a launcher's options.
 *
 * @param directory where a template's relative path begins; the working directory when no such file is there
 * @throws ConfigError for a shape that the system has not, a time limit that is none, or a template that cannot be read
 */
export async function readBatchOptions(system: BatchSystem, role: BatchRole, options: LauncherOptions, directory: string): Promise<BatchOptions> {
  const text = (name: string): string | undefined => (typeof options[name] === "string" && options[name] !== "" ? options[name] : undefined);
  const list = (name: string): readonly string[] => (Array.isArray(options[name]) ? options[name].map(String) : []);
  const timeLimit = text("timeLimit");
  const file = text(role === "controller" ? "controllerTemplate" : "template");
  const queueTimeoutMs = options["queueTimeoutMs"];
  return {
    job: {
      queue: text("queue"),
      account: text("account"),
      timeLimitS: timeLimit === undefined ? undefined : parseTimeLimit(timeLimit),
      extraLines: list("lines"),
      template: file === undefined ? undefined : await readTemplate(file, directory),
      scheduler: text("scheduler"),
    },
    shape: shapeOf(system, text("shape")),
    sendsConnectionInfo: options["connectionInfo"] === "environment" || (options["connectionInfo"] !== "file" && !system.showsEnvironment),
    submitArgs: list("submitArgs"),
    queueTimeoutMs: typeof queueTimeoutMs === "number" ? queueTimeoutMs : undefined,
  };
}

function shapeOf(system: BatchSystem, wanted: string | undefined): BatchShape {
  const [first = "array"] = system.shapes;
  const shape = wanted === undefined ? first : system.shapes.find((one) => one === wanted);
  if (shape === undefined) throw new ConfigError(`${system.title} jobs cannot have the shape "${wanted}" here; possible: ${system.shapes.join(", ")}`);
  return shape;
}

async function readTemplate(file: string, directory: string): Promise<{ text: string; origin: string }> {
  const inProfile = resolve(directory, file);
  const path = existsSync(inProfile) ? inProfile : resolve(file);
  try {
    return { text: await readFile(path, "utf8"), origin: path };
  } catch (cause) {
    throw new ConfigError(`cannot read the batch template ${path}: ${fileFailure(cause)}`, { cause });
  }
}
