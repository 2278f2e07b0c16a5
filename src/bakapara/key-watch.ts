// Notices keys of jobs that look like misspelt ones of ours. They are kept and echoed like all keys that are the user's own, but a
// `timout` that limits nothing should be heard of. Pure; each key is told once.

import { editDistance } from "../config/index.ts";
import { JOB_KEYS, type Job } from "./job.ts";

/** Names of the same things elsewhere. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  cwd: "cd",
  chdir: "cd",
  dir: "cd",
  directory: "cd",
  workdir: "cd",
  stdout: "out",
  stderr: "err",
  environment: "env",
  time_limit: "timeout",
  retry: "retries",
};

/** So many keys are remembered; a file with keys that differ from line to line costs no more than this. */
const KEYS_MAX = 1000;
/** Shorter names are one letter from too many words. */
const LETTERS_MIN = 4;

/** Watches the jobs of one input. */
export class KeyWatch {
  readonly #seen = new Set<string>(JOB_KEYS);

  /** Sentences about keys of this job that were not seen before and seem to mean another. */
  remarks(job: Job): string[] {
    const sentences: string[] = [];
    for (const key of Object.keys(job)) {
      if (this.#seen.has(key) || this.#seen.size > KEYS_MAX) continue;
      this.#seen.add(key);
      const meant = meantKey(key);
      if (meant !== undefined) sentences.push(`the key "${key}" is kept as one of yours and does nothing; did you mean "${meant}"?`);
    }
    return sentences;
  }
}

function meantKey(key: string): string | undefined {
  const word = key.toLowerCase().replaceAll("-", "_");
  if (JOB_KEYS.includes(word)) return word;
  if (Object.hasOwn(ELSEWHERE, word)) return ELSEWHERE[word];
  return JOB_KEYS.find((known) => known.length >= LETTERS_MIN && editDistance(word, known) === 1);
}
