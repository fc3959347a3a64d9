/**
 * Our heartbeats on one connection.
 *
 * Source: PROTOCOL.md section 2.6 and section 9, "liveness" and "slow clients".
 *
 * @module
 */
import { encodeFrame } from "./frame.ts";
import type { Outbox } from "./outbox.ts";
import type { FrameTransport } from "./transport.ts";

/** Sends a heartbeat at every interval, but never a second one behind one under way. */
export class Heartbeat {
  readonly #connection: FrameTransport;
  readonly #outbox: Outbox;
  readonly #intervalMs: number;
  #dueAt = Infinity;
  /** How many bytes had been written after the last heartbeat. */
  #lastEnd = 0;

  constructor(connection: FrameTransport, outbox: Outbox, intervalMs: number) {
    this.#connection = connection;
    this.#outbox = outbox;
    this.#intervalMs = intervalMs;
  }

  /** When the next one is due; `Infinity` when there is none. */
  get dueAt(): number {
    return this.#dueAt;
  }

  /** Begins or goes on; the first one is due after an interval. */
  start(now: number): void {
    if (this.#dueAt === Infinity) this.#dueAt = now + this.#intervalMs;
  }

  /** Ends. */
  stop(): void {
    this.#dueAt = Infinity;
  }

  /**
   * Sends one if it is due, unless the peer takes nothing or the last one is still under way; then
   * the next interval decides again.
   *
   * @returns Whether one was sent.
   */
  beat(now: number): boolean {
    if (now < this.#dueAt) return false;
    this.#dueAt = now + this.#intervalMs;
    if (this.#connection.state !== "open" || this.#connection.peerWindowBytes === 0) return false;
    if (this.#lastEnd > this.#outbox.acknowledgedBytes || !this.#outbox.isControlEmpty) {
      return false;
    }
    if (!this.#outbox.write(encodeFrame({ type: "heartbeat" }), now)) return false;
    this.#lastEnd = this.#outbox.writtenBytes;
    return true;
  }
}
