import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { engineUuid } from "../../../../src/base/index.ts";
import { EngineDirectory } from "../../../../src/core/client/index.ts";
import { engine } from "./builders.ts";

const ids = (directory: EngineDirectory): number[] => [...directory.engines.keys()];

describe("a listing", () => {
  it("adds and removes what it differs in", () => {
    const directory = new EngineDirectory();
    directory.joined(engine(0));
    directory.joined(engine(1));
    directory.listingAsked("q");
    expect(directory.listed("q", [engine(1), engine(2)])).toEqual({ joined: [engine(2)], left: [engine(0)] });
    expect(ids(directory)).toEqual([1, 2]);
  });

  it("does not remove an engine that was notified after the question", () => {
    const directory = new EngineDirectory();
    directory.listingAsked("q");
    directory.joined(engine(0));
    expect(directory.listed("q", [])).toEqual({ joined: [], left: [] });
    expect(ids(directory)).toEqual([0]);
  });

  it("does not bring back an engine whose departure was notified after the question", () => {
    const directory = new EngineDirectory();
    directory.joined(engine(0));
    directory.listingAsked("q");
    directory.left(engineUuid("E0"));
    expect(directory.listed("q", [engine(0)])).toEqual({ joined: [], left: [] });
    expect(ids(directory)).toEqual([]);
  });

  it("that nobody asked for changes nothing", () => {
    const directory = new EngineDirectory();
    expect(directory.listed("q", [engine(0)])).toEqual({ joined: [], left: [] });
  });
});

it("ids are in order, whatever the order of arrival", () => {
  const directory = new EngineDirectory();
  for (const id of [2, 0, 1]) directory.joined(engine(id));
  expect(ids(directory)).toEqual([0, 1, 2]);
});

it("agrees with the Hub at the end, however listings and notifications overtake each other", () => {
  // The hub's truth changes by arrivals and departures. A notification or a listing answer is delivered later, in order
  // on its own channel. When all is delivered, the directory must hold the truth.
  const step = fc.oneof(fc.constant("join"), fc.constant("leave"), fc.constant("ask"), fc.constant("snapshot"), fc.constant("notify"), fc.constant("answer"));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const directory = new EngineDirectory();
      const truth = new Map<number, ReturnType<typeof engine>>();
      const notices: { type: "joined" | "left"; engine: ReturnType<typeof engine> }[] = [];
      const asked: string[] = [];
      const answers: { key: string; engines: ReturnType<typeof engine>[] }[] = [];
      let nextId = 0;
      let nextKey = 0;
      const perform = (name: string): void => {
        if (name === "join") {
          const fresh = engine(nextId++);
          truth.set(fresh.id, fresh);
          notices.push({ type: "joined", engine: fresh });
        } else if (name === "leave") {
          const [first] = truth.values();
          if (first === undefined) return;
          truth.delete(first.id);
          notices.push({ type: "left", engine: first });
        } else if (name === "ask" && asked.length + answers.length < 16) {
          const key = `q${nextKey++}`;
          directory.listingAsked(key);
          asked.push(key);
        } else if (name === "snapshot") {
          const key = asked.shift();
          if (key !== undefined) answers.push({ key, engines: [...truth.values()] });
        } else if (name === "notify") {
          const notice = notices.shift();
          if (notice?.type === "joined") directory.joined(notice.engine);
          else if (notice !== undefined) directory.left(notice.engine.uuid);
        } else if (name === "answer") {
          const answer = answers.shift();
          if (answer !== undefined) directory.listed(answer.key, answer.engines);
        }
      };
      for (const name of steps) perform(name);
      while (notices.length > 0) perform("notify");
      while (asked.length > 0) perform("snapshot");
      while (answers.length > 0) perform("answer");
      expect(ids(directory)).toEqual([...truth.keys()]);
    }),
  );
});
