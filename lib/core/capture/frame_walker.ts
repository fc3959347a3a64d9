/**
 * Finds realm frames in captured segments and says where in each segment they stand.
 *
 * Unlike the parser of a live connection it goes on after a lost boundary: a segment that begins
 * with a frame header is believed. Source: PROTOCOL.md section 2.5.
 *
 * @module
 */
import { EMPTY, readUint16, readUint32 } from "../bytes.ts";
import { FRAME_HEADER_BYTES } from "../realm/frame.ts";

/** A frame, or the part of it that lies in one segment. */
export interface FramePart {
  /** Where the frame begins in the segment; negative when it began in an earlier one. */
  readonly offset: number;
  /** First byte, the version nibble included. */
  readonly kind: number;
  /** 0 while the header is not complete. */
  readonly realm: number;
  /** Bytes of the whole body; undefined while the header is not complete. */
  readonly bodyBytes: number | undefined;
  /** Where in the body {@linkcode body} begins. */
  readonly bodyOffset: number;
  /** The body's bytes in this segment: a view. */
  readonly body: Uint8Array;
  /** The whole body, for kinds with at most eight bytes, once it is complete. */
  readonly value: Uint8Array | undefined;
}

/** Body bytes by the low nibble of the kind; -1: the length field says. */
const BODY_BYTES: readonly number[] = [-1, 8, 4, 0, 0, -1, -1, 0, 4, 4, 4, 0, -1, -1, -1, -1];
const MAX_VALUE_BYTES = 8;

/** Whether the bytes begin with the header of a kind we know, padding included. */
export function beginsFrame(bytes: Uint8Array): boolean {
  return bytes.length >= FRAME_HEADER_BYTES && bytes[0]! >= 0x10 && bytes[0]! <= 0x1b &&
    bytes[1] === 0 && readUint32(bytes, 8) === 0;
}

/** Walks one direction of a frame stream, segment by segment. */
export class FrameWalker {
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerLength = 0;
  readonly #value = new Uint8Array(MAX_VALUE_BYTES);
  #bodyBytes = 0;
  #bodyOffset = 0;
  /** Bytes of the current frame in earlier segments. */
  #earlier = 0;
  #lost = false;

  /** Whether the next byte begins a frame. */
  get atBoundary(): boolean {
    return !this.#lost && this.#headerLength === 0;
  }

  /** Whether the boundary is lost. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** Bytes are missing. */
  lose(): void {
    this.#lost = true;
    this.#headerLength = 0;
  }

  /** The frames and parts of frames in the next bytes of the stream. */
  walk(bytes: Uint8Array): FramePart[] {
    if (this.#lost && beginsFrame(bytes)) this.#lost = false;
    const parts: FramePart[] = [];
    let i = 0;
    let start = -this.#earlier;
    while (i < bytes.length && !this.#lost) {
      if (this.#headerLength < FRAME_HEADER_BYTES) {
        if (this.#headerLength === 0) {
          start = i;
          this.#earlier = 0;
          if (bytes[i]! >> 4 !== 1) {
            this.lose();
            break;
          }
        }
        const count = Math.min(FRAME_HEADER_BYTES - this.#headerLength, bytes.length - i);
        this.#header.set(bytes.subarray(i, i + count), this.#headerLength);
        this.#headerLength += count;
        i += count;
        if (this.#headerLength < FRAME_HEADER_BYTES) {
          parts.push(this.#part(start, EMPTY, undefined));
          break;
        }
        this.#beginBody();
        if (this.#lost) break;
      }
      const length = Math.min(this.#bodyBytes - this.#bodyOffset, bytes.length - i);
      const body = bytes.subarray(i, i + length);
      const isShort = this.#bodyBytes <= MAX_VALUE_BYTES;
      if (isShort) this.#value.set(body, this.#bodyOffset);
      const isComplete = this.#bodyOffset + length === this.#bodyBytes;
      const value = isShort && isComplete ? this.#value.slice(0, this.#bodyBytes) : undefined;
      parts.push(this.#part(start, body, value));
      this.#bodyOffset += length;
      i += length;
      if (isComplete) {
        this.#headerLength = 0;
        this.#earlier = 0;
      }
    }
    if (this.#headerLength > 0) this.#earlier = bytes.length - start;
    return parts;
  }

  #beginBody(): void {
    if (this.#header[0] === 0x10 && this.#header[1] !== 0) return this.lose();
    const fixed = BODY_BYTES[this.#header[0]! & 0x0f]!;
    this.#bodyBytes = fixed < 0 ? readUint16(this.#header, 2) : fixed;
    this.#bodyOffset = 0;
  }

  #part(offset: number, body: Uint8Array, value: Uint8Array | undefined): FramePart {
    const isKnown = this.#headerLength === FRAME_HEADER_BYTES;
    return {
      offset,
      kind: this.#header[0]!,
      realm: isKnown ? readUint32(this.#header, 4) : 0,
      bodyBytes: isKnown ? this.#bodyBytes : undefined,
      bodyOffset: isKnown ? this.#bodyOffset : 0,
      body,
      value,
    };
  }
}
