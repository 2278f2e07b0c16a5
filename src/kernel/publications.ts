// Everything that goes out on iopub: whose it is, in which order, and how much of it there may be.

import type { KernelFailure } from "../base/index.ts";
import { OutputCapture } from "../execution/index.ts";
import type { Dict, Message, StreamName } from "../wire/index.ts";

/** Bytes of displays that one cell may publish. */
const DISPLAY_BYTES_MAX = 256 * 1024 * 1024;

/** Lines that leave at once; more in a short time leave together. */
const PROMPT_LINES = 20;

/** Publishes a message for a request's header and gives its size in bytes. */
export type PublishMessage = (msgType: string, content: Dict, parent: Dict) => number;

/** The kernel's voice. */
export class Publications {
  readonly #publish: PublishMessage;
  readonly #output: OutputCapture;
  /** Header of the cell that runs, or of the last one: output belongs to it. */
  #parent: Dict = {};
  #displayBytes = 0;
  #displaysDropped = 0;

  constructor(publish: PublishMessage) {
    this.#publish = publish;
    this.#output = new OutputCapture((name, text) => void publish("stream", { name, text }, this.#parent), { promptLines: PROMPT_LINES });
  }

  /** Output is of this cell from now on. */
  begin(header: Dict): void {
    this.end();
    this.#parent = header;
  }

  /** A request ended: what it wrote leaves, and what was too much is told. */
  end(): void {
    if (this.#displaysDropped > 0)
      this.#output.write("stderr", `[${this.#displaysDropped} more displays were dropped: a cell may publish ${DISPLAY_BYTES_MAX} bytes of them]\n`);
    this.#displaysDropped = 0;
    this.#displayBytes = 0;
    this.#output.endRequest();
  }

  /** The cell wrote text. */
  write(name: StreamName, text: string): void {
    this.#output.write(name, text);
  }

  /** Sends out the text that is collected. */
  flush(): void {
    this.#output.flush();
  }

  status(state: "starting" | "busy" | "idle", parent: Dict): void {
    this.#publish("status", { execution_state: state }, parent);
  }

  input(code: string, executionCount: number): void {
    this.#publish("execute_input", { code, execution_count: executionCount }, this.#parent);
  }

  result(data: Dict, executionCount: number): void {
    this.flush();
    this.#publish("execute_result", { data, metadata: {}, execution_count: executionCount }, this.#parent);
  }

  error({ ename, evalue, traceback = [] }: KernelFailure): void {
    this.flush();
    this.#publish("error", { ename, evalue, traceback }, this.#parent);
  }

  /** A display, behind what was written before it; dropped and counted when the cell has published too many bytes of them. */
  display(msgType: "display_data" | "update_display_data", content: Dict): void {
    if (this.#displayBytes > DISPLAY_BYTES_MAX) {
      this.#displaysDropped += 1;
      return;
    }
    this.flush();
    this.#displayBytes += this.#publish(msgType, content, this.#parent);
  }

  clear(wait: boolean): void {
    this.flush();
    this.#publish("clear_output", { wait }, this.#parent);
  }

  shutdown(restart: boolean, parent: Dict): void {
    this.flush();
    this.#publish("shutdown_reply", { status: "ok", restart }, parent);
  }

  /** A front end opened a comm: there is nobody here to talk to, and it hears so. */
  closeComm({ header, content }: Message): void {
    this.#publish("comm_close", { comm_id: content["comm_id"] ?? "", data: {} }, header);
  }
}
