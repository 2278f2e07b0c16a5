// The work of the graph's tasks: temperatures of weather stations, made up and always the same for a seed. What a station measured stays
// in the memory of the engine that read it; sums go into files, where tasks on other engines find them.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Sums over the values of a station, or of several. */
export interface Sums {
  readonly values: number;
  readonly sum: number;
  readonly highest: number;
}

/** Temperatures of one station, of which one in a thousand is wrong by far. */
export function measure(station: number, values: number): Float64Array {
  const series = new Float64Array(values);
  let state = 0x9e3779b9 ^ station;
  for (let i = 0; i < values; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    const chance = (state >>> 8) / 2 ** 24;
    series[i] = chance < 0.001 ? 999 : 10 + station / 10 + 12 * Math.sin((2 * Math.PI * i) / 8766) + 4 * Math.cos((2 * Math.PI * i) / 24) + 6 * (chance - 0.5);
  }
  return series;
}

/** Puts the median of five neighbours in the place of each value. */
export function smooth(series: Float64Array): Float64Array {
  const near = new Float64Array(5);
  return series.map((_, i) => {
    for (let k = 0; k < 5; k += 1) near[k] = series[Math.min(Math.max(i + k - 2, 0), series.length - 1)]!;
    return near.sort()[2]!;
  });
}

export function sumsOf(series: Float64Array): Sums {
  return { values: series.length, sum: series.reduce((sum, value) => sum + value, 0), highest: series.reduce((best, value) => Math.max(best, value)) };
}

export function join2(a: Sums, b: Sums): Sums {
  return { values: a.values + b.values, sum: a.sum + b.sum, highest: Math.max(a.highest, b.highest) };
}

const fileOf = (folder: string, name: string): string => join(folder, `${name.replaceAll(" ", "-")}.json`);

export const writeSums = (folder: string, name: string, sums: Sums): Promise<void> => writeFile(fileOf(folder, name), JSON.stringify(sums));

export async function readSums(folder: string, name: string): Promise<Sums> {
  return JSON.parse(await readFile(fileOf(folder, name), "utf8")) as Sums;
}
