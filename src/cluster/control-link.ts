// What a cluster's process says to the controller and to single engines on the control channel: how much there is to do, which
// engines are to go, and that one is to end.

import { LaunchError, TimeoutError, type EngineUuid } from "../base/index.ts";
import { CONTROLLER_IDENTITY, drainRequest, readErrorContent, readWorkReply, type ClientConnectionInfo, type ClusterWork, type Dict } from "../wire/index.ts";
import { AskingSocket } from "./asking-socket.ts";

const ANSWER_MS = 5000;

/** A connection to a controller's control socket. */
export class ControlLink implements AsyncDisposable {
  readonly #socket: AskingSocket;

  constructor(info: ClientConnectionInfo) {
    this.#socket = new AskingSocket(info, "control");
  }

  /**
   * What there is to do, and which engines have it.
   *
   * @throws TimeoutError when the controller does not answer
   */
  work(): Promise<ClusterWork> {
    return this.#askController("workload_request", {});
  }

  /**
   * These engines get no more tasks, and give back what they have not started. Asking again changes nothing.
   *
   * @param limitMs after so long what they have goes back to the queue; `undefined`: never
   * @throws TimeoutError when the controller does not answer
   */
  drain(engines: readonly EngineUuid[], limitMs: number | undefined): Promise<ClusterWork> {
    return this.#askController("drain_request", drainRequest({ engines, limitMs: limitMs ?? null, isUndone: false }));
  }

  /** These engines get tasks again. */
  async undrain(engines: readonly EngineUuid[]): Promise<void> {
    await this.#askController("drain_request", drainRequest({ engines, limitMs: null, isUndone: true }));
  }

  /** Tells an engine to end. False when it did not answer: it hangs, or has ended. */
  async shutdown(engine: EngineUuid): Promise<boolean> {
    const content = await this.#socket.ask("shutdown_request", { restart: false }, { answerMs: ANSWER_MS, target: engine });
    return content?.["status"] === "ok";
  }

  /**
   * Has an engine send itself a signal, also while user code keeps it busy.
   *
   * @returns why it could not; `undefined` when it was delivered
   */
  async signal(engine: EngineUuid, signal: NodeJS.Signals): Promise<string | undefined> {
    const content = await this.#socket.ask("signal_request", { sig: signal }, { answerMs: ANSWER_MS, target: engine });
    if (content === undefined) return `it did not answer within ${ANSWER_MS / 1000} s`;
    return content["status"] === "ok" ? undefined : readErrorContent(content).evalue;
  }

  async close(): Promise<void> {
    await this.#socket.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #askController(msgType: string, content: Dict): Promise<ClusterWork> {
    const answer = await this.#socket.ask(msgType, content, { answerMs: ANSWER_MS, target: CONTROLLER_IDENTITY });
    if (answer?.["status"] === "error") throw new LaunchError(`the controller refused the ${msgType}: ${readErrorContent(answer).evalue}`);
    const work = answer === undefined ? undefined : readWorkReply(answer);
    if (work === undefined)
      throw new TimeoutError(`the controller did not answer the ${msgType} within ${ANSWER_MS / 1000} s; Python's ipcontroller knows no such request`);
    return work;
  }
}
