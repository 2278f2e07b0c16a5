// Tells the Hub of engines whose processes ended, within milliseconds and in batches. A connection is open only while
// there is something to tell, so that an otherwise finished program can end.

import type { EngineUuid } from "../base/index.ts";
import type { ClientConnectionInfo } from "../wire/index.ts";
import { HubLink } from "./hub-link.ts";

/** Reports deaths to one controller. */
export class DeathReporter {
  readonly #info: ClientConnectionInfo;
  readonly #queue: { readonly uuid: EngineUuid; readonly id: number | undefined }[] = [];
  #sending: Promise<void> | undefined;

  constructor(info: ClientConnectionInfo) {
    this.#info = info;
  }

  /** Queues one report. */
  report(uuid: EngineUuid, id: number | undefined): void {
    this.#queue.push({ uuid, id });
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Resolves when everything queued was sent. */
  async flushed(): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    const link = new HubLink(this.#info);
    try {
      while (this.#queue.length > 0) {
        for (const death of this.#queue.splice(0)) link.reportDeath(death.uuid, death.id);
        // An answered question proves that what was sent before it has arrived; without an answer the heartbeat will tell.
        await link.engines();
      }
    } finally {
      await link.close();
    }
  }
}
