/**
 * The body of the control segment that opens a connection.
 *
 * | offset | size | field |
 * |---|---|---|
 * | 0 | 1 | control code, 0 = CONNECT |
 * | 1 | – | options: kind, length, value; kind 0 ends them, kind 1 is one byte of padding |
 *
 * Options: 2 = maximum segment size (ignored), 3 = window scale (one byte). Every real device has
 * been seen to send and accept exactly `00 03 01 00`.
 *
 * Source: PROTOCOL.md sections 1.4 and 10.
 *
 * @module
 */
import { DecodeError } from "../errors.ts";

const CODE_CONNECT = 0;
const KIND_END = 0;
const KIND_PADDING = 1;
const KIND_WINDOW_SCALE = 3;

/** Largest window scale; RFC 7323 section 2.3. A larger announcement counts as this. */
export const MAX_WINDOW_SCALE = 14;

/** What a CONNECT announces. */
export interface Connect {
  /** Shift of the sender's window fields; absent when it does not know window scaling. */
  readonly windowScale?: number;
}

/**
 * Decodes a control body. Options from the first malformed one on are ignored, as libjingle does:
 * a CONNECT with a strange tail still opens.
 *
 * @throws {DecodeError} When it is empty or no CONNECT.
 */
export function decodeConnect(body: Uint8Array): Connect {
  if (body.length === 0) throw new DecodeError("control segment without a code");
  if (body[0] !== CODE_CONNECT) throw new DecodeError("unknown control code");
  let windowScale: number | undefined;
  let offset = 1;
  while (offset < body.length) {
    const kind = body[offset++];
    if (kind === KIND_END) break;
    if (kind === KIND_PADDING) continue;
    const length = body[offset++];
    if (length === undefined || offset + length > body.length) break;
    if (kind === KIND_WINDOW_SCALE && length === 1) {
      windowScale = Math.min(body[offset]!, MAX_WINDOW_SCALE);
    }
    offset += length;
  }
  return windowScale === undefined ? {} : { windowScale };
}

/** The body of a CONNECT; with scale 0 the recorded `00 03 01 00`. */
export function encodeConnect(connect: Connect): Uint8Array {
  if (connect.windowScale === undefined) return Uint8Array.of(CODE_CONNECT);
  return Uint8Array.of(CODE_CONNECT, KIND_WINDOW_SCALE, 1, connect.windowScale);
}
