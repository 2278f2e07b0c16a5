// Interactive use: magics for the REPL and for notebooks, cells that run in this process, and the REPL itself.

export { Cells, type CellOptions, type CellValue } from "./cells.ts";
export type { MagicHost } from "./magic-host.ts";
export { Magics } from "./magics.ts";
export { TerminalSession, type TerminalOptions } from "./terminal-session.ts";
