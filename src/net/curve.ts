// CURVE, ZeroMQ's encryption (protocol §3.7): key pairs, and what sockets are told of them. Whoever listens proves with its
// secret key that it is the one whose public key stands in the connection file; whoever connects brings a pair that it
// made for itself. So a peer without the server key gets nothing, not even an answer. Keys are Curve25519 in Z85.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { ConfigError } from "../base/index.ts";
import { isCurveKey, z85Decode, z85Encode } from "../wire/index.ts";

/** A key pair, both in Z85. */
export interface CurveKeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** How the sockets of a transport encrypt. */
export interface CurveOptions {
  /** Secret key of the sockets that listen. */
  readonly secretKey?: string;
  /** Public key of the listening socket that sockets connect to. */
  readonly serverKey?: string;
}

/** How a peer encrypts that has a connection file's content; `undefined`: it does not. */
export function curveOf(info: { readonly curve_serverkey: string | null }): CurveOptions | undefined {
  return info.curve_serverkey === null ? undefined : { serverKey: info.curve_serverkey };
}

/** What comes before the 32 bytes of an X25519 key in PKCS #8, the form in which Node takes a bare one. */
const PKCS8_HEAD = Buffer.from("302e020100300506032b656e04220420", "hex");

/** A fresh key pair. */
export function newCurveKeyPair(): CurveKeyPair {
  return pairOf(generateKeyPairSync("x25519").privateKey);
}

/**
 * The key pair of a secret key.
 *
 * @throws ConfigError when it is none; the message does not tell it
 */
export function curveKeyPair(secretKey: string): CurveKeyPair {
  const secret = isCurveKey(secretKey) ? z85Decode(secretKey) : undefined;
  if (secret === undefined) throw new ConfigError("the CURVE secret key is none: a key has 40 characters of Z85, as `zmq.curve_keypair()` gives them");
  const { publicKey } = pairOf(createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, secret]), format: "der", type: "pkcs8" }));
  return { publicKey, secretKey };
}

function pairOf(secret: KeyObject): CurveKeyPair {
  const text = (name: "x" | "d", key: KeyObject): string => z85Encode(Buffer.from(key.export({ format: "jwk" })[name] ?? "", "base64url"));
  return { publicKey: text("x", createPublicKey(secret)), secretKey: text("d", secret) };
}
