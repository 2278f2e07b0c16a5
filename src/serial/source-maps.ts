// From positions in compiled text back to the file the user wrote, by the source map the script names. A function takes
// along where its lines were written, unless its compiler left them together: then its first line says it all.

import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

import { BoundedMap } from "../base/index.ts";

/** A zero-based position in a file. */
export interface SourcePosition {
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

/** Where a text was written. */
export interface WrittenPlace extends SourcePosition {
  /**
   * Where each part of it was written that follows the one before it in another way than in the text: four numbers each,
   * row and column in the text, line and column in the file, zero-based. Absent when only the start is needed.
   */
  readonly lines?: readonly number[];
}

/** One generated line: column, index of the source, line and column there, four numbers for each mapping. */
type LineMappings = readonly number[];

interface DecodedMap {
  readonly sources: readonly string[];
  readonly lines: readonly LineMappings[];
}

const MAPS_MAX = 100;
/** Parts of one function whose place is kept. */
const PARTS_MAX = 5000;
const MAPS = new BoundedMap<string, DecodedMap | "none">(MAPS_MAX);

/**
 * Where a text was written that begins at `start` of a script; the start itself when there is no map or the map does not
 * know.
 *
 * @param lead characters before the first that the map is sure to know, on the same line
 */
export function originalPlace(start: SourcePosition, text: string, lead: number, sourceMapUrl: string): WrittenPlace {
  const map = findMap(start.url, sourceMapUrl);
  const known = map === undefined ? undefined : lookUp(map, { ...start, column: start.column + lead });
  if (map === undefined || known === undefined) return start;
  const place = { ...known, column: Math.max(0, known.column - lead) };
  const lines = partsOf(map, start, text, place);
  return lines === undefined ? place : { ...place, lines };
}

/** Line and column, zero-based, where row and column of a text were written. */
export function positionInFile(
  { line, column, lines }: Required<Pick<WrittenPlace, "line" | "column" | "lines">>,
  row: number,
  at: number,
): { readonly line: number; readonly column: number } {
  let best = -1;
  for (let i = 0; i < lines.length; i += 4) {
    const [partRow = 0, partAt = 0] = [lines[i], lines[i + 1]];
    if (partRow > row || (partRow === row && partAt > at)) break;
    best = i;
  }
  if (best < 0) return { line, column };
  const [partRow, partAt = 0, partLine = line, partColumn = 0] = lines.slice(best, best + 4);
  return { line: partLine, column: partColumn + (partRow === row ? at - partAt : 0) };
}

function lookUp({ sources, lines }: DecodedMap, { url, line, column }: SourcePosition): SourcePosition | undefined {
  const mappings = lines[line] ?? [];
  for (let i = mappings.length - 4; i >= 0; i -= 4) {
    if ((mappings[i] as number) > column) continue;
    const source = sources[mappings[i + 1] as number];
    if (source === undefined) return undefined;
    return { url: new URL(source, asUrl(url)).href, line: mappings[i + 2] as number, column: mappings[i + 3] as number };
  }
  return undefined;
}

function partsOf({ lines }: DecodedMap, start: SourcePosition, text: string, place: SourcePosition): number[] | undefined {
  const rows = text.split("\n");
  const parts: number[] = [];
  let lastLine = place.line;
  let isTogether = true;
  let source: number | undefined;
  for (const [row, { length }] of rows.entries()) {
    const offset = row === 0 ? start.column : 0;
    const mappings = lines[start.line + row] ?? [];
    for (let i = 0; i < mappings.length; i += 4) {
      const at = (mappings[i] as number) - offset;
      if (at < 0) continue;
      if (at >= length) break;
      const [, from, line, column] = mappings.slice(i, i + 4) as [number, number, number, number];
      source ??= from;
      if (from !== source) continue;
      isTogether &&= line - row === place.line;
      if (line === lastLine && parts.length > 0 && parts.at(-4) === row) continue;
      lastLine = line;
      parts.push(row, at, line, column);
      if (parts.length >= 4 * PARTS_MAX) return parts;
    }
  }
  return isTogether ? undefined : parts;
}

function findMap(scriptUrl: string, sourceMapUrl: string): DecodedMap | undefined {
  if (sourceMapUrl === "") return undefined;
  let map = MAPS.get(scriptUrl);
  if (map === undefined) {
    map = readMap(scriptUrl, sourceMapUrl);
    MAPS.set(scriptUrl, map);
  }
  return map === "none" ? undefined : map;
}

function readMap(scriptUrl: string, sourceMapUrl: string): DecodedMap | "none" {
  try {
    const data = /^data:[^,]*?(;base64)?,(.*)$/s.exec(sourceMapUrl);
    const text =
      data === null
        ? readFileSync(fileURLToPath(new URL(sourceMapUrl, asUrl(scriptUrl))), "utf8")
        : Buffer.from(data[2] as string, data[1] === undefined ? "utf8" : "base64").toString();
    const { sources, sourceRoot, mappings } = JSON.parse(text) as { sources: string[]; sourceRoot?: string; mappings: string };
    const root = sourceRoot === undefined || sourceRoot === "" ? "" : sourceRoot.replace(/\/?$/, "/");
    return { sources: sources.map((source) => root + source), lines: decodeMappings(mappings) };
  } catch {
    // A map that is missing or broken costs the user the original lines, nothing else.
    return "none";
  }
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The mappings of a source map, version 3: base-64 numbers of variable length, each the difference to the one before. */
export function decodeMappings(mappings: string): LineMappings[] {
  const state = [0, 0, 0, 0];
  return mappings.split(";").map((line) => {
    state[0] = 0;
    const decoded: number[] = [];
    for (const segment of line === "" ? [] : line.split(",")) {
      const deltas = decodeSegment(segment);
      for (const [i, delta] of deltas.slice(0, 4).entries()) state[i] = (state[i] as number) + delta;
      if (deltas.length >= 4) decoded.push(...state);
    }
    return decoded;
  });
}

function decodeSegment(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const character of segment) {
    const digit = DIGITS.indexOf(character);
    if (digit < 0) throw new RangeError(`"${character}" is no digit of a source map`);
    value += (digit & 31) * 2 ** shift;
    shift += 5;
    if ((digit & 32) !== 0) continue;
    numbers.push(value % 2 === 1 ? -Math.floor(value / 2) : value / 2);
    value = 0;
    shift = 0;
  }
  return numbers;
}

function asUrl(scriptUrl: string): string {
  return /^[a-z][a-z0-9+.-]+:/i.test(scriptUrl) ? scriptUrl : pathToFileURL(scriptUrl).href;
}
