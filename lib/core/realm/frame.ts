/**
 * Realm frames: what a PTCP connection carries, and the parser that finds them in its byte stream.
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
 * Source: PROTOCOL.md section 2.5. A peer may cut and join frames anywhere in the stream, so frames
 * are parsed from the in-order bytes and never from datagrams.
 *
 * @module
 */
import { EMPTY, isIpv4, readUint16, readUint32, writeUint16, writeUint32 } from "../bytes.ts";
import { DecodeError } from "../errors.ts";

/** Bytes before the body of every frame. */
export const FRAME_HEADER_BYTES = 12;

/** Most data bytes we put into one DATA frame: header and data fill one segment of 1292 bytes. */
export const MAX_FRAME_DATA = 1280;

/** Kind bytes, the version nibble included. */
const DATA = 0x10;
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
  readonly type: "data";
  readonly realm: number;
  readonly data: Uint8Array;
}

/** Asks the device to connect `realm` to `port` of `ip`. */
export interface BindFrame {
  readonly type: "bind";
  readonly realm: number;
  readonly port: number;
  readonly ip: string;
}

/** The fate of a realm: connected, disconnected, or four bytes nobody has explained. */
export interface StatusFrame {
  readonly type: "status";
  readonly realm: number;
  readonly status: "CONN" | "DISC" | Uint8Array;
}

/** A frame about the whole connection without a body. */
export interface BareFrame {
  readonly type: "heartbeat" | "service" | "sign-request" | "sign-confirm";
}

/** A frame of the sign exchange with its four opaque bytes. */
export interface SignFrame {
  readonly type: "sign" | "sign-present" | "sign-answer";
  readonly value: Uint8Array;
}

/** A frame of a kind we do not know: complete, header included. */
export interface UnknownFrame {
  readonly type: "unknown";
  /** First byte, the version nibble included. */
  readonly kind: number;
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
  const bytes = header(DATA, realm, length);
  writeUint16(bytes, 2, length);
  bytes.set(
    offset === 0 && length === source.length ? source : source.subarray(offset, offset + length),
    FRAME_HEADER_BYTES,
  );
  return bytes;
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
 * Finds the frames in a byte stream that is cut and joined anywhere.
 *
 * DATA is given out in parts as they arrive, as views of the pushed chunks: nothing of it is copied
 * or held back. Of other frames at most one incomplete one is held, 65547 bytes at the most.
 *
 * @example
 * ```ts
 * const parser = new FrameParser();
 * parser.push(encodeFrame({ type: "heartbeat" }).subarray(0, 5));
 * parser.next(); // undefined: not complete
 * parser.atBoundary; // false
 * ```
 */
export class FrameParser {
  readonly #chunks: Uint8Array[] = [];
  #chunk: Uint8Array = EMPTY;
  #offset = 0;
  /** An incomplete header, or an incomplete frame that is not DATA. */
  #partial: Uint8Array = new Uint8Array(FRAME_HEADER_BYTES);
  #partialLength = 0;
  #partialWanted = FRAME_HEADER_BYTES;
  #dataRealm = 0;
  #dataLeft = 0;
  #lost: DecodeError | undefined;

  /** Appends bytes of the stream; they belong to the parser and to the frames made of them. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#offset === this.#chunk.length) {
      this.#chunk = chunk;
      this.#offset = 0;
    } else {
      this.#chunks.push(chunk);
    }
  }

  /** Whether the next byte of the stream starts a frame. */
  get atBoundary(): boolean {
    return this.#dataLeft === 0 && this.#partialLength === 0 &&
      this.#offset === this.#chunk.length;
  }

