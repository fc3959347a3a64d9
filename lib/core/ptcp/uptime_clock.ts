/**
 * The clock of our timestamps: milliseconds since a non-zero origin, modulo 2^31.
 *
 * Never the wall clock: one device stopped reading when it saw timestamps of 2^31 and above.
 *
 * Source: PROTOCOL.md sections 2.2, 9 and 10.
 *
 * @module
 */
import { timestampDiff } from "./sequence.ts";

/** Turns the monotonic `now` into timestamps. */
export class UptimeClock {
  readonly #originMs: number;
  readonly #stepMs: number;
  #startedAt: number | undefined;

  /**
   * A clock that stands until it is started.
   *
   * @param originMs First reading, not 0.
   * @param stepMs Granularity of readings.
   */
  constructor(originMs: number, stepMs: number) {
    this.#originMs = originMs;
    this.#stepMs = stepMs;
  }

  /** Starts the clock, once. */
  start(now: number): void {
    this.#startedAt ??= now;
  }

  /** The timestamp at `now`; never 0, because a zero echo means none. */
  read(now: number): number {
    const uptimeMs = this.#originMs + now - (this.#startedAt ?? now);
    const stamp = (uptimeMs - uptimeMs % this.#stepMs) & 0x7fffffff;
    return stamp === 0 ? this.#stepMs : stamp;
  }

  /** Milliseconds since the timestamp `echo` was sent, or nothing when we cannot have sent it. */
  age(echo: number, now: number): number | undefined {
    const ageMs = timestampDiff(this.read(now), echo);
    const uptimeMs = now - (this.#startedAt ?? now);
    return ageMs < 0 || ageMs > uptimeMs + this.#stepMs ? undefined : ageMs;
  }
}
