import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hmacSigner } from "../../../src/net/index.ts";
import {
  DELIMITER,
  isDelimiter,
  joinFrames,
  splitFrames,
  type Dict,
  type DropReason,
  type Frame,
  type Message,
  type RawMessage,
} from "../../../src/wire/index.ts";
import { testSession } from "../../support/sessions.ts";

const bytes = (text: string): Frame => new TextEncoder().encode(text);
const hex = (frames: readonly Frame[]): string[] => frames.map((frame) => Buffer.from(frame).toString("hex"));

const anyFrame = fc.uint8Array({ maxLength: 40 });
const anyDict = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })).map((dict) => JSON.parse(JSON.stringify(dict)) as Dict);
const anyIdents = fc.array(
  anyFrame.filter((frame) => !isDelimiter(frame)),
  { maxLength: 6 },
);

const HEADER = '{"msg_id":"m1","msg_type":"connection_request","username":"u","session":"s","date":"2026-01-02T03:04:05.678900Z","version":"5.3"}';
const SIGNATURE = "e9eb9ffee0a614a59e8d7ac0d0ab4f3cc73f531501718d5d4991a6ae9ab64ed8";

/** The five frames of a message, signed, from its texts. */
function signed(header = HEADER, parent = "{}", metadata = "{}", content = "{}"): Frame[] {
  const parts = [header, parent, metadata, content].map(bytes) as [Frame, Frame, Frame, Frame];
  return [DELIMITER, hmacSigner("secret-key").sign(...parts), ...parts];
}

describe("framing", () => {
  it("13.2: joins and splits any message byte for byte, with 0 to 6 identities and any number of buffers", () => {
    fc.assert(
      fc.property(anyIdents, fc.array(anyFrame, { minLength: 5, maxLength: 5 }), fc.array(anyFrame, { maxLength: 5 }), (idents, five, buffers) => {
        const frames = [...idents, DELIMITER, ...five, ...buffers];
        const raw = splitFrames(frames) as RawMessage;
        expect(hex(raw.idents)).toEqual(hex(idents));
        expect(hex(raw.buffers)).toEqual(hex(buffers));
        expect(hex(joinFrames(raw))).toEqual(hex(frames));
      }),
    );
  });

  it("takes the first delimiter, and buffers may look like one", () => {
    const raw = splitFrames([bytes("id"), ...signed(), DELIMITER, bytes("x")]);
    expect(hex(raw?.buffers ?? [])).toEqual(hex([DELIMITER, bytes("x")]));
    expect(Buffer.from(DELIMITER).toString()).toBe("<IDS|MSG>");
  });

  it("needs the delimiter and five frames after it", () => {
    expect(splitFrames([])).toBeUndefined();
    expect(splitFrames(signed().slice(1))).toBeUndefined();
    for (let length = 1; length < 6; length += 1) expect(splitFrames(signed().slice(0, length))).toBeUndefined();
  });
});

