/**
 * Probing of a peer whose window is zero, so that a lost window update does not end the stream.
 *
 * Source: PROTOCOL.md section 10, receiving.
 *
 * @module
 */

/** Longest wait between two probes that are answered: what a lost window update costs. */
const MAX_INTERVAL_MS = 2000;
/** Longest wait after one that was not: a dozen must be lost before the peer counts as gone. */
const MAX_RETRY_MS = 1000;
/** Unanswered probes without which silence proves nothing: this machine may have slept. */
const MIN_UNANSWERED = 3;

/** Knows when to probe, and when the peer is gone. */
export class WindowProbe {
  readonly #timeoutMs: number;
  #dueAt = Infinity;
  #firstIntervalMs = 0;
  /** Wait after a probe that was answered. */
  #intervalMs = 0;
  /** Wait after one that was not. */
  #retryMs = 0;
  #unanswered = 0;
  #silentSince = 0;
  #pending = false;

  /**
   * A probe that is not needed yet.
   *
   * @param timeoutMs Silence after which the peer is gone.
   */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** When the next probe is due, or `Infinity`. */
  get dueAt(): number {
    return this.#dueAt;
  }

  /** A segment came and the window is zero: probes begin, or count as answered. */
  onReceive(now: number, rtoMs: number): void {
    const isAnswer = this.#unanswered > 0;
    this.#silentSince = now;
    this.#unanswered = 0;
    if (this.#dueAt === Infinity) {
      this.#firstIntervalMs = Math.min(rtoMs, MAX_INTERVAL_MS);
      this.#intervalMs = this.#firstIntervalMs;
      this.#dueAt = now + this.#intervalMs;
    } else if (isAnswer) {
      this.#intervalMs = Math.min(2 * this.#intervalMs, MAX_INTERVAL_MS);
      this.#dueAt = now + this.#intervalMs;
    }
  }

  /** The window is open, or data in flight takes the place of probes. */
  stop(): void {
    this.#dueAt = Infinity;
    this.#pending = false;
  }

  /** Runs the timer: a probe is to be sent, or the peer is gone. */
  onTimeout(now: number): "none" | "probe" | "exhausted" {
    if (this.#dueAt > now) return "none";
    const goneAt = this.#silentSince + this.#timeoutMs;
    if (this.#unanswered >= MIN_UNANSWERED && now >= goneAt) return "exhausted";
    this.#pending = true;
    this.#unanswered++;
    this.#retryMs = this.#unanswered === 1
      ? this.#firstIntervalMs
      : Math.min(2 * this.#retryMs, MAX_RETRY_MS);
    this.#dueAt = now + this.#retryMs;
    if (this.#unanswered >= MIN_UNANSWERED) {
      this.#dueAt = Math.min(this.#dueAt, Math.max(goneAt, now + this.#firstIntervalMs));
    }
    return "probe";
  }

  /** Whether a probe is to be sent; asking takes it. */
  take(): boolean {
    const pending = this.#pending;
    this.#pending = false;
    return pending;
  }
}
