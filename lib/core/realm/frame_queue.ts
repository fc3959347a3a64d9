/**
 * The bytes a local client has written into a realm, cut into DATA frames that wait to be sent.
 *
 * @module
 */
import { FRAME_HEADER_BYTES, MAX_FRAME_DATA, writeDataHeader } from "./frame_codec.ts";

/**
 * A queue of DATA frames of one realm. Bytes are copied once, into their frame, which has headroom
 * for what goes before it in a datagram; the last frame is filled up by later writes as long as it
 * waits, so that many small writes behind a full window become few frames.
 */
export class FrameQueue {
  readonly #realm: number;
  /** Where the data of a frame begins. */
  readonly #dataAt: number;
  #frames: Uint8Array[] = [];
  #head = 0;
  /** The last frame while it can still take bytes; its header is written when it is closed. */
  #open: Uint8Array | undefined;
  #openLength = 0;
  #dataBytes = 0;

  /**
   * An empty queue.
   *
   * @param realm Id of the realm in every frame.
   * @param headroomBytes Free bytes before each frame.
   */
  constructor(realm: number, headroomBytes = 0) {
    this.#realm = realm;
    this.#dataAt = headroomBytes + FRAME_HEADER_BYTES;
  }

  /** Data bytes held, headers not counted. */
  get dataBytes(): number {
    return this.#dataBytes;
  }

  /** Whether nothing is held. */
  get isEmpty(): boolean {
    return this.#dataBytes === 0;
  }

  /** Appends `length` bytes from the start of `bytes`, which are copied. */
  push(bytes: Uint8Array, length: number): void {
    this.#dataBytes += length;
    const filled = this.#fillOpen(bytes, length);
    const end = filled + this.#pushFull(bytes, filled, length);
    if (end < length) {
      this.#open = new Uint8Array(this.#dataAt + length - end);
      this.#open.set(bytes.subarray(end, length), this.#dataAt);
      this.#openLength = length - end;
    }
  }

  /** The next frame behind its headroom, which stays; or nothing. */
  peek(): Uint8Array | undefined {
    if (this.#head === this.#frames.length) {
      if (this.#open === undefined) return undefined;
      this.#closeOpen();
    }
    return this.#frames[this.#head];
  }

  /** Removes the frame that {@linkcode peek} gave. */
  drop(): void {
    const frame = this.#frames[this.#head];
    if (frame === undefined) return;
    this.#dataBytes -= frame.length - this.#dataAt;
    this.#head++;
    if (this.#head === this.#frames.length) {
      this.#frames.length = 0;
      this.#head = 0;
    } else if (this.#head >= 64 && 2 * this.#head >= this.#frames.length) {
      this.#frames.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** Drops everything. */
  clear(): void {
    this.#frames = [];
    this.#head = 0;
    this.#open = undefined;
    this.#dataBytes = 0;
  }

  /** Frames all that fills frames, in one allocation; returns how many bytes. */
  #pushFull(bytes: Uint8Array, offset: number, length: number): number {
    const count = Math.floor((length - offset) / MAX_FRAME_DATA);
    if (count === 0) return 0;
    const size = this.#dataAt + MAX_FRAME_DATA;
    const slab = new Uint8Array(count * size);
    for (let i = 0; i < count; i++) {
      const from = offset + i * MAX_FRAME_DATA;
      slab.set(bytes.subarray(from, from + MAX_FRAME_DATA), i * size + this.#dataAt);
      this.#close(slab.subarray(i * size, (i + 1) * size));
    }
    return count * MAX_FRAME_DATA;
  }

  /** Fills the open frame; returns how many bytes of `bytes` went into it. */
  #fillOpen(bytes: Uint8Array, length: number): number {
    if (this.#open === undefined) return 0;
    const count = Math.min(MAX_FRAME_DATA - this.#openLength, length);
    const end = this.#dataAt + this.#openLength;
    if (this.#open.length < end + count) {
      const larger = new Uint8Array(this.#dataAt + MAX_FRAME_DATA);
      larger.set(this.#open);
      this.#open = larger;
    }
    this.#open.set(bytes.subarray(0, count), end);
    this.#openLength += count;
    if (this.#openLength === MAX_FRAME_DATA) this.#closeOpen();
    return count;
  }

  #closeOpen(): void {
    this.#close(this.#open!.subarray(0, this.#dataAt + this.#openLength));
    this.#open = undefined;
  }

  #close(frame: Uint8Array): void {
    writeDataHeader(
      frame,
      this.#dataAt - FRAME_HEADER_BYTES,
      this.#realm,
      frame.length - this.#dataAt,
    );
    this.#frames.push(frame);
  }
}
