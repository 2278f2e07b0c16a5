// Prices of options on a share whose logarithm walks at random (geometric Brownian motion). A European option pays by the price of the
// last day; an Asian one by the mean of all days, for which there is no formula: paths are drawn and averaged (Monte Carlo).

/** What is asked of one run. */
export interface Market {
  /** Price of the share today. */
  readonly spot: number;
  /** Interest per year, continuously compounded: 0.05 is 5 %. */
  readonly rate: number;
  /** Trading days until the option ends, of 260 in a year. */
  readonly days: number;
}

const DAYS_PER_YEAR = 260;

/** The order of the numbers in what `simulate` gives. */
export const KINDS = ["European call", "European put", "Asian call", "Asian put"] as const;

/** A stream of independent standard normal numbers that `seed` determines. Its state lies in typed arrays, where numbers need no memory of their own. */
export function normals(seed: number): () => number {
  // xoshiro128** of Blackman and Vigna (2018), its state filled by splitmix32.
  const state = new Int32Array(4);
  let mix = seed | 0;
  for (let i = 0; i < state.length; i += 1) {
    mix = (mix + 0x9e3779b9) | 0;
    let z = Math.imul(mix ^ (mix >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    state[i] = z ^ (z >>> 15);
  }
  const uniform = (): number => {
    const b = state[1]!;
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const c = state[2]! ^ state[0]!;
    const d = state[3]! ^ b;
    state[1] = b ^ c;
    state[0]! ^= d;
    state[2] = c ^ (b << 9);
    state[3] = (d << 11) | (d >>> 21);
    return ((result >>> 0) + 0.5) / 2 ** 32;
  };
  // Two at a time, by the polar method of Marsaglia and Bray (1964); the second is kept.
  const spare = Float64Array.of(Number.NaN);
  return () => {
    const kept = spare[0]!;
    spare[0] = Number.NaN;
    if (!Number.isNaN(kept)) return kept;
    for (;;) {
      const x = 2 * uniform() - 1;
      const y = 2 * uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      spare[0] = scale * y;
      return scale * x;
    }
  };
}

/**
 * Prices by `paths` random paths.
 *
 * @param volatility standard deviation of a year's logarithmic return: 0.2 is 20 %
 * @returns the four prices in the order of `KINDS`, then the standard error of each
 */
export function simulate({ spot, rate, days }: Market, strike: number, volatility: number, paths: number, seed: number): Float64Array {
  const normal = normals(seed);
  const day = 1 / DAYS_PER_YEAR;
  const drift = (rate - volatility ** 2 / 2) * day;
  const spread = volatility * Math.sqrt(day);
  const discount = Math.exp(-rate * days * day);
  const sums = new Float64Array(4);
  const squares = new Float64Array(4);
  for (let path = 0; path < paths; path += 1) {
    let price = spot;
    let total = 0;
    for (let i = 0; i < days; i += 1) {
      price *= Math.exp(drift + spread * normal());
      total += price;
    }
    const [last, mean] = [price - strike, total / days - strike];
    for (const [kind, pays] of [last, -last, mean, -mean].entries()) {
      const value = discount * Math.max(0, pays);
      sums[kind]! += value;
      squares[kind]! += value * value;
    }
  }
  const prices = sums.map((sum) => sum / paths);
  const errors = squares.map((square, kind) => Math.sqrt(Math.max(0, square / paths - prices[kind]! ** 2) / paths));
  return Float64Array.of(...prices, ...errors);
}

/** Price of a European call and put by the formula of Black and Scholes (1973). */
export function blackScholes({ spot, rate, days }: Market, strike: number, volatility: number): [call: number, put: number] {
  const years = days / DAYS_PER_YEAR;
  const deviation = volatility * Math.sqrt(years);
  const d1 = (Math.log(spot / strike) + (rate + volatility ** 2 / 2) * years) / deviation;
  const discounted = strike * Math.exp(-rate * years);
  const call = spot * normalBelow(d1) - discounted * normalBelow(d1 - deviation);
  return [call, call - spot + discounted];
}

/** Probability that a standard normal number is below `x`, to 7.5e-8: Abramowitz and Stegun (1964), 26.2.17. */
function normalBelow(x: number): number {
  if (x < 0) return 1 - normalBelow(-x);
  const t = 1 / (1 + 0.2316419 * x);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series;
}
