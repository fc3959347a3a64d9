/**
 * Realm frames, what a PTCP connection carries: their types and their bytes.
 *
 * All integers are big-endian.
 *
 * ```text
 * offset size
 *  0     1   version 1 in the high nibble, kind in the low one
 *  1     1   0
 *  2     2   DATA and unknown kinds: bytes after the header; 0 (or anything) in every other kind
 *  4     4   realm id; 0 in frames about the whole connection
 *  8     4   0
 * 12     -   body
 *
 * kind  body
 * 0x10  DATA          the announced number of bytes
 * 0x11  BIND          u32 port, IPv4 address (always 127.0.0.1)
 * 0x12  status        4 bytes "CONN" or "DISC", though the length field says 0
 * 0x13  heartbeat     -
 * 0x14  service       - (known from a native library only, never seen on the wire)
 * 0x17  sign request  -
 * 0x18  sign          4 opaque bytes
 * 0x19  sign present  the same 4 bytes
 * 0x1A  sign answer   4 opaque bytes
 * 0x1B  sign confirm  -
 * ```
 *
 * Source: PROTOCOL.md section 2.5.
 *
 * @module
 */
import { isIpv4, readUint16, readUint32, writeUint16, writeUint32 } from "../bytes.ts";
import { DecodeError } from "../errors.ts";

/** Bytes before the body of every frame. */
export const FRAME_HEADER_BYTES = 12;

/** Most data bytes we put into one DATA frame: header and data fill one segment of 1292 bytes. */
export const MAX_FRAME_DATA = 1280;

/** First byte of a DATA frame. */
export const DATA_KIND = 0x10;

/** Other kind bytes, the version nibble included. */
const BIND = 0x11;
const STATUS = 0x12;
const HEARTBEAT = 0x13;
const SERVICE = 0x14;
const SIGN_REQUEST = 0x17;
const SIGN = 0x18;
const SIGN_PRESENT = 0x19;
const SIGN_ANSWER = 0x1a;
const SIGN_CONFIRM = 0x1b;

/** Bytes of one realm. Out of a parser they may be a part of the frame that was sent. */
export interface DataFrame {
  /** Discriminates {@linkcode Frame}. */
  readonly type: "data";
  /** Id of the realm, unsigned 32-bit. */
  readonly realm: number;
  /** Its bytes; out of a parser a view of what was pushed. */
  readonly data: Uint8Array;
}

/** Asks the device to connect `realm` to `port` of `ip`. */
export interface BindFrame {
  /** Discriminates {@linkcode Frame}. */
  readonly type: "bind";
  /** Id of the realm, unsigned 32-bit. */
  readonly realm: number;
  /** Port as it stands on the wire, unsigned 32-bit. */
  readonly port: number;
  /** IPv4 literal. */
  readonly ip: string;
}

/** The fate of a realm: connected, disconnected, or four bytes nobody has explained. */
export interface StatusFrame {
  /** Discriminates {@linkcode Frame}. */
  readonly type: "status";
  /** Id of the realm, unsigned 32-bit. */
  readonly realm: number;
  /** The word, or the 4 bytes that are neither. */
  readonly status: "CONN" | "DISC" | Uint8Array;
}

/** A frame about the whole connection without a body. */
export interface BareFrame {
  /** Discriminates {@linkcode Frame}. */
  readonly type: "heartbeat" | "service" | "sign-request" | "sign-confirm";
}

/** A frame of the sign exchange with its four opaque bytes. */
export interface SignFrame {
  /** Discriminates {@linkcode Frame}. */
  readonly type: "sign" | "sign-present" | "sign-answer";
  /** 4 bytes. */
  readonly value: Uint8Array;
}

/** A frame of a kind we do not know: complete, header included. */
export interface UnknownFrame {
  /** Discriminates {@linkcode Frame}. */
  readonly type: "unknown";
  /** First byte, the version nibble included. */
  readonly kind: number;
  /** The whole frame. */
  readonly bytes: Uint8Array;
}

/** One frame in either direction. */
export type Frame = DataFrame | BindFrame | StatusFrame | BareFrame | SignFrame | UnknownFrame;

const CONN_BYTES = 0x434f4e4e;
const DISC_BYTES = 0x44495343;

/**
 * Body bytes a frame has by its kind, whatever its length field says; -1 when the field decides.
 * Index is the low nibble.
 */
const BODY_BYTES: readonly number[] = [-1, 8, 4, 0, 0, -1, -1, 0, 4, 4, 4, 0, -1, -1, -1, -1];

/**
 * The bytes of a frame.
 *
 * @throws {RangeError} When a field does not fit its place.
 */
