/**
 * Width and height of a picture, from the sequence parameter set of its codec.
 *
 * ```text
 * H.264  nal header 1 byte, profile_idc, constraints, level_idc, then Exp-Golomb codes (7.3.2.1.1)
 * H.265  nal header 2 bytes, 4 + 3 + 1 bits, profile_tier_level, then Exp-Golomb codes (7.3.2.2.1)
 * ```
 *
 * Source: ITU-T H.264 and H.265.
 *
 * @module
 */
import { DecodeError } from "../errors.ts";
import { BitReader, unescapeNal } from "./bit_reader.ts";

/** Size of a picture in pixels, as shown: without what is cropped away. */
export interface PictureSize {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** Above this something else than a parameter set was read. */
const MAX_SIDE = 16_384;

/** Profiles whose parameter sets say more about their samples: H.264 section 7.3.2.1.1. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/**
 * The picture of an H.264 sequence parameter set.
 *
 * @param sps NAL unit with its header byte.
 * @throws {DecodeError} When it is none.
 */
export function h264PictureSize(sps: Uint8Array): PictureSize {
  if ((sps[0]! & 0x1f) !== 7) throw new DecodeError("no H.264 sequence parameter set");
  const reader = new BitReader(unescapeNal(sps.subarray(1)));
  const profile = reader.bits(8);
  reader.skip(16);
  reader.unsigned();
  let chroma = 1;
  if (HIGH_PROFILES.has(profile)) {
    chroma = reader.unsigned();
    if (chroma === 3) reader.skip(1);
    reader.unsigned();
    reader.unsigned();
    reader.skip(1);
    if (reader.bit() === 1) skipScalingLists(reader, chroma === 3 ? 12 : 8);
  }
  reader.unsigned();
  skipPictureOrder(reader);
  reader.unsigned();
  reader.skip(1);
  const columns = reader.unsigned() + 1;
  const rows = reader.unsigned() + 1;
  const frameOnly = reader.bit();
  if (frameOnly === 0) reader.skip(1);
  reader.skip(1);
  const fields = 2 - frameOnly;
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = (chroma === 1 ? 2 : 1) * fields;
  return cropped(reader, columns * 16, rows * 16 * fields, unitX, unitY);
}

/**
 * The picture of an H.265 sequence parameter set.
 *
 * @param sps NAL unit with its two header bytes.
 * @throws {DecodeError} When it is none.
 */
export function h265PictureSize(sps: Uint8Array): PictureSize {
  if (((sps[0]! >> 1) & 0x3f) !== 33) throw new DecodeError("no H.265 sequence parameter set");
  const reader = new BitReader(unescapeNal(sps.subarray(2)));
  reader.skip(4);
  const subLayers = reader.bits(3);
  reader.skip(1);
  skipProfileTierLevel(reader, subLayers);
  reader.unsigned();
  const chroma = reader.unsigned();
  if (chroma === 3) reader.skip(1);
  const width = reader.unsigned();
  const height = reader.unsigned();
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  return cropped(reader, width, height, unitX, chroma === 1 ? 2 : 1);
}

function cropped(
  reader: BitReader,
  width: number,
  height: number,
  unitX: number,
  unitY: number,
): PictureSize {
  let [left, right, top, bottom] = [0, 0, 0, 0];
  if (reader.bit() === 1) {
    left = reader.unsigned();
    right = reader.unsigned();
    top = reader.unsigned();
    bottom = reader.unsigned();
  }
  const size = {
    width: width - (left + right) * unitX,
    height: height - (top + bottom) * unitY,
  };
  if (!(size.width > 0 && size.height > 0 && size.width <= MAX_SIDE && size.height <= MAX_SIDE)) {
    throw new DecodeError("no usable picture size");
  }
  return size;
}

function skipScalingLists(reader: BitReader, count: number): void {
  for (let i = 0; i < count; i++) {
    if (reader.bit() === 0) continue;
    let last = 8;
    let next = 8;
    for (let j = 0; j < (i < 6 ? 16 : 64); j++) {
      if (next !== 0) next = (last + reader.signed() + 256) % 256;
      if (next !== 0) last = next;
    }
  }
}

function skipPictureOrder(reader: BitReader): void {
  const type = reader.unsigned();
  if (type === 0) reader.unsigned();
  if (type !== 1) return;
  reader.skip(1);
  reader.signed();
  reader.signed();
  const count = reader.unsigned();
  if (count > 255) throw new DecodeError("no usable picture order");
  for (let i = 0; i < count; i++) reader.signed();
}

function skipProfileTierLevel(reader: BitReader, subLayers: number): void {
  reader.skip(96);
  const present: [number, number][] = [];
  for (let i = 0; i < subLayers; i++) present.push([reader.bit(), reader.bit()]);
  if (subLayers > 0) reader.skip(2 * (8 - subLayers));
  for (const [profile, level] of present) reader.skip(profile * 88 + level * 8);
}
