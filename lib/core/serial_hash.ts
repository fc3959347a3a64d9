/**
 * A serial as it may be written down: whoever reads the file cannot reach the device with it.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toHex, utf8 } from "./bytes.ts";

/** Hex digits of an id: enough to tell millions of devices apart. */
const ID_DIGITS = 16;

/** The whole hash, 64 hex digits. */
export function serialHash(serial: string): string {
  return toHex(sha256(utf8(serial)));
}

/** The beginning of the hash: the id of a device in files and reports. */
export function deviceId(serial: string): string {
  return serialHash(serial).slice(0, ID_DIGITS);
}
