import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { engineId, engineUuid, millis } from "../../../../src/base/index.ts";
import { Registration, registrationConfig, type RegistrationEffect, type RegistrationEvent } from "../../../../src/core/hub/registration.ts";

const T0 = millis(1_000_000);
const PEER = [Uint8Array.of(1, 2, 3)];
const TIMEOUT_MS = 30_000;

function machine(enginesMax = 1000): { handle: (event: RegistrationEvent) => RegistrationEffect[]; registration: Registration } {
  const registration = new Registration({ registrationTimeoutMs: TIMEOUT_MS, enginesMax });
  return {
    registration,
    handle: (event) => {
      const effects = registration.handle(event);
      registration.validate();
      return effects;
    },
  };
}

function request(uuid: string | undefined, requestedId?: number, at = T0): RegistrationEvent {
  return { type: "registrationRequested", at, peer: PEER, uuid: uuid === undefined ? undefined : engineUuid(uuid), requestedId, properties: {} };
}

const beat = (uuid: string): RegistrationEvent => ({ type: "heartBeat", at: T0, uuid: engineUuid(uuid) });
const admitted = (id: number): RegistrationEvent => ({ type: "engineAdmitted", at: T0, id: engineId(id) });
const expelled = (id: number): RegistrationEvent => ({ type: "engineExpelled", at: T0, id: engineId(id) });
const entry = (id: number, uuid: string): { id: number; uuid: string; properties: object } => ({ id, uuid, properties: {} });

function join(handle: (event: RegistrationEvent) => RegistrationEffect[], uuid: string, id: number): void {
  handle(request(uuid));
  handle(beat(uuid));
  handle(admitted(id));
}

