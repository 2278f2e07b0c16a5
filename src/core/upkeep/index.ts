// How many engines there should be, and whether one that died is started again.

export * from "./adaptation.ts";
export * from "./restart-policy.ts";
