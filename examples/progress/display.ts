// What is shown while engines work: on a terminal a bar for each engine, drawn over and over; elsewhere a line from time to time.

/** How far an engine is. */
export interface Progress {
  readonly engine: number;
  /** From 0 to 1. */
  readonly share: number;
  /** What it has found so far. */
  readonly found: string;
}

const BAR_WIDTH = 30;
const BAR_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 1000;

/** Shows progress until it is stopped, which shows the last state. */
export function showProgress(look: () => readonly Progress[]): { stop: () => void } {
  const isTerminal = process.stdout.isTTY === true;
  let drawn = 0;
  const show = (): void => {
    const all = look();
    if (!isTerminal) {
      console.log(all.map(({ engine, share, found }) => `engine ${engine}: ${percent(share)} ${found}`).join("; "));
      return;
    }
    const bars = all.map(({ engine, share, found }) => `engine ${engine} ${bar(share)} ${percent(share)} ${found}`);
    process.stdout.write(`${drawn > 0 ? `\x1b[${drawn}A` : ""}${bars.map((line) => `\x1b[2K${line}\n`).join("")}`);
    drawn = bars.length;
  };
  const timer = setInterval(show, isTerminal ? BAR_INTERVAL_MS : LINE_INTERVAL_MS);
  return {
    stop: () => {
      clearInterval(timer);
      show();
    },
  };
}

const percent = (share: number): string => `${Math.floor(share * 100)} %`.padStart(5);

function bar(share: number): string {
  const full = Math.round(share * BAR_WIDTH);
  return `${"█".repeat(full)}${"·".repeat(BAR_WIDTH - full)}`;
}
