/**
 * Reading and writing of big-endian integers, text and hex, as every codec of the core needs them.
 *
 * @module
 */
import { concat, equals } from "@std/bytes";
import { DecodeError } from "./errors.ts";
import type { Endpoint } from "./types.ts";

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/** No bytes. Shared: never written to. */
export const EMPTY: Uint8Array = new Uint8Array(0);

/** UTF-8 bytes of `text`. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * Text of UTF-8 bytes.
 *
 * @throws {DecodeError} When they are not UTF-8.
 */
export function decodeUtf8(bytes: Uint8Array, what = "text"): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    throw new DecodeError(`${what} is not UTF-8`);
  }
}

/** Arguments of one call: more could exceed the stack. */
const LATIN1_CHUNK = 8_192;

/**
 * Text of bytes, one character a byte with the byte as its code; never fails. A `TextDecoder` for
 * "latin1" decodes windows-1252, which is something else from 80 to 9f.
 */
export function decodeLatin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += LATIN1_CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + LATIN1_CHUNK));
  }
  return text;
}

/** Lower-case hex of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/**
 * Bytes of a hex text; white space is ignored.
 *
 * @throws {DecodeError} On an odd number of digits or anything that is no digit.
 */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 !== 0) throw new DecodeError("hex text of odd length", digits.length);
  const bad = digits.search(/[^0-9a-fA-F]/);
  if (bad >= 0) throw new DecodeError("not a hex digit", bad);
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}

/** Unsigned big-endian 16-bit integer at `offset`; the caller has checked the length. */
export function readUint16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 8) | bytes[offset + 1]!;
}

/** Unsigned big-endian 32-bit integer at `offset`; the caller has checked the length. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) |
    bytes[offset + 3]!) >>> 0;
}

/** Writes the low 16 bits of `value` big-endian at `offset`. */
export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

/** Writes the low 32 bits of `value` big-endian at `offset`. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** Whether both hold the same bytes. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return equals(a, b);
}

/** All chunks in one array. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : concat(chunks);
}

/** Whether two endpoints are the same address and port. */
export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && a.ip === b.ip;
}

/** `ip:port`. */
export function formatEndpoint(endpoint: Endpoint): string {
  return `${endpoint.ip}:${endpoint.port}`;
}

const DOTTED_QUAD = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Whether `text` is an IPv4 literal in canonical form. */
export function isIpv4(text: string): boolean {
  return DOTTED_QUAD.test(text);
}

/**
 * The endpoint written as `ip:port`.
 *
 * @throws {DecodeError} When the address is no IPv4 literal or the port no number up to 65535.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseEndpoint("192.0.2.80:8802"), { ip: "192.0.2.80", port: 8802 });
 * ```
 */
export function parseEndpoint(text: string): Endpoint {
  const match = /^([0-9.]+):([0-9]{1,5})$/.exec(text.trim());
  if (!match || !isIpv4(match[1]!)) throw new DecodeError("not an IPv4 address and port");
  const port = Number(match[2]);
  if (port > 65535) throw new DecodeError("port above 65535", match[1]!.length + 1);
  return { ip: match[1]!, port };
}
