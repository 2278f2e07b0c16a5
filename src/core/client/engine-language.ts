// Which language an engine runs. Our engines tell it at their registration. A controller of ours passes it on, so that an
// engine it knows nothing of is one of Python's; Python's controller passes on nothing, and its engines have to be asked.

import type { EngineFacts } from "./engine-directory.ts";

/** What engines run; the value of their property `language`. */
export type EngineLanguage = "typescript" | "python";

/** The engine's language; `undefined` while it is not known. */
export function languageOf(engine: EngineFacts): EngineLanguage | undefined {
  const language = engine.properties["language"];
  return language === "typescript" || language === "python" ? language : undefined;
}
