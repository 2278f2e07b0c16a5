// Asks engines for their language where the controller did not tell it (Python's does not): by `kernel_info_request` on
// the control channel, which engines answer while they are busy. Answers are kept with the engine, so each is asked once;
// one that does not answer is asked again a few times and otherwise stays unknown.

import { languageOf, type EngineFacts } from "../core/client/index.ts";
import { isDict } from "../wire/index.ts";
import type { ClientLink } from "./client-link.ts";

/** How long an engine may take for each attempt, in milliseconds. */
const ATTEMPTS_MS = [1000, 5000, 30_000] as const;

/** Learns the languages of the engines of a link, those that join later included. */
export class EngineLanguages {
  readonly #link: ClientLink;
  readonly #pending = new Map<string, Promise<void>>();

  constructor(link: ClientLink) {
    this.#link = link;
    for (const engine of link.directory.engines.values()) this.#learn(engine);
    link.events.on("engineJoined", (engine) => this.#learn(engine));
  }

  /** Waits until the engines of now have answered, or the time is over. */
  async settled(timeoutMs: number): Promise<void> {
    if (this.#pending.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([Promise.all(this.#pending.values()), deadline]);
    clearTimeout(timer);
  }

  #learn(engine: EngineFacts): void {
    if (languageOf(engine) !== undefined || this.#pending.has(engine.uuid)) return;
    // Never rejects.
    this.#pending.set(
      engine.uuid,
      this.#ask(engine).finally(() => this.#pending.delete(engine.uuid)),
    );
  }

  async #ask(engine: EngineFacts): Promise<void> {
    for (const timeoutMs of ATTEMPTS_MS) {
      try {
        const { content } = await this.#link.askEngine(engine, "kernel_info_request", {}, { timeoutMs });
        const info = content["language_info"];
        if (isDict(info) && typeof info["name"] === "string") this.#link.describeEngine(engine.uuid, { language: info["name"] });
        return;
      } catch {
        // Busy, or gone: unless the link is closed or the engine left, it is asked again. An unknown language is no failure.
        if (this.#link.isClosed || this.#link.directory.findByUuid(engine.uuid) === undefined) return;
      }
    }
  }
}
