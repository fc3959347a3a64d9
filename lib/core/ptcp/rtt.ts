/**
 * Round-trip time and retransmission timeout, as RFC 6298 computes them.
 *
 * Source: PROTOCOL.md section 10, timestamps and RTT.
 *
 * @module
 */

/** Timeout before the first sample. */
export const FIRST_RTO_MS = 3000;
/** Keeps SRTT, RTTVAR and the RTO of one connection. All times in ms. */
export class RttEstimator {
  readonly #minRtoMs: number;
  readonly #maxRtoMs: number;
  #smoothedMs: number | undefined;
  #variationMs = 0;
  #rtoMs: number;

  /**
   * An estimator without a sample.
   *
   * @param minRtoMs Lower bound of the timeout; 250 in the reference.
   * @param maxRtoMs Upper bound of the timeout; 60000 in the reference.
   */
  constructor(minRtoMs: number, maxRtoMs: number) {
    this.#minRtoMs = minRtoMs;
    this.#maxRtoMs = maxRtoMs;
    this.#rtoMs = Math.min(FIRST_RTO_MS, maxRtoMs);
  }

  /** SRTT, or nothing before the first sample. */
  get smoothedMs(): number | undefined {
    return this.#smoothedMs;
  }

  /** RTTVAR; 0 before the first sample. */
  get variationMs(): number {
    return this.#variationMs;
  }

  /** The timeout now, backed off when segments were resent since the last sample. */
  get rtoMs(): number {
    return this.#rtoMs;
  }

  /** Takes a measured round trip, not negative; ends any backing off. */
  sample(rttMs: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = rttMs;
      this.#variationMs = rttMs / 2;
    } else {
      const error = Math.abs(this.#smoothedMs - rttMs);
      this.#variationMs = 0.75 * this.#variationMs + 0.25 * error;
      this.#smoothedMs = 0.875 * this.#smoothedMs + 0.125 * rttMs;
    }
    const rtoMs = this.#smoothedMs + Math.max(1, 4 * this.#variationMs);
    this.#rtoMs = Math.min(Math.max(rtoMs, this.#minRtoMs), this.#maxRtoMs);
  }

  /** Doubles the timeout after a resend. */
  backOff(): void {
    this.#rtoMs = Math.min(2 * this.#rtoMs, this.#maxRtoMs);
  }
}
