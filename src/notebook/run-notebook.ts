// Runs a notebook: starts its kernel, feeds the machine with what the kernel says, performs what the machine orders, and ends
// the kernel, whatever happened.

import { LaunchError, ProcessExitedError, TimeoutError, type Millis } from "../base/index.ts";
import { NotebookRun, textOf, type NotebookEffect, type NotebookEnd, type NotebookEvent } from "../core/notebook/index.ts";
import type { Notebook, NotebookRunOptions, RunPlan } from "../core/notebook/index.ts";
import { createSession, ZeromqTransport } from "../net/index.ts";
import { isDict, type Dict } from "../wire/index.ts";
import { KernelLink } from "./kernel-link.ts";
import { isTaken, KernelProcess, type KernelStart } from "./kernel-process.ts";
import type { NotebookFile } from "./notebook-file.ts";

/** How long a kernel may take until it answers. */
const START_MS = 60_000;
/** Starts of a kernel whose ports are taken each time. */
const STARTS_MAX = 3;
/** A kernel that was asked to end is killed after this time. */
const END_MS = 5000;
/** What a kernel published last before it died may still be on its way. */
const LAST_WORDS_MS = 200;
/** A longer message is not read: as text it would need several times its size, and no output of that size is kept. */
const MESSAGE_BYTES_MAX = 256 * 1024 ** 2;
/** Longest time a timer can wait; the machine asks again. */
const WAIT_MS_MAX = 2 ** 31 - 1;

/** What `runNotebook` needs. */
export interface NotebookJob {
  readonly notebook: Notebook;
  readonly plan: RunPlan;
  /** Where it is written to. */
  readonly file: NotebookFile;
  readonly kernel: KernelStart;
  readonly limits: NotebookRunOptions;
  /** Called with what the machine orders, for whoever watches. */
  readonly onEffect: (effect: NotebookEffect) => void;
  /** Ends the run in order. */
  readonly signal: AbortSignal;
  /** For the notebook's metadata. */
  readonly parameters: { readonly [name: string]: unknown };
}

/**
 * Runs the cells of a plan and saves the notebook after each.
 *
 * @throws LaunchError, ProcessExitedError or TimeoutError when the kernel does not start, ConfigError when the notebook cannot be
 * saved at all; the signal's reason when it came before the first cell. The file is untouched then.
 */
export async function runNotebook(job: NotebookJob): Promise<NotebookEnd> {
  for (let attempt = 1; ; attempt += 1) {
    job.signal.throwIfAborted();
    const kernel = await KernelProcess.start(job.kernel);
    let failure: unknown;
    try {
      return await new Runner(job, kernel).run();
    } catch (error) {
      failure = error;
    } finally {
      await kernel.close();
    }
    // Between the choice of free ports and their use somebody else may take one. Then kernels end, or live and never answer:
    // ipykernel does either, by the port. What listens there now that the kernel is gone is not the kernel.
    const hasNotBegun = failure instanceof ProcessExitedError || failure instanceof TimeoutError;
    if (!hasNotBegun || attempt === STARTS_MAX || !(await isTaken(kernel.connection))) throw failure;
  }
}

class Runner {
  readonly #job: NotebookJob;
  readonly #kernel: KernelProcess;
  readonly #machine: NotebookRun;
  readonly #link: KernelLink;
  readonly #ended: Promise<NotebookEnd>;
  #end!: (end: NotebookEnd) => void;
  readonly #startedAt = new Date();
  #timer: NodeJS.Timeout | undefined;
  #exitTimer: NodeJS.Timeout | undefined;
  #lastSave: Promise<void> = Promise.resolve();

