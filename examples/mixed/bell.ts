// The sound of a bell: a few tones that fade, and noise.

/** Samples in a second. */
export const RATE = 8000;

export interface Bell {
  readonly name: string;
  /** In hertz, rising. */
  readonly tones: readonly number[];
}

/** A second and more of a bell, always the same for a seed. */
export function ring(bell: Bell, samples: number, seed: number): Float64Array {
  let state = seed;
  const noise = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 31;
  };
  return Float64Array.from({ length: samples }, (_, i) => {
    const seconds = i / RATE;
    const tones = bell.tones.map((tone, k) => (Math.exp(-seconds * (0.5 + k / 4)) * Math.sin(2 * Math.PI * tone * seconds)) / (1 + k / 2));
    return tones.reduce((sum, tone) => sum + tone, 0.2 * noise());
  });
}
