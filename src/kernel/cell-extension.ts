// The seam for what a notebook knows beyond its language: magics.

import type { Dict, StreamName } from "../wire/index.ts";

/** What an extension may do in the name of the cell that runs. */
export interface CellVoice {
  /** Writes text. */
  write(name: StreamName, text: string): void;
  /** Shows rich output; with a place, under an id or in the place of what was shown under it. */
  display(data: Dict, metadata: Dict, place?: { readonly displayId: string; readonly update: boolean }): void;
}

/** A cell as the user sent it. */
export interface TypedCell {
  readonly code: string;
  /** Its execution count. */
  readonly number: number;
  /** Which cell of the notebook it is, where the front end tells. */
  readonly id?: string;
}

/** Changes cells before they run. */
export interface CellExtension {
  /** The cell as it is to be compiled. Throws what the cell is to fail with. */
  expand(code: string): string;
  /** A counted cell compiles, and runs when what is returned has settled. Rejects with what the cell is to fail with. */
  ready(cell: TypedCell): Promise<void>;
  /** Whether an interrupt of the running cell is the extension's own business now. */
  readonly takesInterrupts: boolean;
  /** An interrupt came, and was its business. */
  interrupt(): void;
}
