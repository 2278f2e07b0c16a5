import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConfigError, engineUuid, millis } from "../../../src/base/index.ts";
import { CodeTable } from "../../../src/controller/code-table.ts";
import { Drops } from "../../../src/controller/drops.ts";
import { directLinks, type ToHub, type ToRouter } from "../../../src/controller/hub-link.ts";
import { IntakeGate } from "../../../src/controller/intake-gate.ts";
import { Monitor } from "../../../src/controller/monitor.ts";
import { readMonitorEvents } from "../../../src/controller/monitor-reader.ts";
import { completeOptions } from "../../../src/controller/options.ts";
import { dealPorts, parsePorts, portsOfFiles } from "../../../src/controller/ports.ts";
import { TaskPayload } from "../../../src/controller/task-payload.ts";
import { WakeTimer } from "../../../src/controller/wake-timer.ts";
import { resolveProfile } from "../../../src/config/index.ts";
import { createLogger, type LogEntry } from "../../../src/log/index.ts";
import { createSession, curveKeyPair, newCurveKeyPair, type MessageSocket } from "../../../src/net/index.ts";
import { packCall } from "../../../src/serial/index.ts";
import { splitFrames, type Frame, type RawMessage } from "../../../src/wire/index.ts";
import { longFunction } from "../../support/long-function.ts";

const text = (value: string): Frame => Buffer.from(value);

describe("a task's payload", () => {
  it("is the same frames, byte for byte, before and after it was packed", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 500 }), { minLength: 1, maxLength: 12 }), (frames) => {
        const payload = new TaskPayload(frames, { codes: [], newBytes: 0 });
        const bytes = payload.bytes;
        payload.pack();
        payload.pack();
        expect(payload.frames.map((frame) => Buffer.from(frame))).toEqual(frames.map((frame) => Buffer.from(frame)));
        expect(payload.bytes).toBe(bytes);
      }),
    );
  });

  it("large frames are not copied", () => {
    const large = new Uint8Array(100_000);
    const payload = new TaskPayload([text("c"), large], { codes: [], newBytes: 0 });
    payload.pack();
    expect(payload.frames[1]).toBe(large);
  });

  it("has its code once in memory, however many tasks share it, and as the last frames, as much of it as is wanted", () => {
    const table = new CodeTable();
    const request = (): Frame[] => packCall(longFunction(1), []).map((frame) => new Uint8Array(frame));
    const payloadOf = (buffers: Frame[]): TaskPayload => new TaskPayload([text("c"), ...buffers], table.take(buffers));
    const [first, second] = [payloadOf(request()), payloadOf(request())];
    second.pack();
    expect(second.codes[0]?.frame).toBe(first.codes[0]?.frame);
    expect([first, second].map(({ frames }) => frames.map((frame) => Buffer.from(frame)))).toEqual(
      Array.from({ length: 2 }, () => [text("c"), ...request()].map((frame) => Buffer.from(frame))),
    );
    expect(second.framesWith([]).length).toBe(first.frames.length - 1);
    expect(first.bytes - second.bytes).toBe(first.codes[0]?.bytes);
  });

  it("keeps no code whose hash does not fit", () => {
    const buffers = packCall(longFunction(2), []).map((frame) => new Uint8Array(frame));
    (buffers.at(-1) as Uint8Array)[100] = 0;
    expect(new CodeTable().take(buffers)).toEqual({ codes: [], newBytes: 0 });
  });
});

describe("ports", () => {
  it("lists and ranges are read as the reference writes them", () => {
    expect(parsePorts("")).toEqual([]);
    expect(parsePorts("10101-10103,10200, 10102")).toEqual([10101, 10102, 10103, 10200]);
    expect(parsePorts("[5,6]")).toEqual([5, 6]);
    for (const wrong of ["x", "5-", "7-6", "0", "65536", "1.5", "-3"]) expect(() => parsePorts(wrong)).toThrow("--ports");
  });

  it("are dealt to the engines' side first, then to the clients', and free ones follow", () => {
    const ports = parsePorts("1-12");
    expect(dealPorts(ports, 0, 2)).toEqual({
      hub: { registration: 1, hb_ping: 6, hb_pong: 7, notification: 0 },
      router: {
        control: { engine: 2, client: 10 },
        mux: { engine: 3, client: 11 },
        task: { engine: 4, client: 12 },
        iopub: { engine: 5, client: 0 },
        broadcast: { leaves: [8, 9], client: 0 },
      },
    });
  });

  it("a registration port of its own is used once, though it is in the list too", () => {
    const plan = dealPorts(parsePorts("5,6"), 6, 1);
    expect(plan.hub.registration).toBe(6);
    expect(plan.router.control.engine).toBe(5);
    expect(plan.router.mux.engine).toBe(0);
  });

  it("of two connection files are all taken over", () => {
    const common = {
      ssh: "",
      interface: "tcp://127.0.0.1",
      registration: 1,
      key: "k",
      curve_serverkey: null,
      location: "",
      pack: "json",
      unpack: "json",
      signature_scheme: "hmac-sha256",
    };
    const plan = portsOfFiles(
      { ...common, control: 2, mux: 3, task: 4, iopub: 5, task_scheme: "lru", notification: 6, broadcast: 7 },
      { ...common, control: 8, mux: 9, task: 10, iopub: 11, hb_ping: 12, hb_pong: 13, broadcast: [14, 15] },
    );
    expect(plan).toEqual({
      hub: { registration: 1, notification: 6, hb_ping: 12, hb_pong: 13 },
      router: {
        control: { client: 2, engine: 8 },
        mux: { client: 3, engine: 9 },
        task: { client: 4, engine: 10 },
        iopub: { client: 5, engine: 11 },
        broadcast: { client: 7, leaves: [14, 15] },
      },
    });
  });
});

