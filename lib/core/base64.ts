/**
 * Base64 (RFC 4648 section 4), without the runtime's `atob` and `btoa`.
 *
 * @module
 */
import { DecodeError } from "./errors.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const INVALID = 0xff;
const VALUES = new Uint8Array(128).fill(INVALID);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

/** Base64 of `bytes`, padded. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const rest = bytes.length - i;
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += ALPHABET[group >>> 18]! + ALPHABET[(group >>> 12) & 63]!;
    text += rest > 1 ? ALPHABET[(group >>> 6) & 63]! : "=";
    text += rest > 2 ? ALPHABET[group & 63]! : "=";
  }
  return text;
}

/**
 * Bytes of a base64 text. White space is skipped, missing padding is accepted, bits beyond the
 * last byte are ignored: cloud servers wrap and trim as they like.
 *
 * @throws {DecodeError} On any other character, data after padding, or an impossible length.
 */
export function decodeBase64(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(text.length / 4) * 3);
  let length = 0;
  let group = 0;
  let digits = 0;
  let padding = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d) continue;
    if (code === 0x3d) {
      padding++;
      continue;
    }
    const value = code < 128 ? VALUES[code]! : INVALID;
    if (value === INVALID || padding > 0) throw new DecodeError("not base64", i);
    group = (group << 6) | value;
    digits++;
    if (digits % 4 === 0) {
      bytes[length++] = group >>> 16;
      bytes[length++] = group >>> 8;
      bytes[length++] = group;
      group = 0;
    }
  }
  const rest = digits % 4;
  if (rest === 1) throw new DecodeError("base64 of impossible length", text.length);
  if (padding > 0 && (digits + padding) % 4 !== 0) {
    throw new DecodeError("base64 with wrong padding", text.length);
  }
  if (rest === 2) bytes[length++] = group >>> 4;
  if (rest === 3) {
    bytes[length++] = group >>> 10;
    bytes[length++] = group >>> 2;
  }
  return bytes.slice(0, length);
}
