import type * as zeromq from "zeromq";
import { afterEach, describe, expect, it, vi } from "vitest";
import { curveKeyPair as libraryPair } from "zeromq";
import { ConfigError } from "../../../src/base/index.ts";
import { curveKeyPair, curveOf, newCurveKeyPair, watchRefusals } from "../../../src/net/index.ts";
import { isCurveKey } from "../../../src/wire/index.ts";

describe("CURVE key pairs", () => {
  it("are those of ZeroMQ: the same secret key has the same public key", () => {
    for (let i = 0; i < 20; i += 1) {
      const pair = libraryPair();
      expect(curveKeyPair(pair.secretKey)).toEqual(pair);
    }
  });

  it("are fresh each time, and two keys", () => {
    const pairs = [newCurveKeyPair(), newCurveKeyPair()];
    const keys = pairs.flatMap(({ publicKey, secretKey }) => [publicKey, secretKey]);
    expect(new Set(keys).size).toBe(4);
    expect(keys.every(isCurveKey)).toBe(true);
    for (const pair of pairs) expect(curveKeyPair(pair.secretKey)).toEqual(pair);
  });

  it("that are none are refused without telling them", () => {
    const secret = "this is somebody's secret and not a key!";
    expect(() => curveKeyPair(secret)).toThrow(ConfigError);
    expect(() => curveKeyPair(secret)).not.toThrow(secret);
  });

  it("of a connection file's server key are for who connects", () => {
    expect(curveOf({ curve_serverkey: null })).toBeUndefined();
    expect(curveOf({ curve_serverkey: "k" })).toEqual({ serverKey: "k" });
  });
});

describe("refused handshakes", () => {
  const watch = (serverKey: string | null): { readonly told: string[]; readonly refused: ReturnType<typeof watchRefusals> } => {
    const told: string[] = [];
    return { told, refused: watchRefusals({ url: "tcp://h:1", serverKey, origin: "the file" }, (sentence) => told.push(sentence)) };
  };

  it("between a side that encrypts and one that does not are hopeless at once, and told once", () => {
    const plain = watch(null);
    const curve = watch("k");
    for (const { refused } of [plain, curve]) for (let i = 0; i < 3; i += 1) refused("security");
    expect(plain.told).toEqual([expect.stringMatching(/^the controller at tcp:\/\/h:1 encrypts, and the file has no curve_serverkey; .*IPP_CURVE_SERVERKEY/)]);
    expect(curve.told).toEqual([expect.stringMatching(/^the controller at tcp:\/\/h:1 does not encrypt, although the file has a curve_serverkey; use /)]);
  });

  it("with a key are hopeless after the third, without one never", () => {
    const plain = watch(null);
    const curve = watch("the key itself");
    for (const { refused } of [plain, curve]) for (let i = 0; i < 2; i += 1) refused("handshake");
    expect([plain.told, curve.told]).toEqual([[], []]);
    for (const { refused } of [plain, curve]) for (let i = 0; i < 10; i += 1) refused("handshake");
    expect(plain.told).toEqual([]);
    expect(curve.told).toEqual([expect.stringMatching(/^the controller at tcp:\/\/h:1 refuses the curve_serverkey of the file: it is not that controller's/)]);
    expect(curve.told[0]).not.toContain("the key itself");
  });
});

describe("a platform whose ZeroMQ has no CURVE", () => {
  afterEach(() => {
    vi.doUnmock("zeromq");
    vi.resetModules();
  });

  it("says so when a transport is to encrypt, and only then", async () => {
    vi.resetModules();
    vi.doMock("zeromq", async (original) => ({ ...(await original<typeof zeromq>()), capability: { ipc: true } }));
    const { ZeromqTransport } = await import("../../../src/net/zeromq-transport.ts");
    expect(() => new ZeromqTransport({ serverKey: newCurveKeyPair().publicKey })).toThrow(/^this platform's ZeroMQ was built without CURVE encryption; /);
    await new ZeromqTransport().close();
  });
});
