// The bounds of an adapted number of engines, as users write them.

/** Reads `MIN:MAX`; `undefined` when it is something else. */
export function readAdaptRange(text: string): { readonly min: number; readonly max: number } | undefined {
  const match = /^(\d{1,6}):(\d{1,6})$/.exec(text);
  const [min, max] = [Number(match?.[1]), Number(match?.[2])];
  return match !== null && min <= max ? { min, max } : undefined;
}
