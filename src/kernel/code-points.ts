// Positions in code: the wire counts code points, JavaScript UTF-16 units.

/** Index in the text of a position counted in code points; positions behind the end are the end. */
export function toIndex(code: string, codePoints: number): number {
  let index = 0;
  for (let counted = 0; counted < codePoints && index < code.length; counted += 1) index += (code.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  return index;
}

/** Position in code points of an index in the text. */
export function toCodePoints(code: string, index: number): number {
  let counted = 0;
  for (let at = 0; at < index && at < code.length; counted += 1) at += (code.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return counted;
}
