// Logging: the interface every room speaks to, and the writers that `cli` chooses from.

export { createLogger, parseLogLevel, SILENT, type LogEntry, type LogFields, type Logger, type LogLevel, type LogWriter } from "./logger.ts";
export { fdWriter, jsonLine, localStamp, prettyLine } from "./writers.ts";
