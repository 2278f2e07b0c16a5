// Log writers: lines for people and JSON lines for machines, to a stream or a file descriptor.

import { writeSync } from "node:fs";
import type { LogEntry, LogWriter } from "./logger.ts";

/** `2026-11-21 10:39:49,231 hub: engine registered id=0 uuid=…`, the reference's time stamp. */
export function prettyLine(entry: LogEntry): string {
  const stamp = localStamp(entry.at);
  const level = entry.level === "info" ? "" : ` ${entry.level.toUpperCase()}`;
  const fields = Object.entries(entry.fields).map(([name, value]) => ` ${name}=${fieldText(value)}`);
  return `${stamp}${level} ${entry.component}: ${entry.message}${fields.join("")}`;
}

/** Local time as `YYYY-MM-DD HH:MM:SS,mmm`. */
export function localStamp(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())},${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** One JSON object a line: `time`, `level`, `component`, `message`, then the fields. */
export function jsonLine(entry: LogEntry): string {
  return JSON.stringify({ time: entry.at.toISOString(), level: entry.level, component: entry.component, message: entry.message, ...entry.fields });
}

/** Writes whole lines to a file descriptor, at once, so that the last words before an exit are not lost. */
export function fdWriter(fd: number, format: (entry: LogEntry) => string = prettyLine): LogWriter {
  return (entry) => {
    try {
      writeSync(fd, `${format(entry)}\n`);
    } catch {
      // A closed or full log must not take the program down with it; there is nowhere left to say so.
    }
  };
}

function fieldText(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return /^[^\s"]+$/.test(text) ? text : JSON.stringify(text);
}
