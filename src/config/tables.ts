// The three tables under the names of their programs, and the types made from them.

import { CLUSTER_OPTIONS } from "./cluster-options.ts";
import { CONTROLLER_OPTIONS } from "./controller-options.ts";
import { ENGINE_OPTIONS } from "./engine-options.ts";
import type { FlatOptions, OptionTable, OptionValues, SectionName, SectionOptions } from "./schema.ts";

/** The programs that have a configuration file `<name>_config.*`. */
export type ConfigName = "ipcluster" | "ipcontroller" | "ipengine";

/** Options by program. */
export const OPTION_TABLES: { readonly [Name in ConfigName]: OptionTable } = {
  ipcluster: CLUSTER_OPTIONS,
  ipcontroller: CONTROLLER_OPTIONS,
  ipengine: ENGINE_OPTIONS,
};

/** What `ipcluster_config.*` may say. */
export type ClusterFileOptions = FlatOptions<typeof CLUSTER_OPTIONS> & {
  readonly [Section in SectionName<typeof CLUSTER_OPTIONS>]?: SectionOptions<typeof CLUSTER_OPTIONS, Section>;
};
/** What `ipcontroller_config.*` may say. */
export type ControllerFileOptions = FlatOptions<typeof CONTROLLER_OPTIONS>;
/** What `ipengine_config.*` may say. */
export type EngineFileOptions = FlatOptions<typeof ENGINE_OPTIONS>;

/** Complete options of a cluster, by full name (`controller.ip`). */
export type ClusterValues = OptionValues<typeof CLUSTER_OPTIONS>;
/** Complete options of a controller. */
export type ControllerValues = OptionValues<typeof CONTROLLER_OPTIONS>;
/** Complete options of an engine. */
export type EngineValues = OptionValues<typeof ENGINE_OPTIONS>;
