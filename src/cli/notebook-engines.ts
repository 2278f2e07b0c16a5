// What kind of engines a notebook's cells want: of its own language, and of Python's by the Python that its kernel runs in, for only
// the same Python surely has the same packages, and reads the functions that are sent to it.

import { spawnSync } from "node:child_process";
import { basename, isAbsolute } from "node:path";
import { ConfigError } from "../base/index.ts";
import type { EngineLanguage } from "../core/index.ts";
import { kernelProgram, type KernelSpec } from "../notebook/index.ts";

/** Which engines. */
export interface NotebookEngines {
  readonly language: EngineLanguage;
  /** Of Python engines: the Python that runs them; `undefined`: as the profile has it. */
  readonly executable: string | undefined;
}

/**
 * The engines for a kernel.
 *
 * @param language what the kernel speaks
 * @param spec the kernel, when it is known
 * @param wanted the user's choice
 * @throws ConfigError for a language that no engine speaks
 */
export function enginesFor(language: string, spec: KernelSpec | undefined, wanted: EngineLanguage | undefined): NotebookEngines {
  const spoken = wanted ?? engineLanguage(language);
  if (spoken === undefined) {
    const what = language === "" ? "the notebook does not say what its kernel speaks" : `the notebook's kernel speaks ${language}, and no engine does`;
    throw new ConfigError(`${what}; say by --engine-language=typescript or python which engines it wants`);
  }
  return { language: spoken, executable: spoken === "python" && spec !== undefined ? pythonOf(spec) : undefined };
}

function engineLanguage(language: string): EngineLanguage | undefined {
  switch (language.toLowerCase()) {
    case "python":
      return "python";
    case "typescript":
    case "javascript":
      return "typescript";
    default:
      return undefined;
  }
}

/** The Python of a kernel that is one, and not behind another program. */
function pythonOf(spec: KernelSpec): string | undefined {
  const program = kernelProgram(spec);
  return spec.language.toLowerCase() === "python" && /^(?:python|pypy)[\d.]*(?:\.exe)?$/.test(basename(program)) ? program : undefined;
}

const CHECK_MS = 20_000;
const NO_MODULE = 3;

/**
 * Refuses a Python without ipyparallel now, rather than after hours in a queue. One that cannot be asked here may be another's where the job runs.
 *
 * @throws ConfigError when it has none
 */
export function checkPython(executable: string): void {
  if (!isAbsolute(executable)) return;
  const code = `import importlib.util, sys; sys.exit(0 if importlib.util.find_spec("ipyparallel") else ${NO_MODULE})`;
  const { status } = spawnSync(executable, ["-c", code], { stdio: "ignore", timeout: CHECK_MS });
  if (status === NO_MODULE)
    throw new ConfigError(
      `${executable} has no ipyparallel for the engines; \`${executable} -m pip install ipyparallel\` gives it one, --python names another`,
    );
}
