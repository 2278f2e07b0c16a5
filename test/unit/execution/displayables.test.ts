import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { html, json, latex, markdown, svg } from "../../../src/execution/host/displayables.ts";

describe("a displayable where only text can be shown", () => {
  it.each([
    [markdown("# title"), "# title"],
    [latex("$x$"), "$x$"],
    [json({ a: [1] }), "{ a: [ 1 ] }"],
    [html("<b>bold</b>"), "<text/html>"],
    [svg("<svg/>"), "<image/svg+xml>"],
  ])("%# is a text for readers, or what it is", (value, text) => {
    expect(inspect(value)).toBe(text);
    expect(Object.keys(value)).toEqual([]);
  });
});
