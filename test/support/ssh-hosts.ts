// The test bed of hosts with ssh servers (test/testbeds/ssh-hosts.sh), and what tests do there.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bootstrapLine, NO_NODE_STATUS } from "../../src/launch/ssh/bootstrap.ts";
import { RunningCommand, type CommandEnd } from "./ipcluster.ts";

const SCRIPT = fileURLToPath(new URL("../testbeds/ssh-hosts.sh", import.meta.url));
const IPCLUSTER = fileURLToPath(new URL("../../dist/cli/bin/ipcluster.js", import.meta.url));
const CALL_MS = 60_000;
const NODES_MAX = 20;

/** Whether hosts can be made here: by root, with OpenSSH's server and the tools for namespaces. */
export const HAS_SSH_HOSTS: boolean = process.platform === "linux" && canMakeHosts();

function canMakeHosts(): boolean {
  const tools = ["sshd", "ssh", "ssh-keygen", "ip", "nsenter", "nft", "pgrep"].every((tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status === 0);
  return tools && spawnSync("unshare", ["--mount", "--uts", "--net", "--ipc", "--pid", "--fork", "true"]).status === 0;
}

/** A head and nodes. */
export class SshHosts {
  readonly dir: string;
  readonly #undos: (() => unknown)[] = [];

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** Starts a head and `node1` … `nodeN`; each logs in to each without a question. */
  static start(n: number): SshHosts {
    const dir = mkdtempSync(join(tmpdir(), "tsparallel-ssh-"));
    execFileSync(SCRIPT, ["start", dir, String(n)], { stdio: ["ignore", "ignore", "inherit"], timeout: CALL_MS });
    return new SshHosts(dir);
  }

  stop(): void {
    execFileSync(SCRIPT, ["stop", this.dir], { stdio: "ignore", timeout: CALL_MS });
  }

  /** Starts a program on a host. */
  start(host: string, ...command: readonly string[]): RunningCommand {
    return new RunningCommand(spawn(SCRIPT, ["on", this.dir, host, ...command], { stdio: ["ignore", "pipe", "pipe"] }));
  }

  /** Starts `ipcluster` on the head. */
  ipcluster(...args: readonly string[]): RunningCommand {
    return this.start("head", process.execPath, IPCLUSTER, ...args);
  }

  /** Runs `ipcluster` on the head to its end. */
  run(...args: readonly string[]): Promise<CommandEnd> {
    return this.ipcluster(...args).ended;
  }

  /** Runs a short command on a host; its output. */
  on(host: string, ...command: readonly string[]): string {
    return execFileSync(SCRIPT, ["on", this.dir, host, ...command], { encoding: "utf8", timeout: CALL_MS });
  }

  /** Runs a module on the head; its output, or an error with what it wrote. */
  async node(module: string): Promise<string> {
    const end = await this.start("head", process.execPath, "--input-type=module", "-e", module).ended;
    if (end.code !== 0) throw new Error(`the program ended with ${end.code}: ${end.stderr}`);
    return end.stdout;
  }

  /** Puts everything back that these did: `cut`, `isolate`, `change`, `rename`, `hideNode`. */
  mend(): void {
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) undo();
  }

  /** Takes a host's cable out. */
  cut(host: string): void {
    execFileSync(SCRIPT, ["cut", this.dir, host], { timeout: CALL_MS });
    this.#undos.push(() => execFileSync(SCRIPT, ["mend", this.dir, host], { timeout: CALL_MS }));
  }

  /** Drops packets that leave a host; `which` is in nft's words. */
  isolate(host: string, which: string): void {
    this.#undos.push(() => this.on(host, "nft", "flush", "ruleset"));
    this.on(host, "nft", `add table inet t; add chain inet t o { type filter hook output priority 0; }; add rule inet t o ${which} drop`);
  }

  /** Changes a file in a host's home directory. */
  change(host: string, path: string, change: (text: string) => string): void {
    const file = this.home(host, path);
    const text = readFileSync(file, "utf8");
    this.#undos.push(() => writeFileSync(file, text));
    writeFileSync(file, change(text));
  }

  /** Renames a file in a host's home directory. */
  rename(host: string, from: string, to: string): void {
    this.#undos.push(() => renameSync(this.home(host, to), this.home(host, from)));
    renameSync(this.home(host, from), this.home(host, to));
  }

  /** Hides every Node that a login to a host finds, wherever they lie. */
  hideNode(host: string): void {
    const login = ["ssh", "-o", "BatchMode=yes", host, bootstrapLine("")];
    for (let hidden = 0; hidden < NODES_MAX; hidden += 1) {
      const { status, stdout } = spawnSync(SCRIPT, ["on", this.dir, "head", ...login], { encoding: "utf8", timeout: CALL_MS });
      if (status === NO_NODE_STATUS) return;
      const [, path = ""] = /"path":"([^"]*)"/.exec(stdout) ?? [];
      this.on(host, "mount", "--bind", "/dev/null", path);
      this.#undos.push(() => this.on(host, "umount", path));
    }
    throw new Error(`${host} has more than ${NODES_MAX} Nodes`);
  }

  /** Ends a host with all its processes, as when its power fails. */
  kill(host: string): void {
    process.kill(this.#holder(host), "SIGKILL");
  }

  /** A file in a host's home directory, as this machine sees it. */
  home(host: string, path: string): string {
    return join(this.dir, `home-${host}`, path);
  }

  async configure(profile: string, text: string): Promise<void> {
    const path = this.home("head", `.ipython/profile_${profile}/ipcluster_config.ts`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }

  /** Command lines of what runs on a host besides the host itself. */
  processes(host: string): string[] {
    return this.#others(host).map(({ line }) => line);
  }

  /** Ends what a test that failed has left. */
  killProcesses(names: readonly string[]): void {
    for (const host of names) for (const { pid } of this.#others(host)) process.kill(pid, "SIGKILL");
  }

  #others(host: string): { readonly pid: number; readonly line: string }[] {
    const namespace = readlinkSync(`/proc/${this.#holder(host)}/ns/pid`);
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => ({ pid: Number(pid), line: commandIn(pid, namespace) ?? "" }))
      .filter(({ line }) => line !== "" && !/^(?:bash|sleep|sshd:|\S*\/sshd)/.test(line));
  }

  #holder(host: string): number {
    return Number(readFileSync(join(this.dir, `${host}.pid`), "utf8"));
  }
}

function commandIn(pid: string, namespace: string): string | undefined {
  try {
    if (readlinkSync(`/proc/${pid}/ns/pid`) !== namespace) return undefined;
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return undefined; // ended in the meantime
  }
}
