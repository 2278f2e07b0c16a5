// Branded identifiers: the compiler keeps an engine's number, its uuid and a message id apart, though all travel as
// plain numbers and strings.

declare const brand: unique symbol;

/** A `Base` that the compiler does not confuse with other brands of the same base. */
export type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Small integer the Hub gives an engine at registration; never reused within one controller run. */
export type EngineId = Branded<number, "EngineId">;
/** Text an engine chooses for itself; also its ZeroMQ identity on every socket. */
export type EngineUuid = Branded<string, "EngineUuid">;
/** `header.msg_id` of a message: unique, opaque. */
export type MsgId = Branded<string, "MsgId">;
/** `header.session` of a message: the sending process. */
export type SessionId = Branded<string, "SessionId">;
/** Routing identity that a ROUTER generated for a client's connection, as lower-case hex text. */
export type ClientIdent = Branded<string, "ClientIdent">;

/** Takes a number for an engine id. */
export const engineId = (value: number): EngineId => value as EngineId;
/** Takes a text for an engine uuid. */
export const engineUuid = (value: string): EngineUuid => value as EngineUuid;
/** Takes a text for a message id. */
export const msgId = (value: string): MsgId => value as MsgId;
/** Takes a text for a session id. */
export const sessionId = (value: string): SessionId => value as SessionId;
/** Takes a text for a client's routing identity. */
export const clientIdent = (value: string): ClientIdent => value as ClientIdent;

/** Ids as people read them: `0…3, 7`. */
export function describeIds(ids: readonly number[]): string {
  const runs: string[] = [];
  for (let i = 0; i < ids.length;) {
    let last = i;
    while (last + 1 < ids.length && (ids[last + 1] as number) === (ids[last] as number) + 1) last += 1;
    runs.push(last === i ? `${ids[i]}` : `${ids[i]}…${ids[last]}`);
    i = last + 1;
  }
  return runs.join(", ");
}
