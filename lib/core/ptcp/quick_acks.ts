/**
 * When every segment deserves an ack of its own.
 *
 * A sender that opens its congestion window by acks, not by bytes, grows half as fast when every
 * second segment is acknowledged; libjingle is one. So segments are acknowledged one by one while
 * such a sender is likely to be growing: at the start, after a pause, after a loss. The rest of the
 * time its window is as large as it gets, and acks are spared.
 *
 * Source: PROTOCOL.md section 10, acks; RFC 5681 section 3.1, section 4.2; RFC 3465.
 *
 * @module
 */

/** Congestion avoidance from half a window to the whole takes so many acks for one of slow start. */
const LOSS_FACTOR = 8;
/** Silence after which a sender may begin again with one segment: the reference's least timeout. */
const PAUSE_MS = 250;

/** Counts the segments that are still to be acknowledged one by one. */
export class QuickAcks {
  readonly #startSegments: number;
  readonly #bulkBytes: number;
  #left = 0;
  #lastAt = -Infinity;

  /**
   * A stream that has not begun.
   *
   * @param startSegments How many at the start and after a pause.
   * @param mss Largest payload of a segment: less than half of it is no bulk transfer.
   */
  constructor(startSegments: number, mss: number) {
    this.#startSegments = startSegments;
    this.#bulkBytes = mss / 2;
  }

  /** A segment that was missing has come: the sender has halved its window. */
  onLoss(): void {
    this.#left = LOSS_FACTOR * this.#startSegments;
  }

  /**
   * Takes a segment that continues the stream.
   *
   * @param bytes Its payload.
   * @returns Whether it is to be acknowledged at once.
   */
  take(bytes: number, now: number): boolean {
    if (now - this.#lastAt > PAUSE_MS) this.#left = Math.max(this.#left, this.#startSegments);
    this.#lastAt = now;
    if (this.#left === 0 || bytes < this.#bulkBytes) return false;
    this.#left--;
    return true;
  }
}
