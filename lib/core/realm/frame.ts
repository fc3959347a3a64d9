/**
 * Frames out of a byte stream: a peer may cut and join them anywhere, so they are parsed from the
 * in-order bytes and never from datagrams.
 *
 * Source: PROTOCOL.md section 2.5.
 *
 * @module
 */
import { EMPTY, readUint16, readUint32 } from "../bytes.ts";
import { DecodeError } from "../errors.ts";
import {
  checkVersion,
  DATA_KIND,
  type DataFrame,
  decodeWhole,
  type Frame,
  FRAME_HEADER_BYTES,
  frameBytes,
} from "./frame_codec.ts";

export {
  type BareFrame,
  type BindFrame,
  type DataFrame,
  encodeDataFrame,
  encodeFrame,
  type Frame,
  FRAME_HEADER_BYTES,
  MAX_FRAME_DATA,
  type SignFrame,
  type StatusFrame,
  type UnknownFrame,
} from "./frame_codec.ts";

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
    if (chunk[start] === DATA_KIND) {
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
      if (partial[0] === DATA_KIND) {
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
