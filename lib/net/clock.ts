/**
 * The monotonic clock and one alarm on it.
 *
 * @module
 */

/** Milliseconds on a clock that never goes back. */
export function monotonicNow(): number {
  return performance.now();
}

/** Timers above this fire at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** A single re-armable timer. It may ring early; it never rings after {@linkcode Alarm.clear}. */
export class Alarm {
  readonly #ring: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #at = Infinity;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Rings at `at` (monotonic ms), and at no other time that was asked for before. */
  set(at: number): void {
    // A later instant keeps the running timer: it rings early and the owner sets the alarm anew.
    if (this.#timer !== undefined && at >= this.#at) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#at = at;
    const delayMs = Math.min(Math.max(0, Math.ceil(at - monotonicNow())), LONGEST_TIMEOUT_MS);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#at = Infinity;
      this.#ring();
    }, delayMs);
  }

  /** Rings no more. */
  clear(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Infinity;
  }
}
