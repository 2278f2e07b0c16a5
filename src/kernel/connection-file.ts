// The connection file of a notebook's kernel: Jupyter writes it, the kernel listens where it says.

import { readFile } from "node:fs/promises";
import { ConfigError } from "../base/index.ts";
import { fileFailure } from "../config/index.ts";
import { isDict, type Dict } from "../wire/index.ts";

/** Where a kernel listens, and the key of its messages. */
export interface KernelConnection {
  /** `tcp://127.0.0.1` */
  readonly interface: string;
  readonly shellPort: number;
  readonly controlPort: number;
  readonly stdinPort: number;
  readonly iopubPort: number;
  readonly heartbeatPort: number;
  /** Empty: messages are not signed. */
  readonly key: string;
  /** `hmac-sha256` */
  readonly signatureScheme: string;
}

/**
 * Reads a connection file.
 *
 * @throws ConfigError with one sentence that names the file
 */
export async function readKernelConnection(path: string): Promise<KernelConnection> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new ConfigError(`cannot read the connection file ${path}: ${fileFailure(cause)}`, { cause });
  }
  try {
    return parseKernelConnection(text);
  } catch (cause) {
    throw new ConfigError(`the connection file ${path} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/**
 * Reads a connection file's text.
 *
 * @throws ConfigError that names what is wrong
 */
export function parseKernelConnection(text: string): KernelConnection {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("it is not JSON", { cause });
  }
  if (!isDict(value)) throw new ConfigError("it is not a JSON object");
  const { transport = "tcp", ip = "127.0.0.1", key = "", signature_scheme: scheme = "hmac-sha256" } = value;
  if (transport !== "tcp") throw new ConfigError(`its transport is ${JSON.stringify(transport)}; this kernel speaks "tcp" only`);
  if (typeof ip !== "string" || ip === "") throw new ConfigError("ip must be a text");
  if (typeof key !== "string" || typeof scheme !== "string") throw new ConfigError("key and signature_scheme must be texts");
  return {
    interface: `tcp://${ip === "0.0.0.0" ? "*" : ip}`,
    shellPort: portOf(value, "shell_port"),
    controlPort: portOf(value, "control_port"),
    stdinPort: portOf(value, "stdin_port"),
    iopubPort: portOf(value, "iopub_port"),
    heartbeatPort: portOf(value, "hb_port"),
    key,
    signatureScheme: scheme === "" ? "hmac-sha256" : scheme,
  };
}

function portOf(value: Dict, name: string): number {
  const port = value[name];
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535) throw new ConfigError(`${name} must be a port, 1 to 65535`);
  return port as number;
}
