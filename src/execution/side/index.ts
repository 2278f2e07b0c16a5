// What a side thread needs to stop the main thread's code: loaded there without the rest of this room.

export { DropCounts } from "./drop-counts.ts";
export { INSIST_MS_MAX, within } from "./insistence.ts";
export { MainReins } from "./main-reins.ts";
export { listenForSignals, signalNumber, SIGNALS_OPTION } from "./signals.ts";
