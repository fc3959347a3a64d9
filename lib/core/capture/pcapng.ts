/**
 * Encoding of pcapng blocks, little-endian.
 *
 * ```
 * block:   type u32 | total length u32 | body, padded to 4 | total length u32
 * section: 0A0D0D0A: byte-order magic 1A2B3C4D | 1 | 0 | section length -1 | options
 * interface: 1:      link type u16 | 0 u16 | snap length u32 (0 = none) | options
 * packet:  6:        interface u32 | time high u32 | time low u32 | captured u32 | original u32 |
 *                    packet, padded to 4 | options
 * option:            code u16 | length u16 | value, padded to 4; code 0 ends the list
 * ```
 *
 * Source: draft-ietf-opsawg-pcapng.
 *
 * @module
 */
import { utf8 } from "../bytes.ts";
import type { Direction } from "./captured.ts";

/** Types of the blocks this project writes or reads. */
export const BLOCK_TYPE = {
  section: 0x0a0d0d0a,
  interface: 1,
  obsoletePacket: 2,
  simplePacket: 3,
  enhancedPacket: 6,
} as const;

/** The byte-order magic of a section, as its own writer sees it. */
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** Option codes this project writes or reads. */
export const OPTION = {
  end: 0,
  comment: 1,
  sectionApplication: 4,
  interfaceName: 2,
  interfaceDescription: 3,
  interfaceTimeResolution: 9,
  interfaceTimeOffset: 14,
  packetFlags: 2,
} as const;

/** Longest text of one option; longer ones are cut. The format's own limit is 65535. */
const MAX_OPTION_BYTES = 4096;

interface Option {
  readonly code: number;
  readonly value: Uint8Array;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

/** UTF-8 of `text` cut to what an option holds, never inside a character. */
function optionText(text: string): Uint8Array {
  const bytes = utf8(text);
  if (bytes.length <= MAX_OPTION_BYTES) return bytes;
  let end = MAX_OPTION_BYTES;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

function encodeBlock(
  type: number,
  fixed: readonly number[],
  data: Uint8Array,
  options: readonly Option[],
): Uint8Array {
  let optionBytes = options.length === 0 ? 0 : 4;
  for (const option of options) optionBytes += 4 + padded(option.value.length);
  const total = 12 + 4 * fixed.length + padded(data.length) + optionBytes;
  const block = new Uint8Array(total);
  const view = new DataView(block.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, total, true);
  let offset = 8;
  for (const word of fixed) {
    view.setUint32(offset, word, true);
    offset += 4;
  }
  block.set(data, offset);
  offset += padded(data.length);
  for (const option of options) {
    view.setUint16(offset, option.code, true);
    view.setUint16(offset + 2, option.value.length, true);
    block.set(option.value, offset + 4);
    offset += 4 + padded(option.value.length);
  }
  view.setUint32(total - 4, total, true);
  return block;
}

/** A section header that names the program which wrote the capture. */
export function encodeSectionBlock(application: string): Uint8Array {
  return encodeBlock(
    BLOCK_TYPE.section,
    [BYTE_ORDER_MAGIC, 0x0000_0001, 0xffff_ffff, 0xffff_ffff],
    new Uint8Array(0),
    [{ code: OPTION.sectionApplication, value: optionText(application) }],
  );
}

/** An interface with microsecond timestamps. */
export function encodeInterfaceBlock(
  linkType: number,
  name: string,
  description: string,
): Uint8Array {
  return encodeBlock(BLOCK_TYPE.interface, [linkType, 0], new Uint8Array(0), [
    { code: OPTION.interfaceName, value: optionText(name) },
    { code: OPTION.interfaceDescription, value: optionText(description) },
    { code: OPTION.interfaceTimeResolution, value: Uint8Array.of(6) },
  ]);
}

/** What one enhanced packet block says about its packet. */
export interface PacketBlock {
  /** Index of the interface block in its section. */
  readonly interfaceId: number;
  /** Unix time in ms; rounded to microseconds. */
  readonly unixTimeMs: number;
  readonly packet: Uint8Array;
  readonly direction?: Direction | undefined;
  readonly comments?: readonly string[] | undefined;
}

/** An enhanced packet block. */
export function encodePacketBlock(block: PacketBlock): Uint8Array {
  const ticks = Math.max(0, Math.round(block.unixTimeMs * 1000));
  const options: Option[] = [];
  for (const comment of block.comments ?? []) {
    options.push({ code: OPTION.comment, value: optionText(comment) });
  }
  if (block.direction !== undefined) {
    const flags = block.direction === "in" ? 1 : 2;
    options.push({ code: OPTION.packetFlags, value: Uint8Array.of(flags, 0, 0, 0) });
  }
  const length = block.packet.length;
  return encodeBlock(
    BLOCK_TYPE.enhancedPacket,
    [block.interfaceId, Math.floor(ticks / 0x1_0000_0000), ticks % 0x1_0000_0000, length, length],
    block.packet,
    options,
  );
}
