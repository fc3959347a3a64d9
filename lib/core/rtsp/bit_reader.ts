/**
 * Bits of a NAL unit: the emulation prevention bytes are left out, as H.264 section 7.3.1.
 *
 * @module
 */
import { DecodeError } from "../errors.ts";

/** The payload of a NAL unit without its emulation prevention bytes (00 00 03 becomes 00 00). */
export function unescapeNal(nal: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(nal.length);
  let length = 0;
  let zeros = 0;
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}

/** Reads bits from the most significant one on. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /**
   * The next bit, 0 or 1.
   *
   * @throws {DecodeError} At the end.
   */
  bit(): number {
    const byte = this.#bytes[this.#at >> 3];
    if (byte === undefined) throw new DecodeError("bits end too early", this.#at >> 3);
    return (byte >> (7 - (this.#at++ & 7))) & 1;
  }

  /** The next `count` bits as a number; at most 32. @throws {DecodeError} At the end. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.bit();
    return value;
  }

  /** Passes over `count` bits. */
  skip(count: number): void {
    this.#at += count;
  }

  /** An unsigned Exp-Golomb code. @throws {DecodeError} At the end, or above 32 bits. */
  unsigned(): number {
    let zeros = 0;
    while (this.bit() === 0) {
      if (++zeros > 31) throw new DecodeError("Exp-Golomb code too long", this.#at >> 3);
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** A signed Exp-Golomb code. @throws {DecodeError} As {@linkcode unsigned}. */
  signed(): number {
    const code = this.unsigned();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}
