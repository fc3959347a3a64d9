/**
 * What leaves next over the connection: control frames, then BINDs, then data, a fair turn for every
 * realm.
 *
 * A data frame enters the connection only when little waits there unsent: what is in it can no
 * longer be overtaken.
 *
 * @module
 */
import type { BindQueue } from "./bind_queue.ts";
import { encodeFrame, type Frame } from "./frame.ts";
import type { Realm } from "./realm.ts";
import { SendSchedule } from "./send_schedule.ts";
import type { FrameTransport } from "./transport.ts";

/** Sends the frames of one connection in their order. */
export class Outbox {
  readonly #connection: FrameTransport;
  readonly #binds: BindQueue;
  readonly #unsentLimitBytes: number;
  readonly #control: Uint8Array[] = [];
  readonly #schedule = new SendSchedule<Realm>();
  #writtenBytes = 0;

  /**
   * @param binds Whose BINDs leave.
   * @param unsentLimitBytes Unsent bytes in the connection above which data waits here.
   */
  constructor(connection: FrameTransport, binds: BindQueue, unsentLimitBytes: number) {
    this.#connection = connection;
    this.#binds = binds;
    this.#unsentLimitBytes = unsentLimitBytes;
  }

  /** Bytes ever written into the connection. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Bytes ever acknowledged by the peer. */
  get acknowledgedBytes(): number {
    return this.#writtenBytes - this.#connection.unacknowledgedBytes;
  }

  /** Whether no control frame waits. */
  get isControlEmpty(): boolean {
    return this.#control.length === 0;
  }

  /** Queues a frame that goes before all data; there are few: at most one a realm and the sign. */
  control(frame: Frame): void {
    this.#control.push(encodeFrame(frame));
  }

  /** A connected realm has data frames. */
  add(realm: Realm): void {
    this.#schedule.add(realm);
  }

  /** A realm sends no more. */
  remove(realm: Realm): void {
    this.#schedule.remove(realm);
  }

  /** Drops the control frames: the connection is gone. */
  clear(): void {
    this.#control.length = 0;
  }

  /** Writes one frame past the queue; false when there is no room for it. */
  write(frame: Uint8Array, now: number): boolean {
    if (!this.#connection.write(frame, now)) return false;
    this.#writtenBytes += frame.length;
    return true;
  }

  /**
   * Writes what may leave now.
   *
   * @param onSent Called after each data frame with its realm.
   */
  pump(now: number, onSent: (realm: Realm, now: number) => void): void {
    if (this.#connection.state !== "open") return;
    if (!this.#sendControl(now) || !this.#sendBinds(now)) return;
    while (this.#unsentBytes() < this.#unsentLimitBytes) {
      const realm = this.#schedule.next(hasNothingToSend);
      const datagram = realm?.outgoing.peek();
      if (realm === undefined || datagram === undefined) break;
      if (!this.#connection.writeOwned(datagram, now)) break;
      realm.outgoing.drop();
      const bytes = datagram.length - this.#connection.headroomBytes;
      this.#writtenBytes += bytes;
      this.#schedule.sent(realm, bytes);
      onSent(realm, now);
    }
    // A realm whose last frame has just left may have queued its DISC.
    this.#sendControl(now);
  }

  #unsentBytes(): number {
    return this.#writtenBytes - this.#connection.stats.bytesOut;
  }

  #sendControl(now: number): boolean {
    while (this.#control.length > 0) {
      if (!this.write(this.#control[0]!, now)) return false;
      this.#control.shift();
    }
    return true;
  }

  #sendBinds(now: number): boolean {
    for (let realm = this.#binds.next(now); realm !== undefined; realm = this.#binds.next(now)) {
      const { id, port } = realm;
      if (!this.write(encodeFrame({ type: "bind", realm: id, port, ip: "127.0.0.1" }), now)) {
        return false;
      }
      this.#binds.sent(now);
    }
    return true;
  }
}

function hasNothingToSend(realm: Realm): boolean {
  return realm.outgoing.isEmpty;
}
