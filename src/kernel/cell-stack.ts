// Stacks as their readers count: by cells, and without the places of what is put around a cell's text when it is compiled.

/** A cell as its author knows it. */
export interface WrittenCell {
  /** Its number in the session. */
  readonly number: number;
  /** Its text, magics and all. */
  readonly code: string;
}

/**
 * Lines of a stack with cells named as users do: `cell [3]:2:7`.
 *
 * @param cell the one that failed: places that its text does not have are left out
 */
export function cellStack(lines: readonly string[], cell?: WrittenCell): string[] {
  return lines
    .filter((line) => cell === undefined || isWritten(line, cell))
    .map((line) => line.replaceAll(/ipp-cell-(s?)(\d+)\.ts/g, (_, silent, n) => (silent === "s" ? "cell [ ]" : `cell [${n}]`)));
}

function isWritten(frame: string, { number, code }: WrittenCell): boolean {
  const [, ofCell, row, column] = /^\s+at .*\bipp-cell-(\d+)\.ts:(\d+):(\d+)\)?$/.exec(frame) ?? [];
  if (Number(ofCell) !== number) return true;
  const line = code.split("\n")[Number(row) - 1];
  return line !== undefined && Number(column) <= line.length + 1;
}
