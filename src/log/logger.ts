// Logging: constant messages, facts as fields. The library is silent unless given a Logger; only `cli` chooses where
// lines go. Never keys, payloads or user code in a field.

/** Severity, least first. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Facts of one line. */
export type LogFields = { readonly [name: string]: unknown };

/** One line, before it is written. */
export interface LogEntry {
  readonly at: Date;
  readonly level: LogLevel;
  /** Room that speaks: `hub`, `scheduler.task`, `engine`, `launch.slurm`. */
  readonly component: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** Takes entries; must not throw. */
export type LogWriter = (entry: LogEntry) => void;

/** Where components write. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds fields to each line, and with `component` speaks for another room. */
  child(fields: LogFields & { readonly component?: string }): Logger;
}

const ORDER: Readonly<Record<LogLevel, number>> = { debug: 10, info: 20, warn: 30, error: 40 };

/** Makes a logger that hands entries of `level` and above to `writer`. */
export function createLogger(component: string, writer: LogWriter, level: LogLevel = "info", base: LogFields = {}): Logger {
  const write = (at: LogLevel, message: string, fields: LogFields = {}): void => {
    if (ORDER[at] < ORDER[level]) return;
    writer({ at: new Date(), level: at, component, message, fields: { ...base, ...fields } });
  };
  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
    child: ({ component: other, ...fields }) => createLogger(other ?? component, writer, level, { ...base, ...fields }),
  };
}

/** Says nothing. */
export const SILENT: Logger = createLogger("silent", () => undefined, "error");

/** Reads a level as users write it: names in any case, or Python's numbers (10, 20, 30, 40, 50). */
export function parseLogLevel(text: string): LogLevel | undefined {
  const name = text.toLowerCase();
  if (name in ORDER) return name as LogLevel;
  if (name === "warning") return "warn";
  if (name === "critical" || name === "fatal") return "error";
  if (!/^\d+$/.test(name)) return undefined;
  const number = Number(name);
  if (number <= 10) return "debug";
  if (number <= 20) return "info";
  return number <= 30 ? "warn" : "error";
}
