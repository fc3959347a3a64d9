/**
 * Inverted STUN: ordinary STUN messages (RFC 5389 header, RFC 3489 attributes) with every byte
 * complemented, by which device and client find a direct path.
 *
 * Offsets and values after inverting; integers are big-endian.
 *
 * ```text
 * offset size
 *  0     2   0x0001 binding request, 0x0101 success response, 0x0111 error response
 *  2     2   bytes of attributes
 *  4     4   cookie: the device sends 0x2112A442, clients four random bytes
 *  8    12   transaction id
 * 20     -   attributes: u16 type, u16 length, value padded to a multiple of four
 *
 * attribute
 * 0x802A  ICE-CONTROLLING  8 bytes: Identify of the sender of a request
 * 0x8029  ICE-CONTROLLED   8 bytes: Identify of the sender of a response
 * 0x0004  SOURCE-ADDRESS   0, family 1, u16 port, IPv4 address; in clear, no XOR
 * ```
 *
 * The four datagrams of an exchange: request (44 bytes), success of the device (44), success of the
 * client (44) and confirmation (32: a success without an address). Some clients send twelve stale
 * bytes behind a confirmation that its length field does not count; they are ignored.
 *
 * Source: PROTOCOL.md sections 1.3 and 3.
 *
 * @module
 */
import { isIpv4, readUint16, readUint32, writeUint16, writeUint32 } from "../bytes.ts";
import { DecodeError } from "../errors.ts";
import type { Endpoint } from "../types.ts";

/** The cookie that devices send (RFC 5389 clause 6). */
export const MAGIC_COOKIE = 0x2112a442;

/** Bytes before the attributes. */
const HEADER_BYTES = 20;

const REQUEST = 0x0001;
const SUCCESS = 0x0101;
const ERROR = 0x0111;

const ICE_CONTROLLING = 0x802a;
const ICE_CONTROLLED = 0x8029;
const SOURCE_ADDRESS = 0x0004;

/** Most attributes read of one message; a real one has two. */
const MAX_ATTRIBUTES = 16;

/** What a message is; `confirmation` is a success response without an address. */
export type StunType = "request" | "success" | "confirmation" | "error";

/** One STUN message, inverted or not. */
export interface StunMessage {
  /** What it is. */
  readonly type: StunType;
  /** Unsigned 32-bit. */
  readonly cookie: number;
  /** 12 bytes. */
  readonly transactionId: Uint8Array;
  /** Which ICE attribute carries the Identify; absent when there is none. */
  readonly role?: "controlling" | "controlled" | undefined;
  /** 8 bytes: the sender's Identify; absent when the message has no ICE attribute. */
  readonly identify?: Uint8Array | undefined;
  /** SOURCE-ADDRESS; absent in a confirmation. */
  readonly address?: Endpoint | undefined;
}

/** Whether the datagram looks like an inverted STUN message, by type and length. */
export function isStun(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && isType(readUint16(bytes, 0) ^ 0xffff) &&
    HEADER_BYTES + (readUint16(bytes, 2) ^ 0xffff) <= bytes.length;
}

/** Whether it looks like STUN that is not inverted, as firmware of 2020 sent it. */
export function isPlainStun(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && isType(readUint16(bytes, 0)) &&
    HEADER_BYTES + readUint16(bytes, 2) <= bytes.length;
}

function isType(type: number): boolean {
  return type === REQUEST || type === SUCCESS || type === ERROR;
}

/**
 * The message in an inverted datagram; unknown attributes and bytes behind the announced length are
 * ignored.
 *
 * @throws {DecodeError} When it is no inverted STUN message.
 */
