// datetime ↔ Date. Python's dates without a zone mean local time, as those that JavaScript makes from fields do; Date
// keeps milliseconds, so microseconds are cut off. What leaves has the zone UTC.

import { PythonObject } from "./python-object.ts";

const DAY_SECONDS = 86_400;

/** Reads `datetime.datetime(bytes, zone)`; `undefined` when its zone is more than an offset. */
export function readDatetime(args: readonly unknown[]): Date | undefined {
  const [bytes, zone] = args;
  if (!(bytes instanceof Uint8Array) || bytes.length !== 10 || args.length > 2) return undefined;
  const [high = 0, low = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, a = 0, b = 0, c = 0] = bytes;
  // The top bit of the month says which of two hours is meant when clocks are set back.
  const fields = [high * 256 + low, (month & 0x7f) - 1, day, hour, minute, second, Math.floor((a * 65_536 + b * 256 + c) / 1000)] as const;
  if (zone === undefined || zone === null) return withYear(new Date(2000, 0, 1), fields, false);
  const offsetMs = readOffset(zone);
  return offsetMs === undefined ? undefined : new Date(withYear(new Date(0), fields, true).getTime() - offsetMs);
}

type Fields = readonly [year: number, month: number, day: number, hour: number, minute: number, second: number, ms: number];

/** Sets the fields one by one: constructors take years below 100 for those of the last century. */
function withYear(date: Date, [year, month, day, hour, minute, second, ms]: Fields, isUtc: boolean): Date {
  if (isUtc) {
    date.setUTCFullYear(year, month, day);
    date.setUTCHours(hour, minute, second, ms);
  } else {
    date.setFullYear(year, month, day);
    date.setHours(hour, minute, second, ms);
  }
  return date;
}

/** Milliseconds of `datetime.timezone(datetime.timedelta(days, seconds, microseconds))`. */
function readOffset(zone: unknown): number | undefined {
  if (!(zone instanceof PythonObject) || zone.qualifiedName !== "datetime.timezone") return undefined;
  const [delta] = zone.args;
  if (!(delta instanceof PythonObject) || delta.qualifiedName !== "datetime.timedelta") return undefined;
  const [days = 0, seconds = 0, micros = 0] = delta.args;
  if (typeof days !== "number" || typeof seconds !== "number" || typeof micros !== "number") return undefined;
  return (days * DAY_SECONDS + seconds) * 1000 + micros / 1000;
}

/** A Date as Python's aware datetime; `undefined` when Python has no such year. */
export function writeDatetime(date: Date): PythonObject | undefined {
  const year = date.getUTCFullYear();
  if (!(year >= 1 && year <= 9999)) return undefined;
  const micros = date.getUTCMilliseconds() * 1000;
  const bytes = Uint8Array.of(
    year >> 8,
    year & 0xff,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    micros >> 16,
    (micros >> 8) & 0xff,
    micros & 0xff,
  );
  const utc = new PythonObject("datetime", "timezone", { args: [new PythonObject("datetime", "timedelta", { args: [0, 0, 0] })] });
  return new PythonObject("datetime", "datetime", { args: [bytes, utc] });
}
