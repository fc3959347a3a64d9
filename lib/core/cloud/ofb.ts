/**
 * AES-256 in output feedback mode (NIST SP 800-38A section 6.4), made from CBC.
 *
 * @module
 */
import { cbc } from "@noble/ciphers/aes.js";

/**
 * Encrypts or decrypts: both are the same.
 *
 * CBC over zeros feeds each block's output into the next, which is the OFB key stream.
 *
 * @param key 32 bytes.
 * @param iv 16 bytes.
 */
export function aes256Ofb(key: Uint8Array, iv: Uint8Array, bytes: Uint8Array): Uint8Array {
  const zeros = new Uint8Array(Math.ceil(bytes.length / 16) * 16);
  const out = bytes.slice();
  if (out.length === 0) return out;
  const keyStream = cbc(key, iv, { disablePadding: true }).encrypt(zeros);
  for (let i = 0; i < out.length; i++) out[i] = out[i]! ^ keyStream[i]!;
  return out;
}
