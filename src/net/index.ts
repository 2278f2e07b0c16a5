// Sockets, signatures and the clock of the real world, each behind an interface of the pure floor or of this room.

export { curveKeyPair, curveOf, newCurveKeyPair, type CurveKeyPair, type CurveOptions } from "./curve.ts";
export { BUFFER_TEXT, hmacSigner } from "./hmac-signer.ts";
export { MemoryNetwork, MemoryTransport } from "./memory-transport.ts";
export { createSession, newSessionId, type SessionOptions } from "./node-session.ts";
export { PackingTransport } from "./packing-transport.ts";
export { watchRefusals, type Reached } from "./refusals.ts";
export { settleIntake } from "./settle-intake.ts";
export { SYSTEM_CLOCK } from "./system-clock.ts";
export type { BindAddress, BoundSocket, MessageHandler, MessageSocket, Refusal, SocketKind, SocketOptions, Transport } from "./transport.ts";
export { ZeromqTransport } from "./zeromq-transport.ts";
