/**
 * What the core may not take by itself, from the runtime.
 *
 * @module
 */
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Environment, Random, Trace } from "../core/types.ts";

/** Randomness of the operating system. */
export const systemRandom: Random = {
  uint32: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/** PBKDF2-HMAC-SHA256; 20 to 40 ms a call. */
export function deriveKey(
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  length: number,
): Uint8Array {
  return pbkdf2(sha256, password, salt, { c: iterations, dkLen: length });
}

/** The environment of a real run. */
export function systemEnvironment(trace?: Trace): Environment {
  return { random: systemRandom, unixTimeMs: Date.now, deriveKey, trace };
}
