// From positions in compiled text back to the file the user wrote, by the source map the script names. Only the first
// line of a function is looked up: compilers that strip types keep the lines of a body together.

import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

import { BoundedMap } from "./bounded-map.ts";

/** A zero-based position in a file. */
export interface SourcePosition {
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

const MAPS_MAX = 100;
const MAPS = new BoundedMap<string, SourceMap | "none">(MAPS_MAX);

/** Where a position was written; the position itself when there is no map or the map does not know. */
export function originalPosition(position: SourcePosition, sourceMapUrl: string): SourcePosition {
  if (sourceMapUrl === "") return position;
  let map = MAPS.get(position.url);
  if (map === undefined) {
    map = readMap(position.url, sourceMapUrl);
    MAPS.set(position.url, map);
  }
  if (map === "none") return position;
  const entry = map.findEntry(position.line, position.column) as {
    readonly originalSource?: string;
    readonly originalLine?: number;
    readonly originalColumn?: number;
  };
  if (entry.originalSource === undefined || entry.originalLine === undefined) return position;
  return { url: new URL(entry.originalSource, asUrl(position.url)).href, line: entry.originalLine, column: entry.originalColumn ?? 0 };
}

function readMap(scriptUrl: string, sourceMapUrl: string): SourceMap | "none" {
  try {
    const data = /^data:[^,]*?(;base64)?,(.*)$/s.exec(sourceMapUrl);
    const text =
      data === null
        ? readFileSync(fileURLToPath(new URL(sourceMapUrl, asUrl(scriptUrl))), "utf8")
        : Buffer.from(data[2] as string, data[1] === undefined ? "utf8" : "base64").toString();
    return new SourceMap(JSON.parse(text) as ConstructorParameters<typeof SourceMap>[0]);
  } catch {
    // A map that is missing or broken costs the user the original line, nothing else.
    return "none";
  }
}

function asUrl(scriptUrl: string): string {
  return /^[a-z][a-z0-9+.-]+:/i.test(scriptUrl) ? scriptUrl : pathToFileURL(scriptUrl).href;
}
