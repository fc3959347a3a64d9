/**
 * The body of a NACK, a device's request to resend. It takes no sequence space.
 *
 * | offset | size | field | evidence |
 * |---|---|---|---|
 * | 0 | 1 | 0x0A | measured |
 * | 1 | 2 | length of what follows, big-endian | measured |
 * | 3 | 8·n | blocks, little-endian: u32 first missing sequence number, u16 unknown (0), u16 last minus first missing | measured bytes, inferred meaning; n = 1 seen |
 *
 * Source: PROTOCOL.md sections 1.5, 2.4 and 9.
 *
 * @module
 */
import { readUint16, writeUint16 } from "../bytes.ts";
import { DecodeError } from "../errors.ts";
import { HEADER_BYTES } from "./segment.ts";

/** First byte of a NACK body. */
export const NACK_KIND = 0x0a;

const NACK_HEADER_BYTES = 3;
const BLOCK_BYTES = 8;

/** One range the device misses. */
export interface NackBlock {
  /** First missing sequence number. */
  readonly sequence: number;
  /** Unknown, 0 in every sample. */
  readonly reserved: number;
  /** Last missing sequence number minus the first; the reading is inferred. */
  readonly span: number;
}

/** A NACK body, decoded; every byte survives a round trip. */
export interface Nack {
  /** The ranges missed. */
  readonly blocks: readonly NackBlock[];
  /** Bytes after the last whole block, if the length is no multiple of 8. */
  readonly rest: Uint8Array;
}

/** Whether a body is exactly 0x0A, a length and that many bytes. */
export function isNackBody(body: Uint8Array): boolean {
  return body.length >= NACK_HEADER_BYTES && body[0] === NACK_KIND &&
    readUint16(body, 1) === body.length - NACK_HEADER_BYTES;
}

/** {@linkcode isNackBody} of the body of a whole datagram, without making a view. */
export function carriesNackBody(datagram: Uint8Array): boolean {
  return datagram[HEADER_BYTES] === NACK_KIND &&
    datagram.length >= HEADER_BYTES + NACK_HEADER_BYTES &&
    readUint16(datagram, HEADER_BYTES + 1) === datagram.length - HEADER_BYTES - NACK_HEADER_BYTES;
}

/**
 * Decodes a NACK body.
 *
 * @throws {DecodeError} When it does not start with 0x0A or its length is not exactly as stated.
 */
export function decodeNack(body: Uint8Array): Nack {
  if (body.length < NACK_HEADER_BYTES) throw new DecodeError("NACK cut short", body.length);
  if (body[0] !== NACK_KIND) throw new DecodeError("not a NACK");
  if (!isNackBody(body)) throw new DecodeError("NACK length is not that of its body", 1);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const blocks: NackBlock[] = [];
  let offset = NACK_HEADER_BYTES;
  for (; offset + BLOCK_BYTES <= body.length; offset += BLOCK_BYTES) {
    blocks.push({
      sequence: view.getUint32(offset, true),
      reserved: view.getUint16(offset + 4, true),
      span: view.getUint16(offset + 6, true),
    });
  }
  return { blocks, rest: body.subarray(offset) };
}

/** The body of a NACK; the inverse of {@linkcode decodeNack}. */
export function encodeNack(nack: Nack): Uint8Array {
  const length = nack.blocks.length * BLOCK_BYTES + nack.rest.length;
  if (length > 0xffff) throw new RangeError("NACK longer than its length field can say");
  const body = new Uint8Array(NACK_HEADER_BYTES + length);
  const view = new DataView(body.buffer);
  body[0] = NACK_KIND;
  writeUint16(body, 1, length);
  let offset = NACK_HEADER_BYTES;
  for (const block of nack.blocks) {
    view.setUint32(offset, block.sequence, true);
    view.setUint16(offset + 4, block.reserved, true);
    view.setUint16(offset + 6, block.span, true);
    offset += BLOCK_BYTES;
  }
  body.set(nack.rest, offset);
  return body;
}
