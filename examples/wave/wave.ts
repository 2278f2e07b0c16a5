// Engines that talk to one another. A wave on a membrane is computed in strips of rows, one for each engine. For each of hundreds of steps an
// engine needs the rows beside its strip, which its neighbours have: they send them to each other directly, over TCP, and the client only tells
// them where to find each other. The result is compared with the same computed here in one piece, and drawn.
//
//   npm run example -- wave [--size=600] [--steps=1200] [--engines=N] [--out=DIR]

import { randomBytes } from "node:crypto";
import { join as joinPath } from "node:path";
import { Cluster, type DirectView } from "tsparallel";
import { Plot, plotInto } from "../plots.ts";
import { count, engineCount, folder, makeFolder, readOptions, runExample, seconds, timed, whole } from "../program.ts";
import { join, listen, type Address, type Listener, type Neighbour } from "./neighbours.ts";
import { advance, ownRows, rowOf, startStrip, type Strip } from "./strip.ts";

const OPTIONS = {
  size: whole(600, "rows and columns of the membrane", { min: 40, max: 5000 }),
  steps: whole(1200, "steps in time", { min: 4, max: 1_000_000 }),
  engines: engineCount(2),
  out: folder("wave", "where the plot goes"),
};

/** Moments that are compared and drawn. */
const MOMENTS = 4;
/** Where engines listen. Those on several machines listen on "0.0.0.0" and tell their names. */
const HOST = "127.0.0.1";

/** What each engine keeps, as globals. */
declare const listener: Listener;
declare const neighbours: { readonly above?: Neighbour; readonly below?: Neighbour };
declare const strip: Strip;

/** Lets engines find each other: each tells where it listens, then each is told where the next one does. */
async function introduce(view: DirectView): Promise<readonly Address[]> {
  const secret = new Uint8Array(randomBytes(32));
  const addresses = await view.apply(async (): Promise<Address> => {
    const { address, ...own } = await listen(HOST, secret);
    Object.assign(globalThis, { listener: own });
    return address;
  });
  const meet = async (rank: number): Promise<void> => {
    const below = rank + 1 < addresses.length ? await join(addresses[rank + 1]!, secret) : undefined;
    const above = rank > 0 ? await listener.previous : undefined;
    Object.assign(globalThis, { neighbours: { above, below } });
  };
  await view.map(meet, [...addresses.keys()]); // one for each engine
  return addresses;
}

/** Some steps on an engine. The rows at the strip's ends go to the neighbours, and theirs come. */
async function advanceTogether(steps: number): Promise<void> {
  const { above, below } = neighbours;
  const height = strip.to - strip.from;
  for (let step = 0; step < steps; step += 1) {
    above?.send(rowOf(strip, 1));
    below?.send(rowOf(strip, height));
    await above?.receiveInto(rowOf(strip, 0));
    await below?.receiveInto(rowOf(strip, height + 1));
    advance(strip);
  }
}

function part(): void {
  neighbours.above?.socket.destroy();
  neighbours.below?.socket.destroy();
  listener.server.close();
}

/** The membrane in one piece, advanced here. */
function advanceAlone(whole: Strip, steps: number): Float64Array {
  for (let step = 0; step < steps; step += 1) advance(whole);
  return ownRows(whole);
}

interface Moment {
  readonly step: number;
  readonly heights: Float64Array;
}

async function draw(out: string, size: number, edges: readonly number[], moments: readonly Moment[]): Promise<string> {
  const every = Math.ceil(size / 75);
  const places = Array.from({ length: Math.ceil(size / every) }, (_, i) => i * every);
  const points = moments.flatMap(({ step, heights }) =>
    places.flatMap((y) => places.map((x) => ({ x: x / size, y: y / size, step: `step ${count(step)}`, height: heights[y * size + x]! }))),
  );
  const highest = Math.max(...points.map(({ height }) => Math.abs(height)));
  return plotInto(joinPath(out, "wave.svg"), {
    title: "A wave on a membrane, computed in strips by engines that exchange their edges",
    width: 1000,
    height: 256,
    x: { axis: null },
    y: { axis: null },
    fx: { label: null, domain: moments.map(({ step }) => `step ${count(step)}`) },
    color: { type: "diverging", scheme: "RdBu", domain: [-highest, highest] },
    marks: [
      Plot.contour(points, { x: "x", y: "y", fx: "step", fill: "height", thresholds: 18, interpolate: "barycentric" }),
      Plot.ruleY(
        edges.slice(1, -1).map((row) => row / size),
        { stroke: "black", strokeDasharray: "4 4", strokeOpacity: 0.5 },
      ),
      Plot.frame(),
    ],
  });
}

async function main(signal: AbortSignal): Promise<void> {
  const { size, steps, engines, out } = readOptions(OPTIONS);
  if (engines > size / 2) throw new Error(`--engines must be at most half of --size, ${Math.floor(size / 2)}, and is ${engines}`);
  await makeFolder(out);
  await using cluster = await Cluster.start({ n: engines, private: true, signal });
  signal.addEventListener("abort", () => void cluster.stop());
  const rc = await cluster.connect();
  const view = rc.directView();
  const addresses = await introduce(view);
  console.log(`${engines} engines in a row, each connected with the next: ${addresses.map(({ host, port }) => `${host}:${port}`).join(", ")}`);

  const edges = [...addresses.keys(), engines].map((rank) => Math.floor((size * rank) / engines));
  await view.map((from: number, to: number) => void Object.assign(globalThis, { strip: startStrip(size, from, to) }), edges.slice(0, -1), edges.slice(1));
  const alone = startStrip(size, 0, size);
  const moments: Moment[] = [];
  let [togetherMs, aloneMs] = [0, 0];
  for (let moment = 1; moment <= MOMENTS; moment += 1) {
    const [begin = 0, end = 0] = [moment - 1, moment].map((k) => Math.floor((steps * k) / MOMENTS));
    togetherMs += (await timed(() => view.apply(advanceTogether, end - begin))).ms;
    const heights = new Float64Array(size * size);
    for (const [rank, rows] of (await view.apply(() => ownRows(strip))).entries()) heights.set(rows, edges[rank]! * size);
    const exact = await timed(() => advanceAlone(alone, end - begin));
    aloneMs += exact.ms;
    const wrong = heights.findIndex((height, i) => height !== exact.value[i]);
    if (wrong >= 0)
      throw new Error(`after ${end} steps row ${Math.floor(wrong / size)}, column ${wrong % size} is ${heights[wrong]}, and must be ${exact.value[wrong]}`);
    moments.push({ step: end, heights });
  }
  await view.apply(part);

  const messages = 2 * (engines - 1) * steps;
  console.log(
    `${count(steps)} steps of ${count(size * size)} points: ${seconds(togetherMs)}, with ${count(messages)} rows of ${count(size * 8)} bytes between engines`,
  );
  console.log(`  in one piece: ${seconds(aloneMs)}; speed-up ${(aloneMs / togetherMs).toFixed(2)}; every number is the same, to the last bit`);
  console.log(`drawn in ${await draw(out, size, edges, moments)}`);
}

await runExample("wave", main);
