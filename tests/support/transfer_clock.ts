/**
 * Clocks for transfers: a virtual one for ends that take time as a parameter, a real one for ends
 * that read the clock themselves.
 *
 * @module
 */

/** A clock in ms that can wait. */
export interface TransferClock {
  now(): number;
  waitUntil(at: number): void;
}

/** A clock that jumps. */
export class VirtualClock implements TransferClock {
  #now = 1000;

  now(): number {
    return this.#now;
  }

  waitUntil(at: number): void {
    this.#now = Math.max(this.#now, at);
  }
}

/** A clock that really waits, blocking its thread: a timer of the event loop is too coarse. */
export class RealClock implements TransferClock {
  readonly #read: () => number;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  /** @param read Milliseconds on the clock that the ends read. */
  constructor(read: () => number) {
    this.#read = read;
  }

  now(): number {
    return this.#read();
  }

  waitUntil(at: number): void {
    for (let left; (left = at - this.#read()) > 0;) Atomics.wait(this.#cell, 0, 0, left);
  }
}
