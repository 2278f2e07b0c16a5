// CURVE keys outside of the connection files: the server key that a peer takes from the environment, and the file in which a
// controller that keeps its connection files keeps their secret key.

import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../base/index.ts";
import { isCurveKey, isDict, type CommonConnectionInfo } from "../wire/index.ts";
import { fileFailure } from "./file-failure.ts";
import type { ProfileDir } from "./profile.ts";

const SERVER_KEY_VARIABLE = "IPP_CURVE_SERVERKEY";
const OTHERS_MODE = 0o077;

/**
 * Connection information with the server key of `IPP_CURVE_SERVERKEY`, where it has none itself.
 *
 * @throws ConfigError when the variable holds no key
 */
export function withServerKey<Info extends CommonConnectionInfo>(info: Info, env: NodeJS.ProcessEnv = process.env): Info {
  const key = env[SERVER_KEY_VARIABLE] ?? "";
  if (info.curve_serverkey !== null || key === "") return info;
  if (!isCurveKey(key)) throw new ConfigError(`${SERVER_KEY_VARIABLE} holds no CURVE key: it must have 40 characters of Z85`);
  return { ...info, curve_serverkey: key };
}

/** Path of the file with the secret key of a controller that is to be started again: `security/ipcontroller[-ID]-curve.json`. */
export function curveKeyPath(profile: ProfileDir, clusterId: string): string {
  return join(profile.securityDir, `ipcontroller${clusterId === "" ? "" : `-${clusterId}`}-curve.json`);
}

/** What such a file holds. */
export function curveKeyText(keys: { readonly publicKey: string; readonly secretKey: string }): string {
  return JSON.stringify({ curve_publickey: keys.publicKey, curve_secretkey: keys.secretKey }, null, 2);
}

/**
 * The secret key of such a file; `undefined` when there is none.
 *
 * @throws ConfigError when it cannot be read, holds something else, or others can read it
 */
export async function readCurveKey(path: string): Promise<string | undefined> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if (process.platform !== "win32" && (mode & OTHERS_MODE) !== 0)
      throw new ConfigError(`others than its owner can read ${path}, which holds a secret key; remove it together with the connection files beside it`);
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ConfigError(`cannot read ${path}: ${fileFailure(cause)}`, { cause });
  }
  const key = secretKeyOf(text);
  if (key === undefined) throw new ConfigError(`${path} holds no CURVE key; remove it together with the connection files beside it`);
  return key;
}

function secretKeyOf(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const key = isDict(value) ? value["curve_secretkey"] : undefined;
    return typeof key === "string" && isCurveKey(key) ? key : undefined;
  } catch {
    // Not JSON: the caller says the same of it as of any other wrong content.
    return undefined;
  }
}
