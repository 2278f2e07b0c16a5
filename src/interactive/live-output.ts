// Output of several engines as it comes: whole lines, each with its engine. The rest of a line waits for its end.

import { resultLabel, writeRich, type EngineOutput } from "../client/index.ts";
import type { MagicHost } from "./magic-host.ts";

/** Characters of a line without end that are kept back. */
const LINE_CHARS_MAX = 65_536;

type Stream = "stdout" | "stderr";

/** Writes engines' output to a host. */
export class LiveOutput {
  readonly #host: MagicHost;
  readonly #isLabelled: boolean;
  /** Beginnings of lines, by stream and request. */
  readonly #open = new Map<string, { readonly stream: Stream; readonly label: string; text: string }>();

  /** @param isLabelled whether there are several engines, so that each line says whose it is */
  constructor(host: MagicHost, isLabelled: boolean) {
    this.#host = host;
    this.#isLabelled = isLabelled;
  }

  /** Takes a piece. */
  take(output: EngineOutput): void {
    const { kind, engineId, text } = output;
    if (kind === "stdout" || kind === "stderr") {
      if (this.#isLabelled) this.#print(kind, output);
      else this.#host.write(kind, text);
      return;
    }
    const label = kind === "result" ? resultLabel(engineId, output.executionCount) : this.#isLabelled ? `[output:${engineId ?? "?"}] ` : "";
    const { display } = this.#host;
    writeRich({ write: (shown) => this.#host.write("stdout", shown), ...(display === undefined ? {} : { display }) }, output, label);
  }

  /** Writes what has no end of line. */
  end(): void {
    for (const { stream, label, text } of this.#open.values()) if (text !== "") this.#host.write(stream, `${label}${text}\n`);
    this.#open.clear();
  }

  #print(stream: Stream, { index, engineId, text }: EngineOutput): void {
    const key = `${stream}:${index}`;
    const label = `[${stream}:${engineId ?? "?"}] `;
    const line = this.#open.get(key) ?? { stream, label, text: "" };
    this.#open.set(key, line);
    const lines = (line.text + text).split("\n");
    line.text = lines.pop() ?? "";
    if (line.text.length > LINE_CHARS_MAX) lines.push(line.text);
    if (line.text.length > LINE_CHARS_MAX) line.text = "";
    if (lines.length > 0) this.#host.write(stream, lines.map((one) => `${label}${one}\n`).join(""));
  }
}
