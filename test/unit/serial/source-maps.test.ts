import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeMappings, originalPlace, positionInFile } from "../../../src/serial/source-maps.ts";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function encodeNumber(number: number): string {
  let rest = number < 0 ? -2 * number + 1 : 2 * number;
  let text = "";
  do {
    const digit = rest % 32;
    rest = Math.floor(rest / 32);
    text += DIGITS[rest > 0 ? digit + 32 : digit];
  } while (rest > 0);
  return text;
}

/** Mappings as compilers write them. */
function encode(lines: readonly (readonly number[])[]): string {
  const last = [0, 0, 0, 0];
  return lines
    .map((line) => {
      last[0] = 0;
      const segments: string[] = [];
      for (let i = 0; i < line.length; i += 4) {
        const now = line.slice(i, i + 4);
        segments.push(now.map((number, j) => encodeNumber(number - (last[j] as number))).join(""));
        last.splice(0, 4, ...now);
      }
      return segments.join(",");
    })
    .join(";");
}

const mapUrl = (lines: readonly (readonly number[])[]): string =>
  `data:application/json,${JSON.stringify({ version: 3, sources: ["user.ts"], mappings: encode(lines) })}`;

let scripts = 0;
/** A script that no other test has. */
const freshUrl = (): string => `file:///out/script-${(scripts += 1)}.js`;

describe("a source map", () => {
  test("is read as it was written", () => {
    const line = fc.array(fc.tuple(fc.nat(1000), fc.nat(5), fc.nat(100_000), fc.nat(500)), { maxLength: 5 }).map((tuples) => tuples.flat());
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), (lines) => {
        expect(decodeMappings(encode(lines))).toEqual(lines);
      }),
    );
  });

  test("of a compiler that keeps lines needs no more than the start", () => {
    const url = freshUrl();
    const place = originalPlace({ url, line: 1, column: 2 }, "() => {\n  a;\n}", 0, mapUrl([[], [2, 0, 7, 4], [2, 0, 8, 2], [0, 0, 9, 0]]));
    expect(place).toEqual({ url: "file:///out/user.ts", line: 7, column: 4 });
  });

  test("of a compiler that puts all on one line tells each part's place", () => {
    const url = freshUrl();
    const text = "function f(){a;throw b}";
    const place = originalPlace(
      { url, line: 0, column: 5 },
      text,
      "function f".length,
      mapUrl([[0, 0, 1, 0, 5, 0, 10, 0, 15, 0, 10, 10, 18, 0, 14, 2, 20, 0, 20, 4, 26, 0, 20, 10]]),
    );
    expect(place).toMatchObject({ url: "file:///out/user.ts", line: 10, column: 0, lines: [0, 0, 10, 0, 0, 13, 14, 2, 0, 15, 20, 4] });
    const at = (column: number): unknown => positionInFile({ line: 10, column: 0, lines: place.lines ?? [] }, 0, column);
    expect([at(3), at(13), at(15), at(21)]).toEqual([
      { line: 10, column: 3 },
      { line: 14, column: 2 },
      { line: 20, column: 4 },
      { line: 20, column: 10 },
    ]);
  });

  test.each(["", "data:application/json,nonsense", "missing.map", 'data:application/json,{"sources":["a"],"mappings":"?"}'])(
    "%s costs the original lines only",
    (map) => {
      const start = { url: freshUrl(), line: 3, column: 1 };
      expect(originalPlace(start, "() => 1", 0, map)).toEqual(start);
    },
  );
});
