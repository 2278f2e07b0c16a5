// The guard: a tiny shell that outlives a killed engine just long enough to end the engine's job. It waits for the end of
// its input, which the system closes however the engine dies, and then stops what was running. Without it a job of an
// hour would go on after `kill -9` of its engine.

import { spawn, type ChildProcess } from "node:child_process";
import type { Socket } from "node:net";

// `kill -s`: dash does not take `kill -TERM -- -PGID`. Lines in: `server PID` (its children are jobs, each leading its group) and `job PGID`, `job` when it ended.
const SCRIPT = `
server=; job=
while read -r key value; do
  case $key in server) server=$value;; job) job=$value;; esac
done
groups=$job
if [ -n "$server" ]; then
  groups="$groups $(cat "/proc/$server/task/$server/children" 2>/dev/null || pgrep -P "$server" 2>/dev/null)"
fi
stopped=
for group in $groups; do kill -s TERM -- "-$group" 2>/dev/null && kill -s CONT -- "-$group" 2>/dev/null && stopped=1; done
[ -n "$stopped" ] || exit 0
sleep 2
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
`;

/** Ends a job whose engine is gone. */
export class Guard {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = spawn("/bin/sh", ["-c", SCRIPT, "tsparallel-job-guard", String(process.pid)], {
      detached: true,
      cwd: "/",
      stdio: ["pipe", "ignore", "ignore"],
    });
    // Without a guard jobs still run; only a killed engine would leave one behind.
    this.#child.on("error", () => undefined);
    this.#child.stdin?.on("error", () => undefined);
    this.#child.unref();
    (this.#child.stdin as Socket | null)?.unref();
  }

  /** Names the process whose children are jobs. */
  watchServer(pid: number): void {
    this.#write(`server ${pid}\n`);
  }

  /** Names the running job's group; `undefined`: none runs. */
  watchJob(pgid: number | undefined): void {
    this.#write(pgid === undefined ? "job\n" : `job ${pgid}\n`);
  }

  /** Lets it go. */
  close(): void {
    this.#child.stdin?.end();
  }

  #write(line: string): void {
    if (this.#child.stdin?.writable === true) this.#child.stdin.write(line);
  }
}
