/**
 * Bytes that wait for a reader, as the chunks in which they came.
 *
 * @module
 */

/** Below this many bytes together, neighbouring chunks are copied into one. */
const BLOCK_BYTES = 1280;
/** More bytes than this wait only for a reader that does not keep up. */
const LAG_BYTES = 65_536;
/** Size of the blocks that what comes for such a reader is copied into. */
const LAG_BLOCK_BYTES = 16_384;

/**
 * A queue of chunks whose memory stays within a small multiple of its bytes: chunks are views of
 * buffers that hold many datagrams, perhaps of other realms, and each keeps its buffer alive. So two
 * neighbours always hold more than a block between them, or they are copied together; and what comes
 * while much waits is copied in any case. A reader that keeps up never causes a copy.
 */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  #head = 0;
  #length = 0;
  /** The last chunk while it is still being filled: a block of our own. */
  #block: Uint8Array | undefined;
  #blockLength = 0;

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** Appends a chunk, which is given away. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#length += chunk.length;
    if (this.#block !== undefined) {
      if (this.#blockLength + chunk.length <= this.#block.length) {
        this.#block.set(chunk, this.#blockLength);
        this.#blockLength += chunk.length;
        return;
      }
      this.#closeBlock();
    } else if (this.#length <= LAG_BYTES && this.#head < this.#chunks.length) {
      const last = this.#chunks[this.#chunks.length - 1]!;
      if (last.length + chunk.length <= BLOCK_BYTES) {
        this.#chunks.pop();
        this.#block = new Uint8Array(BLOCK_BYTES);
        this.#block.set(last);
        this.#block.set(chunk, last.length);
        this.#blockLength = last.length + chunk.length;
        return;
      }
    }
    if (this.#length <= LAG_BYTES) {
      this.#chunks.push(chunk);
      return;
    }
    this.#block = new Uint8Array(Math.max(LAG_BLOCK_BYTES, chunk.length));
    this.#block.set(chunk);
    this.#blockLength = chunk.length;
  }

  /** Takes the next chunk, or nothing. */
  shift(): Uint8Array | undefined {
    if (this.#head === this.#chunks.length) {
      if (this.#block === undefined) return undefined;
      this.#closeBlock();
    }
    const chunk = this.#chunks[this.#head]!;
    this.#head++;
    this.#length -= chunk.length;
    if (this.#head === this.#chunks.length) {
      this.#chunks.length = 0;
      this.#head = 0;
    } else if (this.#head >= 64 && 2 * this.#head >= this.#chunks.length) {
      this.#chunks.splice(0, this.#head);
      this.#head = 0;
    }
    return chunk;
  }

  /** Drops everything. */
  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#length = 0;
    this.#block = undefined;
  }

  #closeBlock(): void {
    this.#chunks.push(this.#block!.subarray(0, this.#blockLength));
    this.#block = undefined;
  }
}