describe("a session", () => {
  it("signs as the protocol's test vector says", () => {
    expect(Buffer.from(signed()[1] as Frame).toString()).toBe(SIGNATURE);
    const built = testSession().build("connection_request", {}, { header: JSON.parse(HEADER) as never });
    expect(built.map((frame) => Buffer.from(frame).toString())).toEqual(["<IDS|MSG>", SIGNATURE, HEADER, "{}", "{}", "{}"]);
  });

  it("makes headers with all six fields, numbered", () => {
    const session = testSession();
    expect([session.header("a"), session.header("b")]).toEqual([
      { msg_id: "s_1_0", msg_type: "a", username: "u", session: "s", date: "2026-01-02T03:04:05.678900Z", version: "5.3" },
      { msg_id: "s_1_1", msg_type: "b", username: "u", session: "s", date: "2026-01-02T03:04:05.678900Z", version: "5.3" },
    ]);
  });

  it("reads what another session built, whatever it says", () => {
    fc.assert(
      fc.property(anyIdents, anyDict, anyDict, anyDict, fc.array(anyFrame, { maxLength: 4 }), (idents, content, metadata, parent, buffers) => {
        const frames = testSession().build("apply_request", content, { idents, metadata, parent, buffers });
        const parsed = testSession().parse(frames);
        const message = (parsed as { readonly value: Message }).value;
        expect(message.header).toMatchObject({ msg_type: "apply_request", version: "5.3" });
        expect([message.content, message.metadata, message.parentHeader]).toEqual([content, metadata, parent]);
        expect(hex(message.idents)).toEqual(hex(idents));
        expect(hex(message.buffers)).toEqual(hex(buffers));
        const again = testSession().parse(testSession().rebuild(message));
        expect(again).toEqual(parsed);
        const added = testSession().withMetadata(testSession().rebuild(message), { attempt: 2 });
        expect(testSession().parse(added)).toEqual({ ok: true, value: { ...message, metadata: { ...metadata, attempt: 2 } } });
      }),
      { numRuns: 50 },
    );
  });

  it("leaves what it cannot read as it is, when it is to add to its metadata", () => {
    for (const frames of [[], signed().slice(0, 4), signed(HEADER, "{}", "[]")]) expect(testSession().withMetadata(frames, { attempt: 2 })).toBe(frames);
  });

  it.each<[DropReason, () => Frame[]]>([
    ["noDelimiter", () => [bytes("x"), bytes("y")]],
    ["noDelimiter", () => []],
    ["tooFewFrames", () => signed().slice(0, 5)],
    ["badSignature", () => [DELIMITER, bytes(""), ...signed().slice(2)]],
    ["badSignature", () => [DELIMITER, bytes(SIGNATURE.toUpperCase()), ...signed().slice(2)]],
    ["badSignature", () => [...signed().slice(0, 5), bytes('{"a":1}')]],
    ["badSignature", () => [DELIMITER, hmacSigner("other-key").sign(bytes(HEADER), bytes("{}"), bytes("{}"), bytes("{}")), ...signed().slice(2)]],
    ["badJson", () => signed("{")],
    ["badJson", () => signed("[]")],
    ["badJson", () => signed("null")],
    ["badJson", () => signed(HEADER, "5")],
    ["badJson", () => signed(HEADER, "{}", '"text"')],
    ["badJson", () => signed(HEADER, "{}", "{}", "[1]")],
    ["badJson", () => signed(HEADER, "{}", "{}", "NaN")],
    ["badHeader", () => signed("{}")],
    ["badHeader", () => signed('{"msg_id":"m"}')],
    ["badHeader", () => signed('{"msg_id":5,"msg_type":"x"}')],
    ["badVersion", () => signed('{"msg_id":"m","msg_type":"x"}')],
    ["badVersion", () => signed('{"msg_id":"m","msg_type":"x","version":"4.1"}')],
    ["badVersion", () => signed('{"msg_id":"m","msg_type":"x","version":5}')],
    ["oversized", () => [...signed(), new Uint8Array(2000)]],
  ])("drops a message as %s (%#)", (reason, make) => {
    expect(testSession({ messageBytesMax: 1500 }).parse(make())).toEqual({ ok: false, reason });
  });

  it("drops the second copy of a message, and of no other", () => {
    const session = testSession();
    expect(session.parse(signed()).ok).toBe(true);
    expect(session.parse(signed())).toEqual({ ok: false, reason: "duplicate" });
    expect(session.openOnce(signed())).toEqual({ ok: false, reason: "duplicate" });
    expect(session.open(signed()).ok).toBe(true);
    expect(session.openOnce(signed(HEADER, "{}", "{}", '{"a":1}')).ok).toBe(true);
    expect(session.openOnce(signed(HEADER, "{}", "{}", '{"a":1}')).ok).toBe(false);
  });

  it("does not remember a message that it could not read", () => {
    const session = testSession();
    expect(session.parse(signed("{}"))).toEqual({ ok: false, reason: "badHeader" });
    expect(session.openOnce(signed("{}")).ok).toBe(true);
  });

  it("neither signs, checks nor remembers with an empty key", () => {
    const session = testSession({ key: "" });
    const frames = session.build("x", {});
    expect(frames[1]).toHaveLength(0);
    const forged = [frames[0] as Frame, bytes("whatever"), ...frames.slice(2)];
    expect([session.parse(forged).ok, session.parse(forged).ok]).toEqual([true, true]);
  });

  it("never throws on random or damaged frames, and always says why it dropped them", () => {
    const session = testSession();
    const valid = session.build("apply_request", { a: [1, "é"] }, { idents: [bytes("id")], metadata: { b: 1 }, buffers: [bytes("buf")] });
    const mutated = fc
      .record({ frame: fc.nat(valid.length - 1), kind: fc.constantFrom("drop", "double", "flip", "cut", "replace"), at: fc.nat(200), bytes: anyFrame })
      .map(({ frame, kind, at, bytes: other }) => {
        const target = Buffer.from(valid[frame] as Frame);
        if (kind === "flip" && target.length > 0) target[at % target.length] = (target[at % target.length] as number) ^ 0x55;
        const replaced = { drop: [], double: [target, target], flip: [target], cut: [target.subarray(0, at % (target.length + 1))], replace: [other] }[kind];
        return [...valid.slice(0, frame), ...replaced, ...valid.slice(frame + 1)];
      });
    const reasons: readonly string[] = [
      "noDelimiter",
      "tooFewFrames",
      "badSignature",
      "duplicate",
      "badJson",
      "badHeader",
      "badVersion",
      "oversized",
      "badContent",
    ];
    fc.assert(
      fc.property(fc.oneof(mutated, fc.array(fc.oneof(anyFrame, fc.constant(DELIMITER)), { maxLength: 12 })), (frames) => {
        for (const parsed of [testSession().parse(frames), testSession({ key: "" }).parse(frames)])
          expect([...reasons, "read"]).toContain(parsed.ok ? "read" : parsed.reason);
      }),
      { numRuns: 2000 },
    );
  });

  it("13.1: authenticates header, parent, metadata and content: no change to them gets through", () => {
    const valid = signed(HEADER, '{"p":1}', '{"m":1}', '{"c":1}');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.nat(500), fc.integer({ min: 1, max: 255 }), (frame, at, mask) => {
        const frames = valid.map((one) => Buffer.from(one));
        const target = frames[frame] as Buffer;
        target[at % target.length] = (target[at % target.length] as number) ^ mask;
        expect(testSession().parse(frames)).toEqual({ ok: false, reason: "badSignature" });
      }),
    );
  });
});
