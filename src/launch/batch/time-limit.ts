// Wall time as people write it, and in the forms of the batch systems.

import { ConfigError } from "../../base/index.ts";

const CLOCK = /^(?:(\d+)-)?(\d{1,4}):(\d\d):(\d\d)$/;
const UNITS = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;
const DAY_S = 86_400;
const HOUR_S = 3600;
const MINUTE_S = 60;

/**
 * Seconds of a wall time: `1:30:00`, `2-00:00:00` (days first), `90m`, `1h30m`, `45s`, `2d`.
 *
 * @throws ConfigError for anything else; a bare number too, since systems differ in its unit
 */
export function parseTimeLimit(text: string): number {
  const match = CLOCK.exec(text) ?? (text === "" ? null : UNITS.exec(text));
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match?.slice(1).map((part) => Number(part ?? 0)) ?? [];
  const total = days * DAY_S + hours * HOUR_S + minutes * MINUTE_S + seconds;
  if (match === null || total === 0)
    throw new ConfigError(`"${text}" is no time limit; write it as 1:30:00 (hours, minutes, seconds), 2-00:00:00 (days first), 90m, 1h30m or 2d`);
  return total;
}

/** `HH:MM:SS`, hours without a limit. */
export function hoursMinutesSeconds(totalS: number): string {
  const hours = Math.floor(totalS / HOUR_S);
  return [hours, Math.floor((totalS % HOUR_S) / MINUTE_S), totalS % MINUTE_S].map((part) => String(part).padStart(2, "0")).join(":");
}

/** `HH:MM`, rounded up to the minute. */
export function hoursMinutes(totalS: number): string {
  const minutes = Math.ceil(totalS / MINUTE_S);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
}
