/**
 * The PTCP segment: one UDP datagram, a 24-byte header and a body. All integers are big-endian.
 *
 * | offset | size | field | evidence |
 * |---|---|---|---|
 * | 0 | 4 | `PTCP`, PseudoTCP's conversation number | recorded |
 * | 4 | 4 | sequence number of the first body byte (`sent`) | recorded, checked by arithmetic |
 * | 8 | 4 | acknowledgement: next byte expected (`recv`) | recorded, checked by arithmetic |
 * | 12 | 1 | control byte, 0; 0x01 seen on NACK segments (`pid`, first byte) | measured |
 * | 13 | 1 | flags: 0x02 CTL, 0x04 RST (`pid`, second byte) | recorded; RST by reference |
 * | 14 | 2 | receive window, to be shifted by the announced scale (`pid`, low half) | recorded |
 * | 16 | 4 | timestamp of the sender, ms (`lmid`) | recorded |
 * | 20 | 4 | echo of a timestamp of the peer, 0 = none (`rmid`) | recorded |
 * | 24 | – | body: stream bytes, or control data when CTL is set | recorded |
 *
 * Source: PROTOCOL.md sections 1.4, 2.1 and 10.
 *
 * @module
 */
import { readUint16, readUint32, writeUint16, writeUint32 } from "../bytes.ts";
import { DecodeError } from "../errors.ts";

/** `PTCP` in ASCII. */
export const PTCP_MAGIC = 0x50544350;
/** Length of the header. */
export const HEADER_BYTES = 24;
/** Flag: the body is control data (CONNECT). */
export const FLAG_CTL = 0x02;
/** Flag: the connection is reset. */
export const FLAG_RST = 0x04;

/** One segment, decoded. Every header bit survives a round trip. */
export interface Segment {
  /** Sequence number of the first body byte; unsigned 32 bit. */
  readonly sequence: number;
  /** Next byte expected from the receiver of this segment; unsigned 32 bit. */
  readonly ack: number;
  /** Byte 12: 0, or 1 on a NACK. */
  readonly control: number;
  /** Byte 13: {@linkcode FLAG_CTL}, {@linkcode FLAG_RST} or unknown bits. */
  readonly flags: number;
  /** Receive window as it stands on the wire, before any scale; unsigned 16 bit. */
  readonly window: number;
  /** The sender's clock, ms; unsigned 32 bit. */
  readonly timestamp: number;
  /** The timestamp echoed, 0 = none; unsigned 32 bit. */
  readonly echo: number;
  /** Stream bytes, or control data. */
  readonly payload: Uint8Array;
}

/** Whether the datagram starts like a segment and is long enough to be one. */
export function isPtcp(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && readUint32(bytes, 0) === PTCP_MAGIC;
}

/**
 * Decodes one datagram.
 *
 * @returns The segment; its payload is a view of `bytes`.
 * @throws {DecodeError} When it is shorter than a header or does not start with `PTCP`.
 */
export function decodeSegment(bytes: Uint8Array): Segment {
  if (bytes.length < HEADER_BYTES) throw new DecodeError("PTCP header cut short", bytes.length);
  if (readUint32(bytes, 0) !== PTCP_MAGIC) throw new DecodeError("not a PTCP segment");
  return {
    sequence: sequenceOf(bytes),
    ack: ackOf(bytes),
    control: controlOf(bytes),
    flags: flagsOf(bytes),
    window: windowOf(bytes),
    timestamp: timestampOf(bytes),
    echo: echoOf(bytes),
    payload: payloadOf(bytes),
  };
}

/** The datagram of a segment; the inverse of {@linkcode decodeSegment}. */
export function encodeSegment(segment: Segment): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + segment.payload.length);
  bytes[12] = segment.control;
  writeHeader(
    bytes,
    segment.sequence,
    segment.ack,
    segment.flags,
    segment.window,
    segment.timestamp,
    segment.echo,
  );
  bytes.set(segment.payload, HEADER_BYTES);
  return bytes;
}

/** Writes every header field but the control byte, which stays as it is, in place. */
export function writeHeader(
  bytes: Uint8Array,
  sequence: number,
  ack: number,
  flags: number,
  window: number,
  timestamp: number,
  echo: number,
): void {
  writeUint32(bytes, 0, PTCP_MAGIC);
  writeUint32(bytes, 4, sequence);
  writeUint32(bytes, 8, ack);
  bytes[13] = flags;
  writeUint16(bytes, 14, window);
  writeUint32(bytes, 16, timestamp);
  writeUint32(bytes, 20, echo);
}

// The readers below serve the hot path, which never builds a Segment. The caller checked the length.

/** Sequence number of a datagram that {@linkcode isPtcp}. */
export function sequenceOf(bytes: Uint8Array): number {
  return readUint32(bytes, 4);
}

/** Acknowledgement number of a datagram that {@linkcode isPtcp}. */
export function ackOf(bytes: Uint8Array): number {
  return readUint32(bytes, 8);
}

/** Byte 12 of a datagram that {@linkcode isPtcp}. */
export function controlOf(bytes: Uint8Array): number {
  return bytes[12]!;
}

/** Byte 13 of a datagram that {@linkcode isPtcp}. */
export function flagsOf(bytes: Uint8Array): number {
  return bytes[13]!;
}

/** Unscaled window of a datagram that {@linkcode isPtcp}. */
export function windowOf(bytes: Uint8Array): number {
  return readUint16(bytes, 14);
}

/** Timestamp of a datagram that {@linkcode isPtcp}. */
export function timestampOf(bytes: Uint8Array): number {
  return readUint32(bytes, 16);
}

/** Echoed timestamp of a datagram that {@linkcode isPtcp}. */
export function echoOf(bytes: Uint8Array): number {
  return readUint32(bytes, 20);
}

/** Body of a datagram that {@linkcode isPtcp}, as a view. */
export function payloadOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(HEADER_BYTES);
}
