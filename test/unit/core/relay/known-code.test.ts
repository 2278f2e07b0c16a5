import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { engineUuid } from "../../../../src/base/index.ts";
import { KnownCode, type Code } from "../../../../src/core/relay/index.ts";

const E = engineUuid("e");
const code = (key: string, bytes = 10): Code => ({ key, bytes });
const [A, B, C] = [code("a"), code("b"), code("c")] as const;

function joined(limits: ConstructorParameters<typeof KnownCode>[0] = {}): KnownCode {
  const books = new KnownCode(limits);
  books.engineJoined(E);
  return books;
}

describe("what an engine is believed to have", () => {
  it("is what was sent to it: it goes once", () => {
    const books = joined();
    expect(books.send(E, "1", [A, B])).toEqual([A, B]);
    expect(books.send(E, "2", [B, C])).toEqual([C]);
    expect(books.send(E, "3", [A, B, C])).toEqual([]);
  });

  it("is nothing at an engine that does not keep code, joined anew, or gave requests back", () => {
    const books = new KnownCode();
    expect([books.send(E, "1", [A]), books.send(E, "2", [A])]).toEqual([[A], [A]]);
    books.engineJoined(E);
    books.send(E, "3", [A]);
    books.engineLeft(E);
    books.engineJoined(E);
    expect(books.send(E, "4", [A])).toEqual([A]);
    books.forget(E);
    expect(books.send(E, "5", [A])).toEqual([A]);
  });

  it("is bounded in number and bytes: what was not needed for longest goes again", () => {
    const few = joined({ entriesMax: 2 });
    for (const each of [A, B, A, C]) few.send(E, "1", [each]);
    expect([few.send(E, "2", [A]), few.send(E, "3", [B])]).toEqual([[], [B]]);
    const small = joined({ bytesMax: 100 });
    small.send(E, "1", [code("large", 90), A, B]);
    expect(small.send(E, "2", [code("large", 90)])).toHaveLength(1);
    small.validate();
  });
});

describe("a request that went without some of its code", () => {
  it("is on hold with all of it until it is answered", () => {
    const books = joined();
    books.send(E, "1", [A]);
    books.send(E, "2", [A, B]);
    expect(books.asked(E, "1")).toBeUndefined();
    expect(books.asked(E, "2")).toEqual([A, B]);
    books.answered(E, "2");
    expect(books.asked(E, "2")).toBeUndefined();
  });

  it("casts doubt on everything that was sent when its engine asks", () => {
    const books = joined();
    for (const id of ["1", "2"]) books.send(E, id, [A, B]);
    books.asked(E, "2");
    expect(books.send(E, "3", [A, B])).toEqual([A, B]);
  });

  it("takes all its code along when too many are on hold", () => {
    const books = joined({ holdsMax: 1 });
    for (const id of ["1", "2", "3"]) books.send(E, id, [A]);
    expect(books.asked(E, "3")).toBeUndefined();
    expect(books.send(E, "4", [A])).toEqual([A]);
    books.validate();
  });
});

// An engine with a cache of its own, smaller than what is believed of it: it forgets, is started anew, loses messages.
type Step =
  | { readonly op: "send"; readonly codes: readonly number[] }
  | { readonly op: "lose"; readonly codes: readonly number[] }
  | { readonly op: "run" | "restart" | "giveBack" };

const codesOf = fc.uniqueArray(fc.nat(7), { minLength: 1, maxLength: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant("send" as const), codes: codesOf }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("lose" as const), codes: codesOf }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant("run" as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("restart" as const, "giveBack" as const) }) },
);

describe("any interleaving of requests, forgetting, losses and restarts", () => {
  it("leaves an engine with all the code of each request that it comes to run", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }), (steps, cacheSize, holdsMax) => {
        const books = joined({ entriesMax: 4, holdsMax });
        let cache: string[] = [];
        let queue: { readonly id: string; readonly wanted: readonly string[]; readonly came: readonly Code[] }[] = [];
        let number = 0;
        const send = (codes: readonly number[]): (typeof queue)[number] => {
          const id = String((number += 1));
          const wanted = codes.map((each) => code(`c${each}`));
          return { id, wanted: wanted.map(({ key }) => key), came: books.send(E, id, wanted) };
        };
        const run = (): void => {
          const request = queue.shift();
          if (request === undefined) return;
          let had = new Set([...cache, ...request.came.map(({ key }) => key)]);
          if (!request.wanted.every((key) => had.has(key))) had = new Set((books.asked(E, request.id) ?? []).map(({ key }) => key));
          expect(request.wanted.filter((key) => !had.has(key))).toEqual([]);
          cache = [...new Set([...request.wanted, ...cache])].slice(0, cacheSize);
          books.answered(E, request.id);
        };
        for (const each of steps) {
          if (each.op === "send") queue.push(send(each.codes));
          else if (each.op === "lose") books.answered(E, send(each.codes).id);
          else if (each.op === "run") run();
          else if (each.op === "giveBack") {
            for (const { id } of queue) books.answered(E, id);
            queue = [];
            books.forget(E);
          } else {
            [cache, queue] = [[], []];
            books.engineLeft(E);
            books.engineJoined(E);
          }
          books.validate();
        }
        while (queue.length > 0) run();
      }),
    );
  });
});
