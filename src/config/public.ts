// Entrance `tsparallel/config`: what a profile's configuration files import. Loads nothing else, so that reading a
// configuration stays quick.

import type { ClusterFileOptions, ControllerFileOptions, EngineFileOptions } from "./tables.ts";

export type { ClusterFileOptions, ControllerFileOptions, EngineFileOptions } from "./tables.ts";

/**
 * Types the options of a configuration file, for the editor's help; returns them as they are.
 *
 * @example export default defineConfig({ n: 8, controller: { ip: "*" } });
 */
export function defineConfig<Options extends ClusterFileOptions | ControllerFileOptions | EngineFileOptions>(options: Options): Options {
  return options;
}
