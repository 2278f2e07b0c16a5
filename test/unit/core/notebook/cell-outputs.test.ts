// Outputs of a cell, from the kernel's messages to the notebook's fields.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CellOutputs, Displays, StreamText } from "../../../../src/core/notebook/index.ts";
import type { Dict } from "../../../../src/wire/index.ts";

const MANY = 1_000_000;

function outputsOf(messages: readonly (readonly [type: string, content: Dict])[], charsMax = MANY): unknown[] {
  const outputs = new CellOutputs(charsMax, new Displays());
  for (const [type, content] of messages) outputs.take(type, content);
  return outputs.outputs();
}

const stdout = (text: string): readonly [string, Dict] => ["stream", { name: "stdout", text }];
const display = (text: string, id?: string): readonly [string, Dict] => [
  "display_data",
  { data: { "text/plain": text }, metadata: {}, transient: id === undefined ? {} : { display_id: id } },
];
const textOfStream = (text: string, charsMax = MANY): string => {
  const stream = new StreamText(charsMax);
  stream.append(text);
  return stream.text;
};

describe("the outputs of a cell", () => {
  it("are the kinds that the format has, with texts in lines", () => {
    expect(
      outputsOf([
        stdout("a\nb"),
        [
          "display_data",
          { data: { "image/svg+xml": "<svg>\n</svg>", "image/png": "AAA\n", "application/json": { a: 1 } }, metadata: { "image/png": { width: 1 } } },
        ],
        ["execute_result", { data: { "text/plain": "3" }, metadata: {}, execution_count: 2 }],
        ["error", { ename: "E", evalue: "v", traceback: ["t"] }],
        ["comm_open", { comm_id: "1" }],
      ]),
    ).toEqual([
      { name: "stdout", output_type: "stream", text: ["a\n", "b"] },
      {
        data: { "image/svg+xml": ["<svg>\n", "</svg>"], "image/png": "AAA\n", "application/json": { a: 1 } },
        metadata: { "image/png": { width: 1 } },
        output_type: "display_data",
      },
      { data: { "text/plain": ["3"] }, execution_count: 2, metadata: {}, output_type: "execute_result" },
      { ename: "E", evalue: "v", output_type: "error", traceback: ["t"] },
    ]);
  });

  it("join what one stream writes in a row", () => {
    const stderr = ["stream", { name: "stderr", text: "e" }] as const;
    expect(outputsOf([stdout("a"), stdout("b"), stderr, stdout("c")])).toMatchObject([{ text: ["ab"] }, { name: "stderr" }, { text: ["c"] }]);
  });

  it("are cleared at once, or before the next one", () => {
    expect(outputsOf([stdout("a"), ["clear_output", { wait: false }]])).toEqual([]);
    expect(outputsOf([stdout("a"), ["clear_output", { wait: true }]])).toMatchObject([{ text: ["a"] }]);
    expect(outputsOf([stdout("a"), ["clear_output", { wait: true }], stdout("b"), stdout("c")])).toMatchObject([{ text: ["bc"] }]);
  });

  it("change with an update of their id, and with a further display of it", () => {
    const update = ["update_display_data", display("2", "d")[1]] as const;
    expect(outputsOf([display("1", "d"), stdout("x"), update])).toMatchObject([{ data: { "text/plain": ["2"] } }, {}]);
    expect(outputsOf([display("1", "d"), display("3", "d")])).toMatchObject([{ data: { "text/plain": ["3"] } }, { data: { "text/plain": ["3"] } }]);
    expect(outputsOf([update])).toEqual([]);
    expect(outputsOf([display("1", "d"), ["clear_output", {}], update])).toEqual([]);
  });

  it("say what was left out, and keep an error whatever came before", () => {
    const [first, ...rest] = outputsOf(
      [stdout("x".repeat(50_000)), ...Array.from({ length: 20 }, () => display("y".repeat(500))), ["error", { ename: "E" }]],
      4000,
    );
    expect(JSON.stringify(first).length).toBeLessThan(2300);
    expect(rest.at(-2)).toEqual({ ename: "E", evalue: "", output_type: "error", traceback: [] });
    expect(rest.at(-1)).toMatchObject({
      name: "stderr",
      text: [expect.stringMatching(/^\d+ further outputs were left out: a cell's outputs may have 4,000 characters\n$/)],
    });
  });

  it("stay within their bound, whatever is published", () => {
    const text = fc.string({ maxLength: 3000, unit: fc.constantFrom("a", "\n", "\r", "é") });
    const message = fc.oneof(
      text.map(stdout),
      text.map((one) => ["stream", { name: "stderr", text: one }] as const),
      text.map((one) => display(one, "d")),
      text.map((one) => ["update_display_data", display(one, "d")[1]] as const),
      fc.boolean().map((wait) => ["clear_output", { wait }] as const),
    );
    fc.assert(
      fc.property(fc.array(message, { maxLength: 50 }), (messages) => {
        // Lines are texts of their own in JSON, four characters each at most; the notes of what was left out come on top.
        expect(JSON.stringify(outputsOf(messages, 5000)).length).toBeLessThan(5 * 5000 + 3000);
      }),
    );
  });
});

describe("a stream's text", () => {
  it("has at last what a carriage return left of a line", () => {
    expect(textOfStream("10 %\r20 %\r30 %")).toBe("30 %");
    expect(textOfStream("a\r\nb\r\n")).toBe("a\nb\n");
    expect(textOfStream("a\nbar\rbaz\n")).toBe("a\nbaz\n");
    expect(textOfStream("100 %\r")).toBe("100 %");
  });

  it("is the same however it is cut into messages", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "b", "\n", "\r"), maxLength: 8 }), { maxLength: 12 }), (parts) => {
        const stream = new StreamText(MANY);
        for (const part of parts) stream.append(part);
        expect(stream.text).toBe(textOfStream(parts.join("")));
      }),
    );
  });

  it("keeps beginning and end of too much, and counts the rest", () => {
    const stream = new StreamText(1000);
    for (let line = 0; line < 10_000; line += 1) stream.append(`line ${line}\n`);
    expect(stream.text.startsWith("line 0\nline 1\n")).toBe(true);
    expect(stream.text.endsWith("line 9998\nline 9999\n")).toBe(true);
    const cut = Number(/… ([\d,]+) characters were left out here …/.exec(stream.text)?.[1]?.replaceAll(",", ""));
    const written = Array.from({ length: 10_000 }, (_, line) => `line ${line}\n`).join("").length;
    expect(cut).toBe(written - 1000);
    expect(textOfStream("x".repeat(5000), 1000).length).toBeLessThan(1100);
  });
});
