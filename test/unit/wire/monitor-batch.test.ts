import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { millis } from "../../../src/base/index.ts";
import { MONITOR_KINDS, MonitorBatchWriter, readMonitorBatch } from "../../../src/wire/monitor-batch.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("monitor batches", () => {
  it("whatever is packed is read again, entry by entry, over several batches of one writer", () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 6 });
    const entry = fc.record({ kind: fc.constantFrom(...MONITOR_KINDS), at: fc.double({ noNaN: true, min: 0, max: 1e13 }), frames, buffers: frames });
    const writer = new MonitorBatchWriter();
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
        for (const { kind, at, frames: heads, buffers } of entries) writer.add(kind, millis(at), heads, buffers, Infinity);
        expect(writer.count).toBe(entries.length);
        const read = [...readMonitorBatch(writer.take())];
        expect(read).toEqual(entries.map(({ kind, at, frames: heads, buffers }) => ({ kind, at, frames: [...heads, ...buffers] })));
        expect(writer.length).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it("buffers above the bound are told by their lengths alone, also empty ones", () => {
    const writer = new MonitorBatchWriter();
    writer.add("muxRequest", millis(1), [bytes("head")], [new Uint8Array(0), new Uint8Array(600), new Uint8Array(500)], 1000);
    writer.add("muxRequest", millis(2), [], [new Uint8Array(600), new Uint8Array(400)], 1000);
    const [first, second] = [...readMonitorBatch(writer.take())];
    expect(first?.frames.slice(1)).toEqual([0, 600, 500]);
    expect(second?.frames).toEqual([new Uint8Array(600), new Uint8Array(400)]);
  });

  it("a batch has an array buffer of its own, which may be given away", () => {
    const writer = new MonitorBatchWriter();
    writer.add("taskDestination", millis(1), [bytes("a")], [], 0);
    const first = writer.take();
    writer.add("taskDestination", millis(2), [bytes("b")], [], 0);
    expect(writer.take().buffer).not.toBe(first.buffer);
  });
});
