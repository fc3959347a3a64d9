/**
 * The bounded queue of what was written and is not yet acknowledged: one entry a segment.
 *
 * A write is one segment and stays one when it is resent, because known peers read one frame a
 * datagram; only the peer's window cuts one in two.
 *
 * Source: PROTOCOL.md section 10, sending.
 *
 * @module
 */
import { invariant } from "../errors.ts";
import { seqAdd, seqDiff } from "./sequence.ts";
import { HEADER_BYTES } from "./segment.ts";

/** One segment of the send queue. */
export interface Outgoing {
  /** Sequence number of its first byte. */
  sequence: number;
  /** Room for the header, then the payload. Once it was sent it is never written to again. */
  datagram: Uint8Array;
  /** Header flags; CTL for the CONNECT. */
  readonly flags: number;
  /** How often it was sent. */
  sends: number;
  /** When it was first sent. */
  firstSentAt: number;
  /** The timestamp it carried when it was sent last. */
  timestamp: number;
}

/** Payload bytes of a queued segment. */
export function payloadBytes(entry: Outgoing): number {
  return entry.datagram.length - HEADER_BYTES;
}

/**
 * A queue of segments, addressed by ordinal: the first entry ever pushed is 0. Splitting an entry
 * moves the ordinals after it, so only the first unsent one may be split.
 */
export class SendBuffer {
  readonly #capacityBytes: number;
  #entries: Outgoing[] = [];
  #head = 0;
  #headOrdinal = 0;
  #dataBytes = 0;
  #endSequence: number;

  /**
   * An empty queue.
   *
   * @param capacityBytes Most bytes of data it holds.
   * @param sequence Sequence number of the first byte pushed.
   */
  constructor(capacityBytes: number, sequence: number) {
    this.#capacityBytes = capacityBytes;
    this.#endSequence = sequence;
  }

  /** Bytes of data held, control data not counted. */
  get dataBytes(): number {
    return this.#dataBytes;
  }

  /** Bytes of data that still fit. */
  get freeBytes(): number {
    return this.#capacityBytes - this.#dataBytes;
  }

  /** Ordinal of the oldest entry. */
  get headOrdinal(): number {
    return this.#headOrdinal;
  }

  /** Ordinal after the newest entry. */
  get endOrdinal(): number {
    return this.#headOrdinal + this.#entries.length - this.#head;
  }

  /** The entry of an ordinal, if it is held. */
  get(ordinal: number): Outgoing | undefined {
    const index = ordinal - this.#headOrdinal;
    return index < 0 ? undefined : this.#entries[this.#head + index];
  }

  /** Appends one segment, copied; the caller has checked that it fits. */
  push(payload: Uint8Array, flags: number): void {
    const datagram = new Uint8Array(HEADER_BYTES + payload.length);
    datagram.set(payload, HEADER_BYTES);
    this.adopt(datagram, flags);
  }

  /** Appends one segment that is given away, its payload behind room for the header. */
  adopt(datagram: Uint8Array, flags: number): void {
    this.#entries.push({
      sequence: this.#endSequence,
      datagram,
      flags,
      sends: 0,
      firstSentAt: 0,
      timestamp: 0,
    });
    const bytes = datagram.length - HEADER_BYTES;
    this.#endSequence = seqAdd(this.#endSequence, bytes);
    if (flags === 0) this.#dataBytes += bytes;
  }

  /** Cuts an entry that was never sent, so that it holds `bytes` bytes and a new one the rest. */
  split(ordinal: number, bytes: number): void {
    const entry = this.get(ordinal);
    invariant(entry !== undefined && entry.sends === 0, "only an unsent segment is split");
    invariant(bytes > 0 && bytes < payloadBytes(entry), "both parts of a split hold bytes");
    const whole = entry.datagram;
    entry.datagram = whole.slice(0, HEADER_BYTES + bytes);
    this.#entries.splice(this.#head + ordinal - this.#headOrdinal + 1, 0, {
      sequence: seqAdd(entry.sequence, bytes),
      // The header of the rest is written over bytes that the first part has just copied.
      datagram: whole.subarray(bytes),
      flags: entry.flags,
      sends: 0,
      firstSentAt: 0,
      timestamp: 0,
    });
  }

  /**
   * Drops everything before `sequence`; an entry acknowledged in part keeps the rest.
   *
   * @returns Stream bytes of data that were dropped.
   */
  acknowledge(sequence: number): number {
    let dropped = 0;
    for (;;) {
      const entry = this.#entries[this.#head];
      if (entry === undefined) break;
      const covered = seqDiff(sequence, entry.sequence);
      if (covered <= 0) break;
      const length = payloadBytes(entry);
      if (covered < length) {
        entry.datagram = entry.datagram.subarray(covered);
        entry.sequence = sequence;
        if (entry.flags === 0) dropped += covered;
        break;
      }
      if (entry.flags === 0) dropped += length;
      this.#head++;
      this.#headOrdinal++;
    }
    this.#dataBytes -= dropped;
    this.#compact();
    return dropped;
  }

  /** Drops everything. */
  clear(): void {
    this.#headOrdinal = this.endOrdinal;
    this.#entries = [];
    this.#head = 0;
    this.#dataBytes = 0;
  }

  #compact(): void {
    if (this.#head === this.#entries.length) {
      this.#entries.length = 0;
      this.#head = 0;
    } else if (this.#head >= 64 && 2 * this.#head >= this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
