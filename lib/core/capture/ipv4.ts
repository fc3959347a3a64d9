/**
 * IPv4 and UDP headers around the payloads that sockets carried, and the way back out of the link
 * layers in which other capture programs store them.
 *
 * ```
 * IPv4, 20 bytes: 45 00 | length u16 | id u16 | 4000 (DF) | TTL 64 | 17 | checksum | source | target
 * UDP, 8 bytes:   source port | target port | length | checksum
 * ```
 *
 * Source: RFC 791, RFC 768, RFC 1071, and the link-layer header types of the Tcpdump Group.
 *
 * @module
 */
import { isIpv4, readUint16, writeUint16, writeUint32 } from "../bytes.ts";
import type { Endpoint } from "../types.ts";

/** Link-layer header types this project reads; `ipv4` is the one it writes. */
export const LINK_TYPE = {
  null: 0,
  ethernet: 1,
  rawBsd: 12,
  rawOpenBsd: 14,
  raw: 101,
  loop: 108,
  linuxCooked: 113,
  ipv4: 228,
  linuxCooked2: 276,
} as const;

/** Bytes of an IPv4 header without options and a UDP header. */
export const IPV4_UDP_HEADER_BYTES = 28;

/** The largest payload one IPv4 datagram can carry. */
export const MAX_UDP_PAYLOAD_BYTES = 65_535 - IPV4_UDP_HEADER_BYTES;

const PROTOCOL_UDP = 17;
const ETHERTYPE_IPV4 = 0x0800;

/** A UDP datagram found inside a captured packet. */
export interface UdpPacket {
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** View of the packet. */
  readonly payload: Uint8Array;
  /** Whether the machine that captured sent it; absent when the link layer does not say. */
  readonly outgoing?: boolean | undefined;
}

/** Ones' complement sum of 16-bit words over `bytes[start..end)`, not yet folded. */
function sum16(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  let i = start;
  for (; i + 1 < end; i += 2) sum += readUint16(bytes, i);
  if (i < end) sum += bytes[i]! << 8;
  return sum;
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

function ipNumber(ip: string): number {
  if (!isIpv4(ip)) throw new RangeError("not an IPv4 literal");
  let value = 0;
  for (const part of ip.split(".")) value = value * 256 + Number(part);
  return value;
}

/**
 * An IPv4 packet with `payload` behind a header of `protocol`-specific bytes the caller has put
 * first into it.
 */
function ipv4Packet(
  from: Endpoint,
  to: Endpoint,
  protocol: number,
  body: Uint8Array,
  identification: number,
): Uint8Array {
  const packet = new Uint8Array(20 + body.length);
  packet[0] = 0x45;
  writeUint16(packet, 2, packet.length);
  writeUint16(packet, 4, identification);
  writeUint16(packet, 6, 0x4000);
  packet[8] = 64;
  packet[9] = protocol;
  writeUint32(packet, 12, ipNumber(from.ip));
  writeUint32(packet, 16, ipNumber(to.ip));
  writeUint16(packet, 10, fold(sum16(packet, 0, 20)));
  packet.set(body, 20);
  return packet;
}

/** Checksum of a UDP or TCP body with the pseudo header of `packet`. */
function transportChecksum(packet: Uint8Array, protocol: number): number {
  return fold(sum16(packet, 12, packet.length) + protocol + packet.length - 20);
}

/**
 * An IPv4 packet that carries `payload` by UDP, checksums included.
 *
 * @param identification Low 16 bits become the IP identification.
 * @throws {RangeError} On an address that is no IPv4 literal or a payload no datagram can carry.
 */
export function encodeUdpPacket(
  from: Endpoint,
  to: Endpoint,
  payload: Uint8Array,
  identification = 0,
): Uint8Array {
  if (payload.length > MAX_UDP_PAYLOAD_BYTES) throw new RangeError("payload too long for UDP");
  const body = new Uint8Array(8 + payload.length);
  writeUint16(body, 0, from.port);
  writeUint16(body, 2, to.port);
  writeUint16(body, 4, body.length);
  body.set(payload, 8);
  const packet = ipv4Packet(from, to, PROTOCOL_UDP, body, identification);
  // A computed zero is sent as all ones: zero means "no checksum" (RFC 768).
  writeUint16(packet, 26, transportChecksum(packet, PROTOCOL_UDP) || 0xffff);
  return packet;
}

/** Where the IPv4 header stands behind the link layer, and what the link layer says. */
function linkPayload(
  linkType: number,
  packet: Uint8Array,
): { offset: number; outgoing?: boolean } | undefined {
  switch (linkType) {
    case LINK_TYPE.rawBsd:
    case LINK_TYPE.rawOpenBsd:
    case LINK_TYPE.raw:
    case LINK_TYPE.ipv4:
      return { offset: 0 };
    case LINK_TYPE.null:
    case LINK_TYPE.loop:
      return { offset: 4 };
    case LINK_TYPE.ethernet: {
      let offset = 12;
      // At most two VLAN tags (802.1ad): more is nobody's network.
      for (let tags = 0; tags < 2; tags++) {
        if (packet.length < offset + 2) return undefined;
        const type = readUint16(packet, offset);
        if (type !== 0x8100 && type !== 0x88a8) break;
        offset += 4;
      }
      if (packet.length < offset + 2 || readUint16(packet, offset) !== ETHERTYPE_IPV4) {
        return undefined;
      }
      return { offset: offset + 2 };
    }
    case LINK_TYPE.linuxCooked:
      if (packet.length < 16 || readUint16(packet, 14) !== ETHERTYPE_IPV4) return undefined;
      return { offset: 16, outgoing: readUint16(packet, 0) === 4 };
    case LINK_TYPE.linuxCooked2:
      if (packet.length < 20 || readUint16(packet, 0) !== ETHERTYPE_IPV4) return undefined;
      return { offset: 20, outgoing: packet[10] === 4 };
    default:
      return undefined;
  }
}

function ipText(bytes: Uint8Array, offset: number): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
}

/**
 * The UDP datagram inside a captured packet, or nothing: other protocols, IPv6, fragments and
 * headers that were cut off are not for us. A payload cut by the capture's snap length is given as
 * far as it goes.
 */
export function decodeUdpPacket(linkType: number, packet: Uint8Array): UdpPacket | undefined {
  const link = linkPayload(linkType, packet);
  if (link === undefined) return undefined;
  const ip = packet.subarray(link.offset);
  if (ip.length < IPV4_UDP_HEADER_BYTES || ip[0]! >> 4 !== 4) return undefined;
  const headerBytes = (ip[0]! & 0x0f) * 4;
  const isFragment = (readUint16(ip, 6) & 0x3fff) !== 0;
  if (headerBytes < 20 || ip[9] !== PROTOCOL_UDP || isFragment) return undefined;
  if (ip.length < headerBytes + 8) return undefined;
  const udpBytes = readUint16(ip, headerBytes + 4);
  if (udpBytes < 8) return undefined;
  return {
    from: { ip: ipText(ip, 12), port: readUint16(ip, headerBytes) },
    to: { ip: ipText(ip, 16), port: readUint16(ip, headerBytes + 2) },
    payload: ip.subarray(headerBytes + 8, headerBytes + udpBytes),
    outgoing: link.outgoing,
  };
}
