/**
 * Reassembly of the inbound stream: every byte is delivered once and in order, whatever arrives.
 *
 * Source: PROTOCOL.md section 10, receiving.
 *
 * @module
 */
import { seqAdd, seqDiff } from "./sequence.ts";

/** What a segment with data was to the stream. */
export type Arrival =
  /** It continued the stream. */
  | "in-order"
  /** It continued the stream, and more that waited behind it. */
  | "gap-filled"
  /** It is kept for later, or would be if that were the policy. */
  | "out-of-order"
  /** Every byte of it is known. */
  | "duplicate"
  /** It lies beyond what the buffer can take, wholly. */
  | "outside"
  /** Its end did not fit; the beginning continued the stream. */
  | "cut";

interface Fragment {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** Unread chunks beyond which small ones are copied together, so that overhead stays bounded. */
const MANY_CHUNKS = 64;
/** Size below which a payload is worth copying then. */
const SMALL_BYTES = 256;
const BLOCK_BYTES = 4096;
/** Mean size of out-of-order fragments below which more of them are refused. */
const MEAN_FRAGMENT_BYTES = 128;
const MIN_FRAGMENTS = 16;

/** Holds at most `capacityBytes` that were received and not read. */
export class ReceiveBuffer {
  readonly #capacityBytes: number;
  readonly #fragmentLimit: number;
  #next: number;
  /** Unread chunks; those before `#head` are gone. */
  #chunks: Uint8Array[] = [];
  #head = 0;
  #unreadBytes = 0;
  /** Bytes free at the end of the last chunk's block, when that block is ours to fill. */
  #block: Uint8Array | undefined;
  #blockUsed = 0;
  /** Data beyond a hole, ascending, without overlaps. */
  #fragments: Fragment[] = [];

  /**
   * An empty buffer.
   *
   * @param capacityBytes Most bytes held, read order and out of order together.
   * @param next Sequence number of the first byte expected.
   */
  constructor(capacityBytes: number, next: number) {
    this.#capacityBytes = capacityBytes;
    this.#fragmentLimit = Math.max(MIN_FRAGMENTS, Math.ceil(capacityBytes / MEAN_FRAGMENT_BYTES));
    this.#next = next;
  }

  /** The next sequence number expected. */
  get next(): number {
    return this.#next;
  }

  /** Bytes in order that wait to be read. */
  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  /** Bytes from {@linkcode next} on that can be taken. */
  get freeBytes(): number {
    return this.#capacityBytes - this.#unreadBytes;
  }

  /** Fragments that wait behind a hole. */
  get fragments(): number {
    return this.#fragments.length;
  }

  /** Where the first hole ends, if there is one behind which data waits. */
  get holeEnd(): number | undefined {
    return this.#fragments[0]?.sequence;
  }

  /** Advances over control data, which is neither delivered nor counted. */
  skip(bytes: number): void {
    this.#next = seqAdd(this.#next, bytes);
    this.#mergeFragments();
  }

  /**
   * Takes a segment's payload, which is not empty; keeps views of it.
   *
   * @param outOfOrder Whether data after a hole is kept.
   */
  insert(sequence: number, payload: Uint8Array, outOfOrder: "keep" | "drop"): Arrival {
    const offset = seqDiff(sequence, this.#next);
    if (offset > 0) return this.#insertAhead(sequence, offset, payload, outOfOrder);
    const length = payload.length;
    if (offset + length <= 0) return "duplicate";
    const free = this.freeBytes;
    const fresh = offset + length;
    if (free === 0) return "outside";
    if (fresh > free) {
      this.#append(payload.subarray(-offset, free - offset));
      this.#mergeFragments();
      return "cut";
    }
    this.#append(offset === 0 ? payload : payload.subarray(-offset));
    if (this.#fragments.length === 0) return "in-order";
    return this.#mergeFragments() > 0 ? "gap-filled" : "in-order";
  }

  /** The next unread chunk, given away, or nothing. */
  read(): Uint8Array | undefined {
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined) return undefined;
    this.#head++;
    if (this.#head === this.#chunks.length) {
      this.#chunks.length = 0;
      this.#head = 0;
      this.#block = undefined;
    } else if (this.#head >= 64 && 2 * this.#head >= this.#chunks.length) {
      this.#chunks.splice(0, this.#head);
      this.#head = 0;
    }
    this.#unreadBytes -= chunk.length;
    return chunk;
  }

  /** Drops everything that was not read. */
  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#unreadBytes = 0;
    this.#block = undefined;
    this.#fragments = [];
  }

