/**
 * Device authentication ("type 1", "V2"): proof of the device's own account inside `p2p-channel`
 * and `relay-channel`, and the encryption of the addresses in them.
 *
 * Source: PROTOCOL.md section 6.1; golden vectors in section 6.6.
 *
 * @module
 */
import { hmac } from "@noble/hashes/hmac.js";
import { md5 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { decodeBase64, encodeBase64 } from "../base64.ts";
import { decodeUtf8, toHex, utf8 } from "../bytes.ts";
import type { DeriveKey } from "../types.ts";
import { aes256Ofb } from "./ofb.ts";

/** Salt of older type-1 devices, whose Info is empty (section 6.2). */
export const STATIC_SALT = "5daf91fc5cfc1be8e081cfb08f792726";

const ADDRESS_IV = utf8("2z52*lk9o6HRyJrf");
const ITERATIONS = 20_000;
const KEY_BYTES = 32;

/**
 * The key of an account: upper-case hex of MD5(user + ":Login to " + salt + ":" + password), used
 * as its 32 ASCII bytes.
 */
export function deviceKey(user: string, password: string, salt: string): Uint8Array {
  return utf8(toHex(md5(utf8(`${user}:Login to ${salt}:${password}`))).toUpperCase());
}

/**
 * The key that encrypts addresses under one nonce: PBKDF2 of the account's key, salted with the
 * decimal text of the nonce.
 *
 * @param nonce Signed 32-bit integer; a minus sign is part of the text.
 */
export function localAddressKey(
  key: Uint8Array,
  nonce: number,
  deriveKey: DeriveKey,
): Uint8Array {
  return deriveKey(key, utf8(String(nonce)), ITERATIONS, KEY_BYTES);
}

/** `LocalAddr` as it is sent: base64 of the encrypted text. */
export function encryptAddress(addressKey: Uint8Array, address: string): string {
  return encodeBase64(aes256Ofb(addressKey, ADDRESS_IV, utf8(address)));
}

/**
 * The text of an encrypted `LocalAddr`.
 *
 * @throws {DecodeError} When it is not base64, or not text after decryption.
 */
export function decryptAddress(addressKey: Uint8Array, encrypted: string): string {
  return decodeUtf8(aes256Ofb(addressKey, ADDRESS_IV, decodeBase64(encrypted)), "LocalAddr");
}

/**
 * `DevAuth`: HMAC-SHA256 over the nonce, the creation date and the payload, all as text.
 *
 * @param createDate Unix seconds.
 * @param payload The ENCRYPTED `LocalAddr` of `p2p-channel`; empty for `relay-channel`.
 */
export function deviceAuth(
  key: Uint8Array,
  nonce: number,
  createDate: number,
  payload: string,
): string {
  return encodeBase64(hmac(sha256, key, utf8(`${nonce}${createDate}${payload}`)));
}
