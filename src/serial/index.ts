// How functions and values travel: what others may use of this room.

export { errorFacts, type ErrorFacts } from "./error-facts.ts";
export { TASK_SCRIPT_MARK } from "./builder.ts";
export { packCall, packValue } from "./pack.ts";
export { isPickle } from "./payload.ts";
export { Reference, importable, named, type Callable } from "./records.ts";
export type { UnpackEnv } from "./uncanner.ts";
export { unpackCall, unpackValue, unpackValues, type UnpackedCall } from "./unpack.ts";