describe("registration", () => {
  it("13.5: an engine is answered at once, routed at its first heartbeat and published when the router has it", () => {
    const { handle, registration } = machine();
    expect(handle(request("u0"))).toEqual([
      { type: "replyRegistered", peer: PEER, engine: entry(0, "u0") },
      { type: "watchHeart", uuid: "u0" },
      { type: "wakeAt", at: T0 + TIMEOUT_MS },
    ]);
    expect(registration.visible).toEqual([]);
    expect(handle(beat("u0"))).toEqual([{ type: "admitEngine", engine: entry(0, "u0") }]);
    expect(registration.visible).toEqual([]);
    expect(handle(admitted(0))).toEqual([{ type: "publishRegistration", engine: entry(0, "u0") }, { type: "persistTable" }]);
    expect(registration.visible).toEqual([entry(0, "u0")]);
    expect(registration.table()).toEqual({ engines: { "0": "u0" }, next_id: 1, properties: { "0": {} } });
  });

  it("only the first heartbeat means anything", () => {
    const { handle } = machine();
    join(handle, "u0", 0);
    expect(handle(beat("u0"))).toEqual([]);
    expect(handle(beat("nobody"))).toEqual([]);
    expect(handle(admitted(0))).toEqual([]);
  });

  it("an engine that leaves is published as gone only after the router has forwarded what it held", () => {
    const { handle, registration } = machine();
    join(handle, "u0", 0);
    expect(handle({ type: "unregistrationRequested", at: T0, id: 0 })).toEqual([
      { type: "forgetHeart", uuid: "u0" },
      { type: "expelEngine", engine: entry(0, "u0"), cause: "asked to" },
    ]);
    expect(registration.visible).toEqual([]);
    expect(handle({ type: "unregistrationRequested", at: T0, id: 0 })).toEqual([]);
    expect(handle(expelled(0))).toEqual([{ type: "persistTable" }, { type: "publishUnregistration", engine: entry(0, "u0"), cause: "asked to" }]);
    expect(handle(expelled(0))).toEqual([]);
  });

  it("an engine that leaves before it was visible is never spoken of", () => {
    const { handle } = machine();
    handle(request("u0"));
    handle(beat("u0"));
    expect(handle({ type: "engineEnded", at: T0, uuid: engineUuid("u0"), cause: "x" })).toEqual([
      { type: "forgetHeart", uuid: "u0" },
      { type: "expelEngine", engine: entry(0, "u0"), cause: "x" },
    ]);
    expect(handle(admitted(0))).toEqual([]);
    expect(handle(expelled(0))).toEqual([{ type: "persistTable" }]);
  });

  it("a pending registration is cancelled by an unregistration request", () => {
    const { handle, registration } = machine();
    handle(request("u0"));
    expect(handle({ type: "unregistrationRequested", at: T0, id: 0 })).toEqual([{ type: "forgetHeart", uuid: "u0" }]);
    expect(registration.pendingCount).toBe(0);
    expect(handle(beat("u0"))).toEqual([]);
  });

  it("a uuid in use is refused without burning an id, whether pending or visible", () => {
    const { handle } = machine();
    handle(request("u0"));
    const refusal = { type: "replyRefused", peer: PEER, ename: "KeyError", evalue: `"uuid 'u0' in use"` };
    expect(handle(request("u0"))).toEqual([refusal]);
    handle(beat("u0"));
    handle(admitted(0));
    expect(handle(request("u0"))).toEqual([refusal]);
    expect(handle(request("u1"))[0]).toMatchObject({ type: "replyRegistered", engine: { id: 1 } });
  });

  it("a missing, empty or overlong uuid is refused", () => {
    const { handle } = machine();
    expect(handle(request(undefined))).toEqual([{ type: "replyRefused", peer: PEER, ename: "KeyError", evalue: "'uuid'" }]);
    for (const uuid of ["", "é".repeat(128), "\0abc"]) expect(handle(request(uuid))).toMatchObject([{ type: "replyRefused", ename: "ValueError" }]);
    expect(handle(request("u0"))[0]).toMatchObject({ engine: { id: 0 } });
  });

  it("a requested id is granted while nobody ever had it, and moves the counter on", () => {
    const { handle } = machine();
    const idOf = (event: RegistrationEvent): unknown => (handle(event)[0] as { engine: { id: number } }).engine.id;
    expect(idOf(request("a", 7))).toBe(7);
    expect(idOf(request("b"))).toBe(8);
    expect(idOf(request("c", 7))).toBe(9);
    expect(idOf(request("d", 3))).toBe(3);
    expect(idOf(request("e", -1))).toBe(10);
    expect(idOf(request("f", 0.5))).toBe(11);
  });

  it("an id is never given twice, but a uuid may register again as soon as its engine is leaving", () => {
    const { handle } = machine();
    join(handle, "u0", 0);
    handle({ type: "unregistrationRequested", at: T0, id: 0 });
    expect(handle(request("u0", 0))[0]).toMatchObject({ type: "replyRegistered", engine: { id: 1, uuid: "u0" } });
    expect(handle(expelled(0))).toMatchObject([{ type: "persistTable" }, { type: "publishUnregistration", engine: { id: 0 } }]);
    expect(handle(beat("u0"))).toMatchObject([{ type: "admitEngine", engine: { id: 1 } }]);
  });

  it("a registration without heartbeat expires, and the next one's expiry is announced", () => {
    const { handle } = machine();
    handle(request("u0", undefined, T0));
    handle(request("u1", undefined, millis(T0 + 10)));
    expect(handle({ type: "ticked", at: millis(T0 + TIMEOUT_MS - 1) })).toEqual([{ type: "wakeAt", at: T0 + TIMEOUT_MS }]);
    expect(handle({ type: "ticked", at: millis(T0 + TIMEOUT_MS) })).toEqual([
      { type: "forgetHeart", uuid: "u0" },
      { type: "registrationExpired", engine: entry(0, "u0") },
      { type: "wakeAt", at: T0 + TIMEOUT_MS + 10 },
    ]);
    expect(handle(request("u0"))[0]).toMatchObject({ type: "replyRegistered", engine: { id: 2 } });
  });

  it("no more engines register than the bound allows", () => {
    const { handle } = machine(1);
    handle(request("u0"));
    expect(handle(request("u1"))).toMatchObject([{ type: "replyRefused", ename: "RuntimeError" }]);
  });

  it("a restored engine is routed when its heart was heard and its sockets had time to connect, and ids go on counting", () => {
    const { handle, registration } = machine();
    const table = { engines: { "3": "a", x: "b", "5": "", "6": "dead" }, next_id: 9 };
    expect(handle({ type: "tableRestored", at: T0, table })).toEqual([
      { type: "watchHeart", uuid: "a" },
      { type: "watchHeart", uuid: "dead" },
      { type: "wakeAt", at: T0 + TIMEOUT_MS },
    ]);
    expect(handle(beat("a"))).toEqual([{ type: "wakeAt", at: T0 + 500 }]);
    expect(handle({ type: "ticked", at: millis(T0 + 499) })[0]).toEqual({ type: "wakeAt", at: T0 + 500 });
    expect(handle({ type: "ticked", at: millis(T0 + 500) })[0]).toEqual({ type: "admitEngine", engine: entry(3, "a") });
    expect(handle(admitted(3))).toEqual([{ type: "publishRegistration", engine: entry(3, "a") }, { type: "persistTable" }]);
    expect(handle(request("n"))[0]).toMatchObject({ engine: { id: 9 } });
    expect(handle({ type: "ticked", at: millis(T0 + TIMEOUT_MS) })).toContainEqual({ type: "registrationExpired", engine: entry(6, "dead") });
    expect(registration.visible).toEqual([entry(3, "a")]);
  });

  it("a restored engine keeps what it told of itself, but for what belongs to the controller before", () => {
    const { handle, registration } = machine();
    const own = { host: "mezcal", language: "typescript" };
    const table = { engines: { "0": "a", "1": "b" }, next_id: 2, properties: { "0": { ...own, prefetch: 1 }, "1": 7 as never } };
    handle({ type: "tableRestored", at: T0, table });
    for (const uuid of ["a", "b"]) handle({ type: "heartBeat", at: millis(T0 + 600), uuid: engineUuid(uuid) });
    for (const id of [0, 1]) handle(admitted(id));
    expect(registration.visible.map(({ properties }) => properties)).toEqual([own, {}]);
    expect(registration.table()).toEqual({ engines: { "0": "a", "1": "b" }, next_id: 2, properties: { "0": own, "1": {} } });
  });

  it("a restored engine that is heard late is routed at once, and one that leaves meanwhile never", () => {
    const { handle } = machine();
    handle({ type: "tableRestored", at: T0, table: { engines: { "0": "a", "1": "b" }, next_id: 2 } });
    expect(handle({ type: "heartBeat", at: millis(T0 + 600), uuid: engineUuid("a") })).toEqual([{ type: "admitEngine", engine: entry(0, "a") }]);
    handle(beat("b"));
    handle({ type: "unregistrationRequested", at: T0, id: 1 });
    expect(handle({ type: "ticked", at: millis(T0 + 700) })).toEqual([]);
  });

  it("waits ten heart periods for the first beat, and at least 30 seconds", () => {
    expect(registrationConfig(3000).registrationTimeoutMs).toBe(30_000);
    expect(registrationConfig(250).registrationTimeoutMs).toBe(30_000);
    expect(registrationConfig(10_000).registrationTimeoutMs).toBe(100_000);
  });

  it("whatever happens in whatever order, every invariant holds and no id is given twice", () => {
    const uuid = fc.constantFrom("a", "b", "c", "d").map(engineUuid);
    const id = fc.integer({ min: 0, max: 6 });
    const at = fc.constant(T0);
    const event: fc.Arbitrary<RegistrationEvent> = fc.oneof(
      fc.record({
        type: fc.constant("registrationRequested" as const),
        at: fc.integer({ min: 0, max: 100_000 }).map((ms) => millis(T0 + ms)),
        peer: fc.constant(PEER),
        uuid: fc.option(uuid, { nil: undefined }),
        requestedId: fc.option(id, { nil: undefined }),
        properties: fc.constant({}),
      }),
      fc.record({ type: fc.constant("heartBeat" as const), at, uuid }),
      fc.record({ type: fc.constant("tableRestored" as const), at, table: fc.record({ engines: fc.dictionary(id.map(String), uuid), next_id: id }) }),
      fc.record({ type: fc.constant("unregistrationRequested" as const), at, id }),
      fc.record({ type: fc.constant("engineEnded" as const), at, uuid, cause: fc.constant("x") }),
      fc.record({ type: fc.constant("engineAdmitted" as const), at, id: id.map(engineId) }),
      fc.record({ type: fc.constant("engineExpelled" as const), at, id: id.map(engineId) }),
      fc.record({ type: fc.constant("ticked" as const), at: fc.integer({ min: 0, max: 200_000 }).map((ms) => millis(T0 + ms)) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const { handle } = machine();
        const given: number[] = [];
        const published = new Set<number>();
        const unheardOf: number[] = [];
        for (const one of events) {
          for (const effect of handle(one)) {
            if (effect.type === "replyRegistered") given.push(effect.engine.id);
            if (effect.type === "publishRegistration") published.add(effect.engine.id);
            if (effect.type === "publishUnregistration" && !published.delete(effect.engine.id)) unheardOf.push(effect.engine.id);
          }
        }
        expect(unheardOf).toEqual([]);
        expect(new Set(given).size).toBe(given.length);
      }),
    );
  });
});
