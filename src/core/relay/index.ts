// The relay's decisions: what may still be handed to an engine on the mux channel.

export { MuxLedger } from "./mux-ledger.ts";
