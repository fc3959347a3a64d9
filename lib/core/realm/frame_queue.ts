/**
 * The bytes a local client has written into a realm, cut into DATA frames that wait to be sent.
 *
 * @module
 */
import { writeUint16 } from "../bytes.ts";
import { encodeDataFrame, FRAME_HEADER_BYTES, MAX_FRAME_DATA } from "./frame.ts";

/**
 * A queue of DATA frames of one realm. Bytes are copied once, into their frame; the last frame is
 * filled up by later writes as long as it waits, so that many small writes behind a full window
 * become few frames.
 */
export class FrameQueue {
  readonly #realm: number;
  #frames: Uint8Array[] = [];
  #head = 0;
  /** The last frame while it can still take bytes; its length field is written when it is closed. */
  #open: Uint8Array | undefined;
  #openLength = 0;
  #dataBytes = 0;

  /** @param realm Id of the realm in every frame. */
  constructor(realm: number) {
    this.#realm = realm;
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
    let offset = this.#fillOpen(bytes, length);
    for (; length - offset >= MAX_FRAME_DATA; offset += MAX_FRAME_DATA) {
      this.#frames.push(encodeDataFrame(this.#realm, bytes, offset, MAX_FRAME_DATA));
    }
    if (offset < length) {
      this.#open = encodeDataFrame(this.#realm, bytes, offset, length - offset);
      this.#openLength = length - offset;
    }
  }

  /** The next frame, which stays; or nothing. */
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
    this.#dataBytes -= frame.length - FRAME_HEADER_BYTES;
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

  /** Fills the open frame; returns how many bytes of `bytes` went into it. */
  #fillOpen(bytes: Uint8Array, length: number): number {
    if (this.#open === undefined) return 0;
    const count = Math.min(MAX_FRAME_DATA - this.#openLength, length);
    const end = FRAME_HEADER_BYTES + this.#openLength;
    if (this.#open.length < end + count) {
      const larger = new Uint8Array(FRAME_HEADER_BYTES + MAX_FRAME_DATA);
      larger.set(this.#open);
      this.#open = larger;
    }
    this.#open.set(bytes.subarray(0, count), end);
    this.#openLength += count;
    if (this.#openLength === MAX_FRAME_DATA) this.#closeOpen();
    return count;
  }

  #closeOpen(): void {
    const frame = this.#open!;
    writeUint16(frame, 2, this.#openLength);
    this.#frames.push(frame.subarray(0, FRAME_HEADER_BYTES + this.#openLength));
    this.#open = undefined;
  }
}
