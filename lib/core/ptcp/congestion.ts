/**
 * NewReno congestion control: how many bytes may be in flight.
 *
 * It grows with bytes acknowledged, not with acks counted (RFC 3465, L = 2), so that a peer that
 * acknowledges every second segment does not halve its growth, and only while it is the limit.
 *
 * Source: PROTOCOL.md section 10, loss; RFC 5681, RFC 6582.
 *
 * @module
 */

/** Initial window, in segments; RFC 6928. */
const INITIAL_SEGMENTS = 10;
/** Keeps arithmetic exact and the window from growing for ever. */
const MAX_WINDOW_BYTES = 2 ** 30;

/** The congestion window of one connection. All sizes in bytes. */
export class CongestionWindow {
  readonly #mss: number;
  #cwnd: number;
  #ssthresh: number;
  #saved: { cwnd: number; ssthresh: number } | undefined;

  /**
   * A window before the first loss.
   *
   * @param mss Largest payload of a segment.
   * @param ssthresh Slow start threshold to begin with: the send buffer.
   */
  constructor(mss: number, ssthresh: number) {
    this.#mss = mss;
    this.#cwnd = INITIAL_SEGMENTS * mss;
    this.#ssthresh = Math.max(ssthresh, 2 * mss);
  }

  /** Bytes that may be in flight. */
  get bytes(): number {
    return this.#cwnd;
  }

  /** Where slow start ends. */
  get ssthresh(): number {
    return this.#ssthresh;
  }

  /** An ack of new data outside fast recovery; `flight` is what was in flight before it. */
  onAck(acked: number, flight: number): void {
    const counted = Math.min(acked, 2 * this.#mss);
    if (this.#cwnd < this.#ssthresh) {
      if (2 * flight >= this.#cwnd) this.#set(this.#cwnd + counted);
    } else if (flight + 2 * this.#mss >= this.#cwnd) {
      this.#set(this.#cwnd + Math.max(1, this.#mss * counted / this.#cwnd));
    }
  }

  /** Three duplicate acks. */
  enterRecovery(flight: number): void {
    this.#reduce(flight);
    this.#cwnd = this.#ssthresh + 3 * this.#mss;
  }

  /** A further duplicate ack in recovery: one more segment has left the network. */
  inflate(): void {
    this.#set(this.#cwnd + this.#mss);
  }

  /** An ack in recovery that does not end it. */
  onPartialAck(acked: number): void {
    const deflated = this.#cwnd - acked + (acked >= this.#mss ? this.#mss : 0);
    this.#cwnd = Math.max(deflated, this.#mss);
  }

  /** The ack that ends recovery; `flight` is what is in flight after it. */
  exitRecovery(flight: number): void {
    this.#cwnd = Math.min(this.#ssthresh, Math.max(flight, this.#mss) + this.#mss);
    this.#saved = undefined;
  }

  /** A retransmission timeout; `repeated` ones of the same loss leave the threshold alone. */
  onTimeout(flight: number, attempt: "first" | "repeated"): void {
    if (attempt === "first") this.#reduce(flight);
    this.#cwnd = this.#mss;
  }

  /** A NACK: the loss is certain, the path is alive. */
  onNack(flight: number): void {
    this.#reduce(flight);
    this.#cwnd = this.#ssthresh;
  }

  /** The recovery begun last was needless: back to where it was before. */
  undo(): void {
    if (this.#saved === undefined) return;
    this.#cwnd = this.#saved.cwnd;
    this.#ssthresh = this.#saved.ssthresh;
    this.#saved = undefined;
  }

  /** Nothing was sent for longer than the retransmission timeout. */
  restart(): void {
    this.#cwnd = Math.min(this.#cwnd, this.#mss);
  }

  #reduce(flight: number): void {
    this.#saved ??= { cwnd: this.#cwnd, ssthresh: this.#ssthresh };
    this.#ssthresh = Math.max(Math.floor(flight / 2), 2 * this.#mss);
  }

  /** Forgets what {@linkcode undo} would restore: the recovery proved to be needed. */
  settle(): void {
    this.#saved = undefined;
  }

  #set(bytes: number): void {
    this.#cwnd = Math.min(bytes, MAX_WINDOW_BYTES);
  }
}
