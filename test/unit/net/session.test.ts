import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/index.ts";
import { BUFFER_TEXT, createSession, hmacSigner, newSessionId, SYSTEM_CLOCK } from "../../../src/net/index.ts";
import { PLATFORM_TEXT } from "../../../src/wire/index.ts";

const four = ["{}", "{}", "{}", "{}"].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer, Buffer];

describe("the HMAC signer", () => {
  it.each([
    ["hmac-sha256", 64],
    ["hmac-sha1", 40],
    ["hmac-sha512", 128],
    ["hmac-md5", 32],
    ["hmac-blake2b", 128],
    ["hmac-blake2s", 64],
    ["hmac-sha3_256", 64],
  ])("signs with %s in lower-case hex, and checks its own", (scheme, length) => {
    const signer = hmacSigner("k", scheme);
    const signature = signer.sign(...four);
    expect(Buffer.from(signature).toString()).toMatch(new RegExp(`^[0-9a-f]{${length}}$`));
    expect(signer.verify(signature, ...four)).toBe(true);
    expect(signer.verify(signature.subarray(1), ...four)).toBe(false);
    expect(hmacSigner("other", scheme).verify(signature, ...four)).toBe(false);
  });

  it("refuses other schemes and unknown hashes by name", () => {
    expect(() => hmacSigner("k", "sha256")).toThrow(ConfigError);
    expect(() => hmacSigner("k", "hmac-nonsense")).toThrow(/"nonsense"/);
    expect(() => hmacSigner("", "hmac-nonsense")).toThrow(ConfigError);
  });

  it("with an empty key signs nothing and lets everything through", () => {
    const signer = hmacSigner("");
    expect(signer.isEnabled).toBe(false);
    expect(signer.sign(...four)).toHaveLength(0);
    expect(signer.verify(Buffer.from("x"), ...four)).toBe(true);
  });
});

it("both text codecs agree, also on what is no UTF-8", () => {
  for (const text of ["", "é😀", "a\u0000b"]) expect(Buffer.from(BUFFER_TEXT.encode(text)).equals(Buffer.from(PLATFORM_TEXT.encode(text)))).toBe(true);
  for (const bytes of [Uint8Array.of(0xff, 0x61), Uint8Array.of(0xe2, 0x82), Uint8Array.of(0xc3, 0xa9)])
    expect(BUFFER_TEXT.decode(bytes)).toBe(PLATFORM_TEXT.decode(bytes));
  const large = Buffer.from("xxabcxx");
  expect(BUFFER_TEXT.decode(large.subarray(2, 5))).toBe("abc");
});

it("session ids have the reference's form and differ", () => {
  expect(newSessionId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{24}$/);
  expect(newSessionId()).not.toBe(newSessionId());
});

it("sessions of one cluster read each other, and strangers do not", () => {
  const [one, two, stranger] = [createSession({ key: "k" }), createSession({ key: "k" }), createSession({ key: "x" })];
  const frames = one.build("t", { a: 1 });
  expect(two.parse(frames)).toMatchObject({ ok: true, value: { content: { a: 1 }, header: { session: one.sessionId } } });
  expect(stranger.parse(frames)).toEqual({ ok: false, reason: "badSignature" });
});

it("the system clock tells the time of the wall, finer than milliseconds", () => {
  const before = Date.now();
  const now = SYSTEM_CLOCK.now();
  expect(now).toBeGreaterThan(before - 5);
  expect(now).toBeLessThan(Date.now() + 5);
});
