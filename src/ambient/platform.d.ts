// The whole of what the pure floor (base, wire, core) may use beyond the ECMAScript library.
// Everything else of the platform reaches it through the interfaces of `base`.

declare class TextEncoder {
  encode(input?: string): Uint8Array;
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(input?: Uint8Array): string;
}
