// Messages between bytes and dictionaries: building, opening (cut and check), reading whole, and one hop through each
// transport. Times are per message of about 500 bytes.

import { performance } from "node:perf_hooks";
import { createSession, MemoryTransport, ZeromqTransport, type Transport } from "../../src/net/index.ts";
import { framesBytes, splitFrames, type Frame } from "../../src/wire/index.ts";
import type { BenchRow } from "./types.ts";

const METADATA = { targets: [], retries: 0, timeout: 0, after: [], follow: [], label: null };
const BUFFERS: readonly Frame[] = [new Uint8Array(180), new Uint8Array(60), new Uint8Array(20)];

/** Microseconds each of `count` calls takes. */
function time(count: number, call: (index: number) => void): number {
  const start = performance.now();
  for (let index = 0; index < count; index += 1) call(index);
  return ((performance.now() - start) * 1000) / count;
}

/** Measures; `messages` default 50,000. */
export async function run(options: { readonly messages?: number } = {}): Promise<BenchRow[]> {
  const messages = options.messages ?? 50_000;
  const sender = createSession({ key: "a key of some length" });
  const receiver = createSession({ key: "a key of some length" });
  const built: Frame[][] = [];
  const build = time(messages, () => {
    built.push(sender.build("apply_request", {}, { metadata: METADATA, buffers: BUFFERS }));
  });
  let cut = 0;
  const split = time(messages, (index) => {
    cut += splitFrames(built[index] as Frame[])?.buffers.length ?? 0;
  });
  let opened = 0;
  const open = time(messages, (index) => {
    opened += receiver.open(built[index] as Frame[]).ok ? 1 : 0;
  });
  let parsed = 0;
  const parse = time(messages, (index) => {
    parsed += receiver.parse(built[index] as Frame[]).ok ? 1 : 0;
  });
  const bytes = framesBytes(built[0] as Frame[]);
  return [
    { name: "framing: build and sign", value: build, unit: "µs", check: `${built.length} of ${bytes} bytes` },
    { name: "framing: split", value: split, unit: "µs", check: `${cut} buffers` },
    { name: "framing: open (split and check)", value: open, unit: "µs", check: `${opened} opened` },
    { name: "framing: read whole", value: parse, unit: "µs", check: `${parsed} read` },
    await hop("memory", new MemoryTransport(), built),
    await hop("ZeroMQ", new ZeromqTransport(), built),
  ];
}

/** Sends all messages from a dealer to a router. */
async function hop(name: string, transport: Transport, messages: readonly Frame[][]): Promise<BenchRow> {
  const router = await transport.bind("router", { interface: "tcp://127.0.0.1", port: 0 });
  const dealer = transport.connect("dealer", [`tcp://127.0.0.1:${router.port}`]);
  let received = 0;
  const start = performance.now();
  const all = new Promise<void>((resolve) => {
    router.receive(() => {
      received += 1;
      if (received === messages.length) resolve();
    });
  });
  for (const message of messages) {
    if (!dealer.send(message)) {
      await dealer.flushed();
      dealer.send(message);
    }
  }
  await all;
  const micros = ((performance.now() - start) * 1000) / messages.length;
  await transport.close();
  return { name: `transport: one hop over ${name}`, value: micros, unit: "µs", check: `${received} received` };
}
