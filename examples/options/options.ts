// Prices of European and Asian options for ten strikes and ten volatilities by Monte Carlo, a load-balanced task for each pair; contour
// plots of the Asian call and put. The European prices are held against the formula, the time against doing it one after the other.
//
//   npm run example -- options [--paths=100000] [--engines=N] [--out=DIR] [--no-serial]

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Cluster } from "tsparallel";
import { Plot, plotInto } from "../plots.ts";
import { count, engineCount, flag, folder, makeFolder, readOptions, runExample, seconds, tableOf, timed, whole } from "../program.ts";
import { blackScholes, KINDS, simulate, type Market } from "./pricing.ts";

const MARKET: Market = { spot: 100, rate: 0.05, days: 260 };
const STRIKES = Float64Array.from({ length: 10 }, (_, i) => 90 + (20 * i) / 9);
const VOLATILITIES = Float64Array.from({ length: 10 }, (_, i) => 0.1 + (0.3 * i) / 9);
/** Standard errors by which one of 200 prices may be off: beyond it one in 400,000 is by chance. */
const ERRORS_MAX = 4.7;

interface Pair {
  readonly strike: number;
  readonly volatility: number;
  readonly seed: number;
}

const PAIRS: readonly Pair[] = [...STRIKES].flatMap((strike, i) =>
  [...VOLATILITIES].map((volatility, j) => ({ strike, volatility, seed: i * VOLATILITIES.length + j })),
);

const OPTIONS = {
  paths: whole(100_000, "random paths of each task"),
  engines: engineCount(),
  out: folder("option-prices", "where prices.csv and the plots go"),
  "no-serial": flag("do not compute them one after the other"),
};

/** The largest difference from the formula, in standard errors. */
function largestDeviation(results: readonly Float64Array[]): number {
  const deviations = PAIRS.flatMap(({ strike, volatility }, i) => {
    const [call, put, , , callError, putError] = results[i] ?? [];
    const [exactCall, exactPut] = blackScholes(MARKET, strike, volatility);
    // With few paths perhaps none ends where the option pays, and the error is told as nothing.
    const difference = (found = 0, exact: number, error = 0): number => (error === 0 ? 0 : Math.abs(found - exact) / error);
    return [difference(call, exactCall, callError), difference(put, exactPut, putError)];
  });
  return Math.max(...deviations);
}

async function draw(folder: string, results: readonly Float64Array[], kind: (typeof KINDS)[number]): Promise<string> {
  const points = PAIRS.map(({ strike, volatility }, i) => ({ strike, volatility: volatility * 100, price: results[i]?.[KINDS.indexOf(kind)] ?? Number.NaN }));
  return plotInto(join(folder, `${kind.toLowerCase().replace(" ", "-")}.svg`), {
    title: `Price of an ${kind}, share at ${MARKET.spot}`,
    x: { label: "strike" },
    y: { label: "volatility (% a year)" },
    color: { type: "quantize", n: 10, scheme: "viridis", label: "price", legend: true },
    marks: [
      Plot.contour(points, { x: "strike", y: "volatility", fill: "price", interpolate: "barycentric", thresholds: 20, stroke: "white", strokeOpacity: 0.6 }),
      Plot.dot(points, { x: "strike", y: "volatility", r: 1.5, fill: "white" }),
    ],
  });
}

function table(results: readonly Float64Array[]): string {
  const head = ["strike", "volatility", ...KINDS, "formula (call, put)"];
  const rows = PAIRS.filter((_, i) => i % 33 === 0).map(({ strike, volatility }) => {
    const prices = results[PAIRS.findIndex((pair) => pair.strike === strike && pair.volatility === volatility)] ?? new Float64Array(8);
    const exact = blackScholes(MARKET, strike, volatility).map((price) => price.toFixed(3));
    return [
      strike.toFixed(2),
      volatility.toFixed(3),
      ...KINDS.map((_, kind) => `${prices[kind]?.toFixed(3)} ± ${prices[kind + KINDS.length]?.toFixed(3)}`),
      exact.join(", "),
    ];
  });
  return tableOf([head, ...rows]);
}

async function main(signal: AbortSignal): Promise<void> {
  const { paths, engines, out, "no-serial": skipsSerial } = readOptions(OPTIONS);
  await makeFolder(out);
  await using cluster = await Cluster.start({ n: engines, private: true, signal });
  signal.addEventListener("abort", () => void cluster.stop());
  const rc = await cluster.connect();
  const price = ({ strike, volatility, seed }: Pair): Float64Array => simulate(MARKET, strike, volatility, paths, seed);
  const view = rc.loadBalancedView().with({ chunkSize: 1 });
  const running = view.map(price, PAIRS);
  const parallel = await timed(async () => {
    await running.waitInteractive({ signal });
    return running;
  });
  console.log(`${PAIRS.length} pairs, ${count(paths)} paths of ${MARKET.days} days each, on ${engines} engines: ${seconds(parallel.ms)}`);
  if (!skipsSerial) {
    const serial = await timed(() => PAIRS.map(price));
    const same = serial.value.every((prices, i) => prices.join() === parallel.value[i]?.join());
    if (!same) throw new Error("the engines' prices differ from those computed one after the other");
    console.log(`  one after the other: ${seconds(serial.ms)}; speed-up ${(serial.ms / parallel.ms).toFixed(2)}; the same prices`);
  }
  const deviation = largestDeviation(parallel.value);
  if (deviation > ERRORS_MAX) throw new Error(`a European price is ${deviation.toFixed(1)} standard errors away from the formula of Black and Scholes`);
  console.log(`  European prices agree with Black and Scholes: the largest of ${2 * PAIRS.length} differences is ${deviation.toFixed(2)} standard errors\n`);
  console.log(table(parallel.value));
  const drawn = [await draw(out, parallel.value, "Asian call"), await draw(out, parallel.value, "Asian put")];
  const columns = ["strike", "volatility", ...KINDS, ...KINDS.map((kind) => `error of ${kind}`)];
  const lines = PAIRS.map(({ strike, volatility }, i) => [strike, volatility, ...(parallel.value[i] ?? [])].join(","));
  await writeFile(join(out, "prices.csv"), `${[columns.join(","), ...lines].join("\n")}\n`);
  console.log(`\ndrawn in ${drawn.join(" and ")}; all prices in ${join(out, "prices.csv")}`);
}

await runExample("options", main);
