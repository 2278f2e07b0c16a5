import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { engineUuid } from "../../../../src/base/index.ts";
import { MuxLedger } from "../../../../src/core/relay/index.ts";

const E = engineUuid("e");

function ledgerOf(bytesMax: number): MuxLedger {
  const ledger = new MuxLedger(bytesMax);
  ledger.open(E);
  return ledger;
}

describe("the ledger of an engine", () => {
  it("is there from the moment it joins until it leaves", () => {
    const ledger = new MuxLedger(100);
    expect(ledger.has("e")).toBe(false);
    ledger.open(E);
    expect(ledger.has("e")).toBe(true);
    ledger.close(E);
    expect(ledger.has("e")).toBe(false);
  });

  it("counts a request until its reply, and has room up to the bound", () => {
    const ledger = ledgerOf(100);
    ledger.sent("e", "a", 60);
    expect([ledger.hasRoom("e", 40), ledger.hasRoom("e", 41)]).toEqual([true, false]);
    ledger.answered("e", "a");
    expect(ledger.owed("e")).toBe(0);
  });

  it("always has room for one message, of any size", () => {
    const ledger = ledgerOf(100);
    expect(ledger.hasRoom("e", 1000)).toBe(true);
    ledger.sent("e", "a", 1000);
    expect(ledger.hasRoom("e", 0)).toBe(false);
  });

  it("forgets messages that get no reply at any answer: the engine has read them", () => {
    const ledger = ledgerOf(100);
    ledger.sent("e", "a", 60);
    ledger.sent("e", undefined, 40);
    expect(ledger.owed("e")).toBe(100);
    ledger.answered("e", "unknown");
    expect(ledger.owed("e")).toBe(60);
  });

  it("counts an answer that comes twice once", () => {
    const ledger = ledgerOf(100);
    ledger.sent("e", "a", 60);
    ledger.sent("e", "b", 10);
    ledger.answered("e", "a");
    ledger.answered("e", "a");
    expect(ledger.owed("e")).toBe(10);
  });

  it("counts a request that is sent again once, with its last size", () => {
    const ledger = ledgerOf(100);
    ledger.sent("e", "a", 60);
    ledger.sent("e", "a", 20);
    expect(ledger.owed("e")).toBe(20);
  });

  it("takes nothing for an engine that is not there, and owes nothing after it left and came back", () => {
    const ledger = new MuxLedger(100);
    ledger.sent("e", "a", 60);
    ledger.answered("e", "a");
    expect([ledger.owed("e"), ledger.hasRoom("e", 1000)]).toEqual([0, true]);
    ledger.open(E);
    ledger.sent("e", "b", 60);
    ledger.close(E);
    ledger.open(E);
    expect(ledger.owed("e")).toBe(0);
  });

  it("owes exactly what was sent and not answered, after any course", () => {
    const step = fc.record({ do: fc.constantFrom("sent" as const, "note" as const, "answered" as const), id: fc.nat(5), bytes: fc.nat(50) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ledger = ledgerOf(100);
        const unanswered = new Map<string, number>();
        let notes = 0;
        for (const { do: what, id, bytes } of steps) {
          if (what === "note") {
            ledger.sent("e", undefined, bytes);
            notes += bytes;
          } else if (what === "sent") {
            ledger.sent("e", String(id), bytes);
            unanswered.set(String(id), bytes);
          } else {
            ledger.answered("e", String(id));
            unanswered.delete(String(id));
            notes = 0;
          }
          const owed = [...unanswered.values()].reduce((sum, one) => sum + one, notes);
          expect(ledger.owed("e")).toBe(owed);
          expect(ledger.hasRoom("e", bytes)).toBe(owed === 0 || owed + bytes <= 100);
        }
      }),
    );
  });
});
