// A front end's sockets, against a kernel in memory.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { KernelConnection } from "../../../src/kernel/index.ts";
import { createSession, MemoryNetwork, MemoryTransport, type BoundSocket } from "../../../src/net/index.ts";
import { KernelLink } from "../../../src/notebook/kernel-link.ts";
import type { Dict, Message, Session } from "../../../src/wire/index.ts";
import { until } from "../../support/until.ts";

const KEY = "k";
const ADDRESS = "tcp://127.0.0.1";

/** A kernel that answers what a test wants it to. */
class FakeKernel {
  readonly requests: Message[] = [];
  readonly controls: string[] = [];
  pings = 0;
  answersPings = true;
  readonly connection: KernelConnection;
  readonly #session: Session = createSession({ key: KEY });
  readonly #shell: BoundSocket;
  readonly #iopub: BoundSocket;

  private constructor(sockets: readonly BoundSocket[]) {
    const [shell, control, heart, iopub] = sockets as [BoundSocket, BoundSocket, BoundSocket, BoundSocket];
    [this.#shell, this.#iopub] = [shell, iopub];
    const ports = { shellPort: shell.port, controlPort: control.port, stdinPort: 1, iopubPort: iopub.port, heartbeatPort: heart.port };
    this.connection = { interface: ADDRESS, ...ports, key: KEY, signatureScheme: "hmac-sha256" };
    shell.receive((frames) => this.requests.push(this.#read(frames)));
    control.receive((frames) => this.controls.push(this.#read(frames).header.msg_type));
    heart.receive((frames) => {
      this.pings += 1;
      if (this.answersPings) heart.send(frames);
    });
  }

  static async start(network: MemoryNetwork): Promise<FakeKernel> {
    const transport = new MemoryTransport(network);
    const bind = (kind: "router" | "pub"): Promise<BoundSocket> => transport.bind(kind, { interface: ADDRESS, port: 0 });
    return new FakeKernel(await Promise.all([bind("router"), bind("router"), bind("router"), bind("pub")]));
  }

  #read(frames: Parameters<Session["parse"]>[0]): Message {
    const parsed = this.#session.parse(frames);
    if (!parsed.ok) throw new Error(`a front end wrote nonsense: ${parsed.reason}`);
    return parsed.value;
  }

  reply({ idents, header }: Message, msgType: string, content: Dict): void {
    this.#shell.send(this.#session.build(msgType, content, { idents, parent: header }));
  }

  publish(msgType: string, content: Dict, parent?: Message): void {
    this.#iopub.send(this.#session.build(msgType, content, { idents: [Buffer.from("topic")], ...(parent === undefined ? {} : { parent: parent.header }) }));
  }

  publishNonsense(): void {
    this.#iopub.send([Buffer.from("nonsense")]);
  }

  async request(index: number): Promise<Message> {
    await until(() => this.requests.length > index);
    return this.requests[index] as Message;
  }
}

let kernel: FakeKernel;
let link: KernelLink;
let heard: unknown[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const network = new MemoryNetwork();
  kernel = await FakeKernel.start(network);
  heard = [];
  link = new KernelLink(new MemoryTransport(network), createSession({ key: KEY }), kernel.connection, {
    published: (request, msgType, content) => heard.push([request, msgType, content]),
    replied: (request, content) => heard.push([request, "reply", content]),
    unreadable: () => heard.push("unreadable"),
    heartStopped: (silentMs) => heard.push(["stopped", silentMs]),
  });
});
afterEach(async () => {
  vi.useRealTimers();
  await link[Symbol.asyncDispose]();
});

/** Connects, and gives the number of requests that took. */
async function ready(): Promise<void> {
  const info = link.ready(new AbortController().signal);
  kernel.reply(await kernel.request(0), "kernel_info_reply", { a: 1 });
  kernel.publish("status", {});
  expect(await info).toEqual({ a: 1 });
}

describe("a link to a kernel", () => {
  it("is ready when the kernel answers and is heard, and asks again until it is", async () => {
    let isReady = false;
    const info = link.ready(new AbortController().signal).then((content) => {
      isReady = true;
      return content;
    });
    kernel.reply(await kernel.request(0), "kernel_info_reply", { a: 1 });
    // What the first request made it publish came before the subscription.
    const again = await kernel.request(1);
    expect(isReady).toBe(false);
    kernel.publish("status", {});
    kernel.reply(again, "kernel_info_reply", { a: 2 });
    expect(await info).toEqual({ a: expect.any(Number) as number });
  });

  it("gives up to get ready when it is told to", async () => {
    const reason = new Error("no more");
    const signal = new AbortController();
    const info = link.ready(signal.signal);
    signal.abort(reason);
    await expect(info).rejects.toBe(reason);
  });

  it("executes cells without asking anybody, and tells what comes for them, by their number", async () => {
    await ready();
    link.execute(7, "1 + 1");
    const isCell = ({ header }: Message): boolean => header.msg_type === "execute_request";
    await until(() => kernel.requests.some(isCell));
    const request = kernel.requests.find(isCell) as Message;
    expect(request).toMatchObject({ content: { code: "1 + 1", allow_stdin: false, stop_on_error: true } });
    kernel.publish("stream", { text: "nobody's" });
    kernel.publish("stream", { text: "its" }, request);
    kernel.reply(request, "execute_reply", { status: "ok" });
    kernel.publishNonsense();
    await until(() => heard.length === 3);
    expect(heard).toEqual(expect.arrayContaining([[7, "stream", { text: "its" }], [7, "reply", { status: "ok" }], "unreadable"]));
  });

  it("interrupts and ends the kernel on the control channel", async () => {
    await ready();
    link.interrupt();
    link.shutdown();
    await until(() => kernel.controls.length === 2);
    expect(kernel.controls).toEqual(["interrupt_request", "shutdown_request"]);
  });
});

describe("a kernel's heart", () => {
  /** Lets so many beats pass, each answered or not before the next. */
  async function beat(times: number): Promise<void> {
    for (let i = 0; i < times; i += 1) {
      const before = kernel.pings;
      vi.advanceTimersByTime(5000);
      await until(() => kernel.pings > before);
      for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it("counts as stopped after a minute of silence, if it has beaten beside a cell before", async () => {
    await ready();
    link.execute(1, "");
    await beat(2);
    kernel.answersPings = false;
    await beat(12);
    expect(heard).toEqual([]);
    await beat(1);
    expect(heard).toEqual([["stopped", 60_000]]);
  });

  it("says nothing of a kernel that never answers while a cell runs", async () => {
    await ready();
    await beat(2);
    kernel.answersPings = false;
    link.execute(1, "");
    await beat(20);
    expect(heard).toEqual([]);
  });
});
