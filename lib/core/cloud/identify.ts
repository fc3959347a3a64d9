/**
 * `<Identify>`: the eight bytes by which an end of the link is known, in hex separated by spaces.
 * They are the tie-breaker of the connectivity checks as well.
 *
 * Source: PROTOCOL.md sections 1.1, 6.4 and 6.6.
 *
 * @module
 */
import { DecodeError } from "../errors.ts";

/** How the bytes are written: `legacy` without leading zeros (`c`), `padded` with them (`0c`). */
export type IdentifyForm = "legacy" | "padded";

/** Length of an Identify. */
export const IDENTIFY_BYTES = 8;

/** The text of an Identify. */
export function formatIdentify(identify: Uint8Array, form: IdentifyForm): string {
  const width = form === "padded" ? 2 : 1;
  return Array.from(identify, (byte) => byte.toString(16).padStart(width, "0")).join(" ");
}

/**
 * The bytes of an Identify in either form.
 *
 * @throws {DecodeError} When it is not eight hex bytes.
 */
export function parseIdentify(text: string): Uint8Array {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== IDENTIFY_BYTES || !parts.every((part) => /^[0-9a-fA-F]{1,2}$/.test(part))) {
    throw new DecodeError("Identify is not eight hex bytes");
  }
  return Uint8Array.from(parts, (part) => Number.parseInt(part, 16));
}
