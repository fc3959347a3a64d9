/**
 * Which of the segments in flight to send again next.
 *
 * @module
 */
import { type Outgoing, payloadBytes, type SendBuffer } from "./send_buffer.ts";
import { seqDiff, seqLess, timestampDiff } from "./sequence.ts";

/** A position in the send buffer, and how far resends may go on from it. */
export class ResendCursor {
  readonly #buffer: SendBuffer;
  #ordinal = 0;
  /** Whether the entry at the cursor leaves without asking the congestion window. */
  #atOnce = false;
  /** Whether further entries follow as the congestion window opens. */
  #onwards = false;
  /** First resend of this recovery; 0 = none yet, -1 = judged. */
  #firstTimestamp = 0;

  /**
   * A cursor that resends nothing.
   *
   * @param buffer What is in flight, and what is not yet.
   */
  constructor(buffer: SendBuffer) {
    this.#buffer = buffer;
  }

  /** The oldest segment is resent at once. */
  head(): void {
    this.#ordinal = this.#buffer.headOrdinal;
    this.#atOnce = true;
  }

  /** Whether segments after it follow as the window opens. */
  set onwards(onwards: boolean) {
    this.#onwards = onwards;
  }

  /** Nothing more is resent. */
  stop(): void {
    this.#atOnce = false;
    this.#onwards = false;
  }

  /** A recovery begins: its first resend will be judged by the echo that answers it. */
  arm(): void {
    this.#firstTimestamp = 0;
  }

  /**
   * Where resends have got to: sequence number of the entry that would be next.
   *
   * @param otherwise The answer when that entry does not exist yet.
   */
  position(otherwise: number): number {
    return this.#buffer.get(this.#ordinal)?.sequence ?? otherwise;
  }

  /** Entries at the head were acknowledged. */
  catchUp(): void {
    this.#ordinal = Math.max(this.#ordinal, this.#buffer.headOrdinal);
  }

  /**
   * Eifel detection (RFC 3522): whether the first ack after the first resend answers a segment
   * that was sent before it.
   *
   * @param echo The timestamp that the ack echoes, 0 = none.
   */
  wasNeedless(echo: number): boolean {
    const resentAt = this.#firstTimestamp;
    if (resentAt === 0) return false;
    this.#firstTimestamp = -1;
    return resentAt > 0 && echo !== 0 && timestampDiff(echo, resentAt) < 0;
  }

  /**
   * The segment to resend now, or nothing.
   *
   * @param end Sequence number up to which segments may be resent.
   * @param windowBytes The congestion window, from the oldest byte in flight on.
   * @param timestamp The one it will carry.
   */
  take(end: number, windowBytes: number, timestamp: number): Outgoing | undefined {
    if (!this.#atOnce && !this.#onwards) return undefined;
    const entry = this.#buffer.get(this.#ordinal);
    if (entry === undefined || entry.sends === 0 || !seqLess(entry.sequence, end)) {
      this.stop();
      return undefined;
    }
    if (!this.#atOnce) {
      const oldest = this.#buffer.get(this.#buffer.headOrdinal)!.sequence;
      const resent = seqDiff(entry.sequence, oldest) + payloadBytes(entry);
      if (resent > windowBytes) return undefined;
    }
    this.#atOnce = false;
    this.#ordinal++;
    if (this.#firstTimestamp === 0) this.#firstTimestamp = timestamp;
    // The network may still hold the bytes given to it before.
    entry.datagram = entry.datagram.slice();
    entry.sends++;
    return entry;
  }
}
