// The relay's decisions: what may still be handed to an engine on the mux channel, and what code need not go along.

export { KnownCode, KNOWN_CODE_LIMITS, type Code, type KnownCodeLimits } from "./known-code.ts";
export { MuxLedger } from "./mux-ledger.ts";
