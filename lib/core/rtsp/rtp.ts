/**
 * RTP packets and what they say of frames.
 *
 * ```text
 * 0      version (2 bits), padding, extension, CSRC count (4 bits)
 * 1      marker, payload type (7 bits)
 * 2..3   sequence number     4..7 timestamp     8..11 SSRC     12.. CSRCs, extension, payload
 * ```
 *
 * Source: RFC 3550 section 5.1; RFC 6184 section 5.4 (H.264), RFC 7798 section 4.4 (H.265).
 *
 * @module
 */
import { readUint16, readUint32 } from "../bytes.ts";
import { DecodeError } from "../errors.ts";

/** One RTP packet. */
export interface RtpPacket {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  /** A view, without padding. */
  readonly payload: Uint8Array;
}

/**
 * Reads a packet.
 *
 * @throws {DecodeError} When it is no RTP version 2, or ends too early.
 */
export function decodeRtp(bytes: Uint8Array): RtpPacket {
  if (bytes.length < 12 || bytes[0]! >> 6 !== 2) throw new DecodeError("no RTP packet");
  let start = 12 + 4 * (bytes[0]! & 0x0f);
  if ((bytes[0]! & 0x10) !== 0) {
    if (bytes.length < start + 4) throw new DecodeError("RTP extension ends too early", start);
    start += 4 + 4 * readUint16(bytes, start + 2);
  }
  const padding = (bytes[0]! & 0x20) !== 0 ? bytes.at(-1)! : 0;
  if (start + padding > bytes.length) throw new DecodeError("RTP packet ends too early", start);
  return {
    payloadType: bytes[1]! & 0x7f,
    marker: (bytes[1]! & 0x80) !== 0,
    sequence: readUint16(bytes, 2),
    timestamp: readUint32(bytes, 4),
    payload: bytes.subarray(start, bytes.length - padding),
  };
}

/** What kind of frame a packet belongs to, as far as it tells. */
export type FrameHint = "key" | "other" | "unknown";

/**
 * Whether the packet starts or carries a frame at which decoding can begin. For codecs without key
 * frames (JPEG) every frame is one; for codecs we do not know nobody can tell.
 *
 * @param codec Encoding name of the session description, e.g. `H264`.
 */
export function frameHint(codec: string, payload: Uint8Array): FrameHint {
  switch (codec) {
    case "H264":
      return h264Units(payload).includes("key") ? "key" : "other";
    case "H265":
      return h265Units(payload).includes("key") ? "key" : "other";
    case "JPEG":
      return "key";
    default:
      return "unknown";
  }
}

const h264Hint = (type: number): FrameHint => type === 5 ? "key" : "other";
/** Types 16 to 21: intra random access points. */
const h265Hint = (type: number): FrameHint => type >= 16 && type <= 21 ? "key" : "other";

function h264Units(payload: Uint8Array): FrameHint[] {
  const type = (payload[0] ?? 0) & 0x1f;
  if (type === 24) {
    return aggregated(payload, 1).map((at) => h264Hint(payload[at]! & 0x1f));
  }
  // Fragments: the second byte holds the type of the unit.
  if (type === 28 || type === 29) return [h264Hint((payload[1] ?? 0) & 0x1f)];
  return [h264Hint(type)];
}

function h265Units(payload: Uint8Array): FrameHint[] {
  const type = ((payload[0] ?? 0) >> 1) & 0x3f;
  if (type === 48) {
    return aggregated(payload, 2).map((at) => h265Hint((payload[at]! >> 1) & 0x3f));
  }
  if (type === 49) return [h265Hint((payload[2] ?? 0) & 0x3f)];
  return [h265Hint(type)];
}

/** Offsets of the units in an aggregation packet: each behind two bytes of its length. */
function aggregated(payload: Uint8Array, headerBytes: number): number[] {
  const offsets: number[] = [];
  for (let at = headerBytes; at + 2 < payload.length;) {
    offsets.push(at + 2);
    at += 2 + readUint16(payload, at);
  }
  return offsets;
}
