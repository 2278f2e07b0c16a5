// Signatures by HMAC (protocol §1.2), and the quicker text codec of Node's Buffer.

import { createHmac, createSecretKey, getHashes, timingSafeEqual, type KeyObject } from "node:crypto";
import { ConfigError } from "../base/index.ts";
import type { Frame, Signer, TextCodec } from "../wire/index.ts";

const SCHEME_PREFIX = "hmac-";
const UNSIGNED = Buffer.alloc(0);

/** Text coding by Buffer: about twice as quick as TextEncoder on message-sized texts. */
export const BUFFER_TEXT: TextCodec = {
  encode: (text) => Buffer.from(text, "utf8"),
  decode: (frame) => Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString("utf8"),
};

/**
 * Makes the signer for a connection file's `key` and `signature_scheme`.
 *
 * @param key the key's text, used as it is (not hex-decoded); empty switches signing off
 * @param scheme `hmac-<hash>`, any hash this Node has; default `hmac-sha256`
 */
export function hmacSigner(key: string, scheme = "hmac-sha256"): Signer {
  if (!scheme.startsWith(SCHEME_PREFIX)) throw new ConfigError(`signature scheme "${scheme}" must start with "${SCHEME_PREFIX}"`);
  const hash = hashName(scheme.slice(SCHEME_PREFIX.length));
  if (key === "") return UNSIGNED_SIGNER;
  return new HmacSigner(hash, createSecretKey(Buffer.from(key, "utf8")));
}

function hashName(name: string): string {
  const known = getHashes().find((hash) => hash.toLowerCase() === name.toLowerCase().replaceAll("_", "-") || hash.toLowerCase() === ALIASES.get(name));
  if (known === undefined) throw new ConfigError(`signature scheme names the hash "${name}", which this Node does not have; use "hmac-sha256"`);
  return known;
}

/** Hash names of Python's hashlib that OpenSSL spells differently. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["blake2b", "blake2b512"],
  ["blake2s", "blake2s256"],
]);

class HmacSigner implements Signer {
  readonly isEnabled = true;
  readonly #hash: string;
  readonly #key: KeyObject;

  constructor(hash: string, key: KeyObject) {
    this.#hash = hash;
    this.#key = key;
  }

  sign(header: Frame, parentHeader: Frame, metadata: Frame, content: Frame): Frame {
    return Buffer.from(this.#digest(header, parentHeader, metadata, content), "latin1");
  }

  verify(signature: Frame, header: Frame, parentHeader: Frame, metadata: Frame, content: Frame): boolean {
    const expected = Buffer.from(this.#digest(header, parentHeader, metadata, content), "latin1");
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  }

  #digest(header: Frame, parentHeader: Frame, metadata: Frame, content: Frame): string {
    return createHmac(this.#hash, this.#key).update(header).update(parentHeader).update(metadata).update(content).digest("hex");
  }
}

const UNSIGNED_SIGNER: Signer = {
  isEnabled: false,
  sign: () => UNSIGNED,
  verify: () => true,
};
