/**
 * Notices that the machine was asleep: the wall clock has moved on and the monotonic one has not.
 *
 * On Linux and macOS neither `performance.now` nor timers count the time in suspension, so that a
 * session lost in the night looks alive for another half minute after waking up.
 *
 * @module
 */

/** Interval of the comparison. */
const CHECK_INTERVAL_MS = 2_000;

/** A jump above this counts: shorter ones are corrections of the clock, and harm no session. */
const MIN_JUMP_MS = 10_000;

/** The clocks that are compared. */
export interface Clocks {
  /** Unix time in ms. */
  readonly wall: () => number;
  /** Monotonic ms. */
  readonly monotonic: () => number;
}

/** Calls its listeners after each jump of the wall clock; runs only while there are any. */
export class SleepWatch {
  readonly #clocks: Clocks;
  readonly #listeners = new Set<(jumpMs: number) => void>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #aheadMs = 0;

  constructor(clocks: Clocks = { wall: Date.now, monotonic: () => performance.now() }) {
    this.#clocks = clocks;
  }

  /** Calls `listener` after each jump until the result is disposed of. */
  listen(listener: (jumpMs: number) => void): Disposable {
    this.#listeners.add(listener);
    if (this.#timer === undefined) {
      this.#aheadMs = this.#ahead();
      this.#timer = setInterval(() => this.check(), CHECK_INTERVAL_MS);
    }
    return {
      [Symbol.dispose]: (): void => {
        this.#listeners.delete(listener);
        if (this.#listeners.size > 0 || this.#timer === undefined) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
    };
  }

  /** Compares now. */
  check(): void {
    const aheadMs = this.#ahead();
    const jumpMs = aheadMs - this.#aheadMs;
    this.#aheadMs = aheadMs;
    if (jumpMs < MIN_JUMP_MS) return;
    for (const listener of [...this.#listeners]) listener(jumpMs);
  }

  #ahead(): number {
    return this.#clocks.wall() - this.#clocks.monotonic();
  }
}

/** The watch of this process. */
export const systemSleepWatch = new SleepWatch();
