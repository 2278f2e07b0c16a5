// What capturing a closure of some 400 bytes costs when it is sent for the first time, and later. Beside it the two steps
// that nobody can leave out: one look into the function's scopes by V8's inspector, and one parse of its text.

import { Session } from "node:inspector";
import { parse } from "acorn";

import { packCall } from "../../src/serial/index.ts";
import { compared, median, type Measure } from "../measure.ts";

type Closure = (items: readonly number[]) => object;

const ROUNDS = 3;
const LATER_CALLS = 10;

/** One module with many different closures of about 400 bytes, as a user's file has them. */
async function closures(count: number): Promise<Closure[]> {
  const one = (i: number): string => `(items) => {
    const out${i} = [];
    for (const item of items) {
      if (item > THRESHOLD) out${i}.push(item * 2 + offset);
      else out${i}.push(\`\${PREFIX}\${item}\`);
    }
    const total = out${i}.reduce((sum, item) => sum + Number(item), 0);
    const average = total / Math.max(1, out${i}.length);
    return { total, average, quotients: DIVISORS.map((divisor) => total / divisor) };
  }`;
  const text = `const THRESHOLD = 42, PREFIX = "x", DIVISORS = [1, 2, 3];
    export const make = (offset) => [${Array.from({ length: count }, (_, i) => one(i)).join(",\n")}];`;
  const module = (await import(`data:text/javascript,${encodeURIComponent(`/* ${Math.random()} */${text}`)}`)) as { make(offset: number): Closure[] };
  return module.make(1);
}

/** Microseconds of CPU that a call takes, each function once: nothing here waits, and other programs may be in the way. */
function timed(functions: readonly Closure[], call: (fn: Closure) => void): number {
  const start = process.cpuUsage();
  for (const fn of functions) call(fn);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / functions.length;
}

const SLOT = "__benchSlot";

/** The least that tells what a function closes over. */
function bareLook(fn: Closure): void {
  const slot = globalThis as Record<string, unknown>;
  const session = new Session();
  session.connect();
  const post = <T>(method: string, parameters: object): T => {
    let answer: unknown;
    session.post(method, parameters, (_error, result: unknown) => {
      answer = result;
    });
    return answer as T;
  };
  slot[SLOT] = { fn, received: undefined };
  const { result } = post<{ result: { objectId: string } }>("Runtime.evaluate", { expression: `${SLOT}.fn` });
  const found = post<{ internalProperties: { name: string; value: { objectId: string } }[] }>("Runtime.getProperties", {
    objectId: result.objectId,
    ownProperties: true,
  });
  const scopes = found.internalProperties.find(({ name }) => name === "[[Scopes]]");
  if (scopes === undefined) throw new Error("the inspector shows no scopes");
  post("Runtime.callFunctionOn", {
    objectId: result.objectId,
    functionDeclaration: `function(v){${SLOT}.received=v}`,
    arguments: [{ objectId: scopes.value.objectId }],
  });
  session.disconnect();
  delete slot[SLOT];
  parse(`(${fn.toString()})`, { ecmaVersion: "latest" });
}

interface Found {
  readonly first: number;
  readonly later: number;
  readonly bare: number;
}

/** Medians of rounds, each with functions nobody has seen. */
async function measure(count: number): Promise<Found> {
  const rounds: Found[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [seen, unseen] = [await closures(count), await closures(count)];
    // The script itself is read once, for the function that is sent first; the two sends after it decide what can change.
    const [opener, ...others] = unseen as [Closure, ...Closure[]];
    for (let i = 0; i < 3; i += 1) packCall(opener, []);
    const bare = timed(seen, bareLook);
    const first = timed(others, (fn) => packCall(fn, []));
    timed(others, (fn) => packCall(fn, []));
    const repeated = Array.from({ length: LATER_CALLS }, () => others).flat();
    const later = timed(repeated, (fn) => packCall(fn, []));
    rounds.push({ first, later, bare });
  }
  const middle = (of: keyof Found): number => median(rounds.map((round) => round[of]));
  return { first: middle("first"), later: middle("later"), bare: middle("bare") };
}

const microseconds = (value: number): { readonly value: number; readonly unit: string } => ({ value, unit: "µs" });
const countOf = ({ quick }: { readonly quick: boolean }): number => (quick ? 5 : 200);

/** The first send. */
export const capture: Measure = {
  name: "capture",
  title: "capture of a 400-byte closure, first send (peer: a bare look by the inspector and a parse)",
  floor: { atMost: 1.75 },
  async run(context) {
    const { first, bare } = await measure(countOf(context));
    return compared(microseconds(first), microseconds(bare));
  },
};

/** Any later send. */
export const recapture: Measure = {
  name: "recapture",
  title: "the same closure, later sends (peer: likewise)",
  floor: { atMost: 0.06 },
  async run(context) {
    const { later, bare } = await measure(countOf(context));
    return compared(microseconds(later), microseconds(bare));
  },
};