  constructor(job: NotebookJob, kernel: KernelProcess) {
    this.#job = job;
    this.#kernel = kernel;
    this.#machine = new NotebookRun(job.plan, job.limits);
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    const { key, signatureScheme } = kernel.connection;
    this.#link = new KernelLink(new ZeromqTransport(), createSession({ key, signatureScheme, messageBytesMax: MESSAGE_BYTES_MAX }), kernel.connection, {
      published: (request, msgType, content, date) => this.#feed({ type: "published", at: now(), request, msgType, content, date }),
      replied: (request, content, date) => this.#feed({ type: "replied", at: now(), request, content, date }),
      unreadable: () => this.#feed({ type: "unreadable", at: now() }),
      heartStopped: (silentMs) => {
        kernel.kill();
        this.#feed({ type: "kernelDied", at: now(), how: `gave no sign of life for ${Math.round(silentMs / 1000)} s and was killed` });
      },
    });
  }

  async run(): Promise<NotebookEnd> {
    const { signal } = this.#job;
    await using _link = this.#link;
    const onStop = (): void => this.#feed({ type: "stopped", at: now() });
    try {
      this.#describe(await this.#ready());
      await this.#job.file.save();
      void this.#watchExit(); // Never rejects.
      signal.addEventListener("abort", onStop, { once: true });
      if (signal.aborted) onStop();
      else this.#feed({ type: "kernelReady", at: now() });
      const end = await this.#ended;
      await this.#lastSave;
      this.#link.shutdown();
      await this.#kernel.endsWithin(END_MS);
      return end;
    } finally {
      signal.removeEventListener("abort", onStop);
      clearTimeout(this.#timer);
      clearTimeout(this.#exitTimer);
    }
  }

  async #ready(): Promise<Dict> {
    const giveUp = new AbortController();
    const { spec } = this.#job.kernel;
    const timer = setTimeout(
      () => giveUp.abort(new TimeoutError(`the kernel "${spec.name}" did not answer within ${START_MS / 1000} s${this.#lastWords()}`)),
      START_MS,
    );
    void this.#kernel.exited.then((how) => {
      const message = `the kernel "${spec.name}" ${how} before it was ready${this.#lastWords()}`;
      giveUp.abort(new ProcessExitedError(message, { exitCode: null, signal: null, outputTail: this.#kernel.lastLines.split("\n") }));
    });
    try {
      return await this.#link.ready(AbortSignal.any([giveUp.signal, this.#job.signal]));
    } finally {
      clearTimeout(timer);
    }
  }

  #lastWords(): string {
    const lines = this.#kernel.lastLines;
    return lines === "" ? "" : `; its last words:\n${lines}`;
  }

  async #watchExit(): Promise<void> {
    const how = await this.#kernel.exited;
    if (this.#machine.end === undefined) this.#exitTimer = setTimeout(() => this.#feed({ type: "kernelDied", at: now(), how }), LAST_WORDS_MS);
  }

  /** What Jupyter's programs want to know of a notebook that was run. */
  #describe(info: Dict): void {
    const { notebook, kernel } = this.#job;
    const { name, displayName, language } = kernel.spec;
    const { kernelspec } = notebook.metadata;
    if (!isDict(kernelspec) || kernelspec["name"] !== name) notebook.metadata["kernelspec"] = { display_name: displayName, language, name };
    if (isDict(info["language_info"])) notebook.metadata["language_info"] = info["language_info"];
    this.#tell("running");
  }

  #tell(status: string): void {
    const { notebook, parameters } = this.#job;
    const ended = status === "running" ? {} : { ended: new Date().toISOString() };
    notebook.metadata["tsparallel"] = { parameters, started: this.#startedAt.toISOString(), ...ended, status };
  }

  #feed(event: NotebookEvent): void {
    for (const effect of this.#machine.handle(event)) {
      this.#perform(effect);
      this.#job.onEffect(effect);
    }
  }

  #perform(effect: NotebookEffect): void {
    switch (effect.type) {
      case "execute":
        return this.#link.execute(effect.request, textOf(effect.code));
      case "interruptKernel":
        return this.#job.kernel.spec.interruptMode === "message" ? this.#link.interrupt() : this.#kernel.interrupt();
      case "killKernel":
        return this.#kernel.kill();
      case "changed":
        return this.#job.file.touch(effect.cell);
      case "save":
        return this.#save(effect.save);
      case "wakeAt":
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#feed({ type: "ticked", at: now() }), Math.min(Math.max(0, effect.at - now()), WAIT_MS_MAX));
        return;
      case "ended":
        // The save that was ordered just before writes what stands in the notebook when its file is open.
        this.#tell(
          effect.end.type === "completed" && effect.end.failures.length === 0 ? "completed" : effect.end.type === "stopped" ? "interrupted" : "failed",
        );
        return this.#end(effect.end);
      case "cellEnded":
      case "wrote":
        return; // for whoever watches
    }
  }

  #save(save: number): void {
    this.#lastSave = this.#job.file.save().then(
      () => this.#feed({ type: "saved", at: now(), save }),
      (error: unknown) => {
        // The run ends by it; a last save that fails is told by whoever waits for it.
        if (this.#machine.end !== undefined) throw error;
        this.#feed({ type: "saveFailed", at: now(), error: error instanceof Error ? error : new LaunchError(String(error)) });
      },
    );
    this.#lastSave.catch(() => undefined); // It is looked at in the end.
  }
}

const now = (): Millis => performance.now() as Millis;