export function decodeStun(datagram: Uint8Array): StunMessage {
  if (datagram.length < HEADER_BYTES) {
    throw new DecodeError("STUN message shorter than its header", datagram.length);
  }
  const kind = readUint16(datagram, 0) ^ 0xffff;
  if (!isType(kind)) throw new DecodeError("no inverted STUN message type", 0);
  const end = HEADER_BYTES + (readUint16(datagram, 2) ^ 0xffff);
  if (end > datagram.length) throw new DecodeError("STUN length beyond the datagram", 2);
  const bytes = new Uint8Array(end);
  for (let i = 0; i < end; i++) bytes[i] = ~datagram[i]!;

  let role: StunMessage["role"];
  let identify: Uint8Array | undefined;
  let address: Endpoint | undefined;
  let offset = HEADER_BYTES;
  for (let count = 0; offset < end; count++) {
    if (count === MAX_ATTRIBUTES) throw new DecodeError("too many STUN attributes", offset);
    if (end - offset < 4) throw new DecodeError("STUN attribute header cut short", offset);
    const attribute = readUint16(bytes, offset);
    const length = readUint16(bytes, offset + 2);
    const value = offset + 4;
    if (value + length > end) throw new DecodeError("STUN attribute beyond the message", offset);
    if (attribute === ICE_CONTROLLING || attribute === ICE_CONTROLLED) {
      if (length !== 8) throw new DecodeError("ICE attribute is not of 8 bytes", offset);
      role = attribute === ICE_CONTROLLING ? "controlling" : "controlled";
      identify = bytes.slice(value, value + 8);
    } else if (attribute === SOURCE_ADDRESS) {
      if (length !== 8) throw new DecodeError("SOURCE-ADDRESS is not of 8 bytes", offset);
      if (bytes[value + 1] !== 1) throw new DecodeError("SOURCE-ADDRESS is not IPv4", offset);
      address = {
        ip: bytes.subarray(value + 4, value + 8).join("."),
        port: readUint16(bytes, value + 2),
      };
    }
    offset = value + ((length + 3) & ~3);
  }
  return {
    type: typeOf(kind, address),
    cookie: readUint32(bytes, 4),
    transactionId: bytes.slice(8, 20),
    ...(role !== undefined ? { role, identify } : {}),
    ...(address !== undefined ? { address } : {}),
  };
}

function typeOf(kind: number, address: Endpoint | undefined): StunType {
  if (kind === REQUEST) return "request";
  if (kind === ERROR) return "error";
  return address === undefined ? "confirmation" : "success";
}

/**
 * The inverted datagram of a message.
 *
 * @throws {RangeError} When a field has the wrong size, or the address does not fit the type: a
 * success needs one, a confirmation has none.
 */
export function encodeStun(message: StunMessage): Uint8Array {
  const { type, transactionId, role, identify, address } = message;
  if (transactionId.length !== 12) throw new RangeError("a STUN transaction id has 12 bytes");
  if ((role === undefined) !== (identify === undefined) || (identify?.length ?? 8) !== 8) {
    throw new RangeError("role and Identify of 8 bytes go together");
  }
  if (type === "success" && address === undefined) throw new RangeError("a success has an address");
  if (type === "confirmation" && address !== undefined) {
    throw new RangeError("a confirmation has no address");
  }
  const length = (identify === undefined ? 0 : 12) + (address === undefined ? 0 : 12);
  const bytes = new Uint8Array(HEADER_BYTES + length);
  writeUint16(bytes, 0, type === "request" ? REQUEST : type === "error" ? ERROR : SUCCESS);
  writeUint16(bytes, 2, length);
  writeUint32(bytes, 4, message.cookie);
  bytes.set(transactionId, 8);
  let offset = HEADER_BYTES;
  if (identify !== undefined) {
    writeUint16(bytes, offset, role === "controlling" ? ICE_CONTROLLING : ICE_CONTROLLED);
    writeUint16(bytes, offset + 2, 8);
    bytes.set(identify, offset + 4);
    offset += 12;
  }
  if (address !== undefined) {
    if (!isIpv4(address.ip)) throw new RangeError("SOURCE-ADDRESS needs an IPv4 address");
    writeUint16(bytes, offset, SOURCE_ADDRESS);
    writeUint16(bytes, offset + 2, 8);
    writeUint16(bytes, offset + 4, 1);
    writeUint16(bytes, offset + 6, address.port);
    bytes.set(address.ip.split(".").map(Number), offset + 8);
  }
  for (let i = 0; i < bytes.length; i++) bytes[i] = ~bytes[i]!;
  return bytes;
}
