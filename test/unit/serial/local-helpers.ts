// A helper module of a user's program, imported by the tests in every way there is.

export const FACTOR = 3;
export let counter = 0;

export function countUp(): void {
  counter += 1;
}

export function triple(x: number): number {
  return x * FACTOR;
}

export class Base {
  readonly n: number;
  constructor(n: number) {
    this.n = n;
  }
  value(): number {
    return triple(this.n);
  }
}
