// What users import is this package's own entrance, not the copy that is bundled with a command: what a command hands to their
// code must come from there.

import type { Client } from "../client/index.ts";
import type { Cluster } from "../cluster/index.ts";
import { ownModule } from "../execution/index.ts";

/** The part of `tsparallel` that commands hand on. */
export interface OwnLibrary {
  readonly Client: typeof Client;
  readonly Cluster: typeof Cluster;
}

/** Loads the package as `import "tsparallel"` in users' code does. */
export async function ownLibrary(): Promise<OwnLibrary> {
  return (await import(ownModule("tsparallel") ?? "")) as OwnLibrary;
}