describe("drops", () => {
  it("each kind is logged once and counted always", () => {
    const entries: LogEntry[] = [];
    const drops = new Drops(createLogger("router", (entry) => entries.push(entry)));
    for (let index = 0; index < 5; index += 1) drops.count("mux.client", "badSignature");
    drops.count("task.client", "badSignature");
    expect(entries.map((entry) => entry.fields)).toEqual([
      { socket: "mux.client", reason: "badSignature" },
      { socket: "task.client", reason: "badSignature" },
    ]);
    expect(drops.counts).toEqual({ "mux.client.badSignature": 5, "task.client.badSignature": 1 });
  });
});

describe("the gate of a client-facing socket", () => {
  it("is closed while any reason stands", () => {
    const calls: string[] = [];
    const gate = new IntakeGate({ pause: () => calls.push("pause"), resume: () => calls.push("resume") } as unknown as MessageSocket);
    gate.set("hubBehind", true);
    gate.set("tooManyTasks", true);
    gate.set("hubBehind", false);
    expect(calls).toEqual(["pause"]);
    gate.set("tooManyTasks", false);
    gate.set("tooManyTasks", false);
    expect(calls).toEqual(["pause", "resume"]);
  });
});

describe("the link within one thread", () => {
  it("delivers in order, later, and what came before there was a handler", async () => {
    const { router, hub } = directLinks();
    const seen: string[] = [];
    router.post({ type: "synced", number: 1 });
    router.post({ type: "synced", number: 2 });
    hub.onMessage((message: ToHub) => {
      seen.push(`hub ${JSON.stringify(message)}`);
      if (message.type === "synced" && message.number === 2) hub.post({ type: "shutdown" });
    });
    router.onMessage((message: ToRouter) => seen.push(`router ${message.type}`));
    expect(seen).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual(['hub {"type":"synced","number":1}', 'hub {"type":"synced","number":2}', "router shutdown"]);
    router.close();
    hub.post({ type: "shutdown" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toHaveLength(3);
  });
});

describe("with a clock that stands still", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function monitored(): { monitor: Monitor; posted: ToHub[]; pressure: boolean[] } {
    const posted: ToHub[] = [];
    const pressure: boolean[] = [];
    const link = { post: (message: ToHub) => posted.push(message), onMessage: () => undefined, close: () => undefined };
    const monitor = new Monitor({ link: link as never, now: () => millis(5), bufferBytesMax: 1000, onPressure: (isPressed) => pressure.push(isPressed) });
    return { monitor, posted, pressure };
  }

  const session = createSession({ key: "k" });
  const rawOf = (type: string, buffers: readonly Frame[] = []): RawMessage =>
    splitFrames(session.build(type, { code: "1" }, { parent: { msg_id: "p" }, metadata: { label: 1 }, buffers })) as RawMessage;

  it("the monitor posts a batch when it is asked, when it is large, and after a while", () => {
    const { monitor, posted } = monitored();
    monitor.flush();
    expect(posted).toEqual([]);
    monitor.destination(engineUuid("e"), "a");
    expect(posted).toEqual([]);
    vi.advanceTimersByTime(30);
    expect(posted).toHaveLength(1);
    monitor.destination(engineUuid("e"), "b");
    monitor.flush();
    expect(posted).toHaveLength(2);
    for (let index = 0; index < 400; index += 1) monitor.request("taskRequest", undefined, rawOf("apply_request", [new Uint8Array(800)]));
    expect(posted.length).toBeGreaterThan(2);
    vi.advanceTimersByTime(1000);
    const batches = posted.map((message) => (message as ToHub & { type: "monitor" }).batch.length);
    expect(Math.max(...batches)).toBeLessThan(257 * 1024);
  });

  it("clients are held back while more than 16 MiB are unacknowledged, and let go when half of it is worked off", () => {
    const { monitor, posted, pressure } = monitored();
    const entry = rawOf("apply_request", [new Uint8Array(900)]);
    while (pressure.length === 0) monitor.request("taskRequest", undefined, entry);
    expect(monitor.unacknowledgedBytes).toBeGreaterThan(16 * 1024 * 1024);
    expect(pressure).toEqual([true]);
    for (const message of posted) if (message.type === "monitor" && monitor.unacknowledgedBytes > 9 * 1024 * 1024) monitor.credit(message.batch.length);
    expect(pressure).toEqual([true]);
    monitor.credit(2 * 1024 * 1024);
    expect(pressure).toEqual([true, false]);
  });

  it("every kind of entry comes out as the event it went in as", () => {
    const { monitor, posted } = monitored();
    const uuid = engineUuid("e");
    monitor.request("muxRequest", text(uuid), rawOf("apply_request", [text("b")]));
    monitor.reply("muxReply", text(uuid), "m", rawOf("apply_reply"));
    monitor.request("taskRequest", undefined, rawOf("apply_request", [new Uint8Array(2000)]));
    monitor.destination(uuid, "t");
    monitor.reply("taskReply", text(uuid), "t", rawOf("apply_reply"));
    monitor.iopub(rawOf("stream"));
    const broadcast = splitFrames(session.build("apply_request", {}, { metadata: { targets: [["e", 0], ["f", 1], "nonsense"] } })) as RawMessage;
    monitor.request("broadcastRequest", undefined, broadcast);
    monitor.reply("broadcastReply", undefined, "x", rawOf("apply_reply"));
    monitor.request("taskRequest", undefined, { ...broadcast, content: text("no json") });
    monitor.flush();
    const events = posted.flatMap((message) => (message.type === "monitor" ? [...readMonitorEvents(message.batch, session)] : []));
    expect(events).toMatchObject([
      { type: "muxRequest", at: 5, engine: "e", message: { header: { msg_type: "apply_request" }, metadata: { label: 1 }, content: { code: "1" } } },
      { type: "muxReply", engine: "e", message: { parentHeader: { msg_id: "m" }, header: { msg_type: "apply_reply" } } },
      { type: "taskRequest", message: { header: { msg_type: "apply_request" } } },
      { type: "taskDestination", engine: "e", msgId: "t" },
      { type: "taskReply", message: { parentHeader: { msg_id: "t" } } },
      { type: "iopub", message: { header: { msg_type: "stream" }, parentHeader: { msg_id: "p" }, content: { code: "1" } } },
      { type: "broadcastRequest", targets: ["e", "f"] },
      { type: "broadcastReply", message: { parentHeader: { msg_id: "x" } } },
    ]);
    const buffers = events.map((event) => ("message" in event ? event.message.buffers.map((buffer) => buffer.length) : []));
    expect(buffers.slice(0, 3)).toEqual([[1], [], [2000]]);
  });

  it("a wake timer wakes once at the time last set, or at the earlier one when told so", () => {
    const woken: number[] = [];
    const timer = new WakeTimer({ now: () => millis(Date.now()) }, (at) => woken.push(at));
    const start = Date.now();
    timer.set(millis(start + 100));
    timer.set(millis(start + 200));
    timer.setEarlier(millis(start + 300));
    vi.advanceTimersByTime(1000);
    expect(woken).toEqual([start + 200]);
    timer.set(millis(start + 2000));
    timer.setEarlier(millis(start + 1500));
    vi.advanceTimersByTime(600);
    expect(woken).toEqual([start + 200, start + 1500]);
    timer.set(millis(start + 5000));
    timer.clear();
    vi.advanceTimersByTime(10_000);
    expect(woken).toHaveLength(2);
  });
});

describe("options", () => {
  const profile = resolveProfile({ profileDir: "/nowhere/profile_x", env: {} });

  it("are completed with safe defaults", () => {
    const config = completeOptions({ profile, clusterId: "c" });
    expect(config).toMatchObject({
      interface: "tcp://127.0.0.1",
      scheduler: { scheme: "leastload", hwm: 1 },
      hearts: { periodMs: 3000, missesMax: 10 },
      store: { kind: "sqlite", path: "/nowhere/profile_x/db/tasks-c.db" },
      tableFile: "/nowhere/profile_x/log/enginesc.json",
      isReusing: false,
    });
    expect(config.key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{24}$/);
    expect(completeOptions({ profile }).key).not.toBe(completeOptions({ profile }).key);
    expect(completeOptions({ profile, key: "" }).key).toBe("");
  });

  it("with encryption make a key pair and no signing key, unless they are given", () => {
    const { publicKey, secretKey } = newCurveKeyPair();
    const made = completeOptions({ profile, enableCurve: true });
    expect([made.key, made.givenCurve, curveKeyPair(made.curve?.secretKey ?? "")]).toEqual(["", undefined, made.curve]);
    expect(completeOptions({ profile, enableCurve: true }).curve).not.toEqual(made.curve);
    expect(completeOptions({ profile, enableCurve: true, key: "k", curveSecretKey: secretKey })).toMatchObject({ key: "k", curve: { publicKey, secretKey } });
    expect(completeOptions({ profile, curveSecretKey: secretKey }).curve).toBeUndefined();
    for (const wrong of [
      { curvePublicKey: publicKey },
      { curveSecretKey: secretKey, curvePublicKey: newCurveKeyPair().publicKey },
      { curveSecretKey: "short" },
    ])
      expect(() => completeOptions({ profile, enableCurve: true, ...wrong })).toThrow(ConfigError);
  });

  it("what is not offered is refused with a sentence", () => {
    expect(() => completeOptions({ profile, ports: "nonsense" })).toThrow("--ports");
  });
});
