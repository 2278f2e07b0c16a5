// Functions whose code is long enough to travel in a frame of its own.

/** A function of some 2000 characters that gives `x + seed`, another text for each seed. */
export function longFunction(seed: number): (x: number) => number {
  const lines = Array.from({ length: 40 }, (_, i) => `  if (x === -${1000 + i}) return "case ${i} of function ${seed}";`).join("\n");
  // oxlint-disable-next-line typescript/no-implied-eval -- as long a text as a test wants
  return new Function(`return function long(x) {\n${lines}\n  return x + ${seed};\n}`)() as (x: number) => number;
}