  /**
   * The next frame, or the next part of a DATA frame, or nothing until more is pushed.
   *
   * @throws {DecodeError} When the stream does not stand at a frame where one must begin: the
   * boundary is lost for good, and every later call throws too.
   */
  next(): Frame | undefined {
    if (this.#lost !== undefined) throw this.#lost;
    try {
      return this.#next();
    } catch (error) {
      if (error instanceof DecodeError) this.#lost = error;
      throw error;
    }
  }

  #next(): Frame | undefined {
    for (;;) {
      const available = this.#chunk.length - this.#offset;
      if (available === 0) {
        if (!this.#nextChunk()) return undefined;
        continue;
      }
      if (this.#dataLeft > 0) return this.#takeData(available);
      if (this.#partialLength === 0 && available >= FRAME_HEADER_BYTES) {
        const frame = this.#parseInPlace(available);
        if (frame !== undefined) return frame;
        continue;
      }
      const frame = this.#collect(available);
      if (frame !== undefined) return frame;
    }
  }

  #nextChunk(): boolean {
    const chunk = this.#chunks.shift();
    // The chunk is released even when no other follows: its buffer may be a whole datagram.
    this.#chunk = chunk ?? EMPTY;
    this.#offset = 0;
    return chunk !== undefined;
  }

  #takeData(available: number): DataFrame {
    const length = Math.min(available, this.#dataLeft);
    const data = this.#chunk.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    this.#dataLeft -= length;
    return { type: "data", realm: this.#dataRealm, data };
  }

  /** A frame whose header lies in the current chunk; nothing when its body must be collected. */
  #parseInPlace(available: number): Frame | undefined {
    const chunk = this.#chunk;
    const start = this.#offset;
    if (chunk[start] === DATA) {
      this.#offset += FRAME_HEADER_BYTES;
      return this.#beginData(chunk, start);
    }
    const length = frameBytes(chunk, start);
    if (available < length) {
      this.#partialWanted = length;
      return this.#collect(available);
    }
    this.#offset += length;
    return decodeWhole(chunk.subarray(start, start + length));
  }

  /** A DATA header was consumed; an empty frame is given out whole, of another the first part. */
  #beginData(bytes: Uint8Array, start: number): DataFrame | undefined {
    if (bytes[start + 1] !== 0) throw new DecodeError("DATA frame with a byte 1 that is not 0", 1);
    this.#dataRealm = readUint32(bytes, start + 4);
    this.#dataLeft = readUint16(bytes, start + 2);
    if (this.#dataLeft === 0) return { type: "data", realm: this.#dataRealm, data: EMPTY };
    const available = this.#chunk.length - this.#offset;
    return available > 0 ? this.#takeData(available) : undefined;
  }

  /** Moves bytes into the incomplete frame; the frame when they complete it. */
  #collect(available: number): Frame | undefined {
    // A wrong first byte is refused before anything is gathered behind it.
    if (this.#partialLength === 0) checkVersion(this.#chunk[this.#offset]!);
    this.#gather(available);
    if (this.#partialLength < this.#partialWanted) return undefined;
    const partial = this.#partial;
    if (this.#partialWanted === FRAME_HEADER_BYTES) {
      if (partial[0] === DATA) {
        this.#partialLength = 0;
        return this.#beginData(partial, 0);
      }
      this.#partialWanted = frameBytes(partial, 0);
      if (this.#partialLength < this.#partialWanted) return undefined;
    }
    const whole = partial.slice(0, this.#partialLength);
    this.#partialLength = 0;
    this.#partialWanted = FRAME_HEADER_BYTES;
    if (partial.length > 64) this.#partial = new Uint8Array(FRAME_HEADER_BYTES);
    return decodeWhole(whole);
  }

  #gather(available: number): void {
    const count = Math.min(available, this.#partialWanted - this.#partialLength);
    if (this.#partial.length < this.#partialWanted) {
      const larger = new Uint8Array(this.#partialWanted);
      larger.set(this.#partial.subarray(0, this.#partialLength));
      this.#partial = larger;
    }
    this.#partial.set(
      this.#chunk.subarray(this.#offset, this.#offset + count),
      this.#partialLength,
    );
    this.#partialLength += count;
    this.#offset += count;
  }
}

function checkVersion(kind: number): void {
  if (kind >>> 4 !== 1) throw new DecodeError("frame of a version other than 1: boundary lost");
}

/** Bytes of the whole frame whose header starts at `start`. */
function frameBytes(bytes: Uint8Array, start: number): number {
  const kind = bytes[start]!;
  checkVersion(kind);
  const bodyBytes = BODY_BYTES[kind & 0x0f]!;
  return FRAME_HEADER_BYTES + (bodyBytes < 0 ? readUint16(bytes, start + 2) : bodyBytes);
}

/** Decodes one complete frame that is not DATA. Small values are copied: they outlive the chunk. */
function decodeWhole(bytes: Uint8Array): Frame {
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
