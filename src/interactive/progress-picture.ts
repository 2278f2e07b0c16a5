// Progress of a magic in a notebook: one picture that changes in place, where a stream of text would leave a trail of bars between the
// engines' output.

import { randomUUID } from "node:crypto";
import type { Dict } from "../wire/index.ts";

/** What is watched. */
export interface Watched {
  /** Engines that have finished. */
  readonly progress: number;
  /** Engines that were asked. */
  readonly length: number;
  /** Seconds so far. */
  readonly elapsed: number;
}

/** Shows a picture, or shows it anew: the same id is the same picture. */
export type DrawPicture = (data: Dict, place: { readonly displayId: string; readonly update: boolean }) => void;

const EVERY_MS = 250;

/** Draws until the returned function is called, which draws for the last time. */
export function drawProgress(watched: Watched, draw: DrawPicture): () => void {
  const displayId = `progress-${randomUUID()}`;
  let shown = "";
  const show = (): void => {
    const { progress, length, elapsed } = watched;
    const text = `${progress} of ${length} engine${length === 1 ? "" : "s"} finished after ${Math.round(elapsed)} s`;
    if (text === shown) return;
    const bar = `<progress value="${progress}" max="${length}" style="width: 16em; vertical-align: middle"></progress>`;
    draw({ "text/plain": text, "text/html": `<div>${bar} ${text}</div>` }, { displayId, update: shown !== "" });
    shown = text;
  };
  show();
  const timer = setInterval(show, EVERY_MS);
  return () => {
    clearInterval(timer);
    show();
  };
}