export function encodeFrame(frame: Frame): Uint8Array {
  switch (frame.type) {
    case "data":
      return encodeDataFrame(frame.realm, frame.data, 0, frame.data.length);
    case "bind": {
      if (!isIpv4(frame.ip)) throw new RangeError("BIND needs an IPv4 address");
      const bytes = header(BIND, frame.realm, 8);
      writeUint32(bytes, 12, frame.port);
      bytes.set(frame.ip.split(".").map(Number), 16);
      return bytes;
    }
    case "status": {
      const bytes = header(STATUS, frame.realm, 4);
      if (frame.status === "CONN") writeUint32(bytes, 12, CONN_BYTES);
      else if (frame.status === "DISC") writeUint32(bytes, 12, DISC_BYTES);
      else setFourBytes(bytes, frame.status);
      return bytes;
    }
    case "heartbeat":
      return header(HEARTBEAT, 0, 0);
    case "service":
      return header(SERVICE, 0, 0);
    case "sign-request":
      return header(SIGN_REQUEST, 0, 0);
    case "sign-confirm":
      return header(SIGN_CONFIRM, 0, 0);
    case "sign":
      return setFourBytes(header(SIGN, 0, 4), frame.value);
    case "sign-present":
      return setFourBytes(header(SIGN_PRESENT, 0, 4), frame.value);
    case "sign-answer":
      return setFourBytes(header(SIGN_ANSWER, 0, 4), frame.value);
    case "unknown":
      return frame.bytes;
  }
}

/**
 * A DATA frame around `length` bytes of `source`, header and copied data in one allocation.
 *
 * @throws {RangeError} When `length` does not fit the 16-bit field.
 */
export function encodeDataFrame(
  realm: number,
  source: Uint8Array,
  offset: number,
  length: number,
): Uint8Array {
  if (length > 0xffff) throw new RangeError("a DATA frame holds at most 65535 bytes");
  const bytes = header(DATA_KIND, realm, length);
  writeUint16(bytes, 2, length);
  bytes.set(
    offset === 0 && length === source.length ? source : source.subarray(offset, offset + length),
    FRAME_HEADER_BYTES,
  );
  return bytes;
}

/** Writes the header of a DATA frame of `length` bytes at `offset`, over zeros. */
export function writeDataHeader(
  bytes: Uint8Array,
  offset: number,
  realm: number,
  length: number,
): void {
  bytes[offset] = DATA_KIND;
  writeUint16(bytes, offset + 2, length);
  writeUint32(bytes, offset + 4, realm);
}

function header(kind: number, realm: number, bodyBytes: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + bodyBytes);
  bytes[0] = kind;
  writeUint32(bytes, 4, realm);
  return bytes;
}

function setFourBytes(bytes: Uint8Array, value: Uint8Array): Uint8Array {
  if (value.length !== 4) throw new RangeError("a status or sign value has 4 bytes");
  bytes.set(value, FRAME_HEADER_BYTES);
  return bytes;
}

/**
 * Refuses what cannot be the first byte of a frame.
 *
 * @throws {DecodeError} When the version is not 1.
 */
export function checkVersion(kind: number): void {
  if (kind >>> 4 !== 1) throw new DecodeError("frame of a version other than 1: boundary lost");
}

/**
 * Bytes of the whole frame whose header starts at `start`.
 *
 * @throws {DecodeError} When the version is not 1.
 */
export function frameBytes(bytes: Uint8Array, start: number): number {
  const kind = bytes[start]!;
  checkVersion(kind);
  const bodyBytes = BODY_BYTES[kind & 0x0f]!;
  return FRAME_HEADER_BYTES + (bodyBytes < 0 ? readUint16(bytes, start + 2) : bodyBytes);
}

/** Decodes one complete frame that is not DATA. Small values are copied: they outlive the chunk. */
export function decodeWhole(bytes: Uint8Array): Frame {
  const kind = bytes[0]!;
  switch (kind) {
    case BIND:
      return {
        type: "bind",
        realm: readUint32(bytes, 4),
        port: readUint32(bytes, 12),
        ip: bytes.subarray(16, 20).join("."),
      };
    case STATUS: {
      const word = readUint32(bytes, 12);
      const status = word === CONN_BYTES
        ? "CONN"
        : word === DISC_BYTES
        ? "DISC"
        : bytes.slice(12, 16);
      return { type: "status", realm: readUint32(bytes, 4), status };
    }
    case HEARTBEAT:
      return { type: "heartbeat" };
    case SERVICE:
      return { type: "service" };
    case SIGN_REQUEST:
      return { type: "sign-request" };
    case SIGN_CONFIRM:
      return { type: "sign-confirm" };
    case SIGN:
      return { type: "sign", value: bytes.slice(12, 16) };
    case SIGN_PRESENT:
      return { type: "sign-present", value: bytes.slice(12, 16) };
    case SIGN_ANSWER:
      return { type: "sign-answer", value: bytes.slice(12, 16) };
    default:
      return { type: "unknown", kind, bytes };
  }
}
