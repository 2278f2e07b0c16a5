// What a remote function waits for until the test lets it go on: so that a test need not guess how long something takes.

import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file that is there once the gate is open; removed when it is disposed of. */
export class Gate implements Disposable {
  readonly path: string = join(tmpdir(), `tsparallel-gate-${randomUUID()}`);

  open(): void {
    writeFileSync(this.path, "");
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { force: true });
  }
}

/** Resolves when a gate, which is told by its path, is open. Travels to engines of this machine: it uses nothing of its module. */
export async function passed(gate: string): Promise<void> {
  const { existsSync } = process.getBuiltinModule("node:fs");
  while (!existsSync(gate)) await new Promise((next) => setTimeout(next, 10));
}