  #append(bytes: Uint8Array): void {
    this.#next = seqAdd(this.#next, bytes.length);
    this.#unreadBytes += bytes.length;
    if (bytes.length < SMALL_BYTES && this.#chunks.length - this.#head >= MANY_CHUNKS) {
      this.#appendCopied(bytes);
    } else {
      this.#chunks.push(bytes);
      this.#block = undefined;
    }
  }

  #appendCopied(bytes: Uint8Array): void {
    const last = this.#chunks.length - 1;
    if (this.#block !== undefined && this.#blockUsed + bytes.length <= BLOCK_BYTES) {
      this.#block.set(bytes, this.#blockUsed);
      this.#blockUsed += bytes.length;
      this.#chunks[last] = this.#block.subarray(0, this.#blockUsed);
      return;
    }
    this.#block = new Uint8Array(BLOCK_BYTES);
    this.#block.set(bytes);
    this.#blockUsed = bytes.length;
    this.#chunks.push(this.#block.subarray(0, this.#blockUsed));
  }

  /** Moves fragments that have become contiguous into the stream; returns how many bytes. */
  #mergeFragments(): number {
    let merged = 0;
    let taken = 0;
    for (const fragment of this.#fragments) {
      const offset = seqDiff(fragment.sequence, this.#next);
      if (offset > 0) break;
      taken++;
      const fresh = offset + fragment.bytes.length;
      if (fresh <= 0) continue;
      this.#append(offset === 0 ? fragment.bytes : fragment.bytes.subarray(-offset));
      merged += fresh;
    }
    if (taken > 0) this.#fragments.splice(0, taken);
    return merged;
  }

  #insertAhead(
    sequence: number,
    offset: number,
    payload: Uint8Array,
    outOfOrder: "keep" | "drop",
  ): Arrival {
    const free = this.freeBytes;
    if (offset >= free) return "outside";
    if (outOfOrder === "drop") return "out-of-order";
    let bytes = offset + payload.length > free ? payload.subarray(0, free - offset) : payload;
    let start = sequence;
    // The last fragment that begins at or before the new data; nearly always the last of all.
    let index = this.#fragments.length - 1;
    while (index >= 0 && seqDiff(this.#fragments[index]!.sequence, start) > 0) index--;
    const before = this.#fragments[index];
    if (before !== undefined) {
      const known = seqDiff(seqAdd(before.sequence, before.bytes.length), start);
      if (known >= bytes.length) return "duplicate";
      if (known > 0) {
        bytes = bytes.subarray(known);
        start = seqAdd(start, known);
      }
    }
    let stored: Arrival = "duplicate";
    while (bytes.length > 0) {
      index++;
      const after = this.#fragments[index];
      const room = after === undefined ? bytes.length : seqDiff(after.sequence, start);
      if (room > 0) {
        if (this.#fragments.length >= this.#fragmentLimit) {
          return stored === "duplicate" ? "outside" : stored;
        }
        const piece = room >= bytes.length ? bytes : bytes.subarray(0, room);
        this.#fragments.splice(index, 0, { sequence: start, bytes: piece });
        stored = "out-of-order";
        index++;
      }
      if (after === undefined) break;
      const skipped = room + after.bytes.length;
      if (skipped >= bytes.length) break;
      bytes = bytes.subarray(skipped);
      start = seqAdd(start, skipped);
    }
    return stored;
  }
}
