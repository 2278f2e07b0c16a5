// What magics need of the place where they are typed: a terminal or a notebook.

import type { Client, InteractiveOptions } from "../client/index.ts";
import type { Dict } from "../wire/index.ts";
import type { DrawPicture } from "./progress-picture.ts";

/** A terminal or a notebook. */
export interface MagicHost {
  /** Writes text. */
  write(stream: "stdout" | "stderr", text: string): void;
  /** Shows rich output; absent: only its plain text is written. */
  readonly display?: (data: Dict, metadata: Dict) => void;
  /** Where progress is shown: as text, or as a picture that changes in place; absent: nowhere. */
  readonly progress?: NonNullable<InteractiveOptions["stream"]> | DrawPicture;
  /** Variables of the user. */
  readonly globals: Record<string, unknown>;
  /** Their types, in TypeScript, of those that no cell declares. */
  readonly types?: Readonly<Record<string, string>>;
  /** Calls back at each interrupt until the given function is called; the magic that runs deals with it. */
  onInterrupt(listener: () => void): () => void;
  /** A client for magics when no view was activated. */
  connect(): Promise<Client>;
}
