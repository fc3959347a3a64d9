/**
 * A PTCP connection: PseudoTCP without sockets, clock or timers of its own.
 *
 * ```text
 *   active:   idle ──open()──► connecting ──CONNECT──► open ──► closed
 *   passive:  listening ──CONNECT──► connecting ──any other segment──► open ──► closed
 * ```
 *
 * A reset, the resend limit, the give-up time, the probe timeout and `abort` lead to `closed` from
 * everywhere. The machine does not know endpoints: its parent passes it only what the peer sent.
 *
 * Source: PROTOCOL.md sections 1.4, 2, 9 and 10.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import type { Deadline } from "../types.ts";
import type { PtcpCloseReason, PtcpEvent, PtcpState } from "./events.ts";
import { Inbound } from "./inbound.ts";
import { carriesNackBody } from "./nack.ts";
import { Opening } from "./opening.ts";
import { type PtcpOptions, type PtcpSettings, settle } from "./options.ts";
import type { Parts } from "./parts.ts";
import { Receiver } from "./receiver.ts";
import {
  controlOf,
  FLAG_CTL,
  FLAG_RST,
  flagsOf,
  HEADER_BYTES,
  isPtcp,
  sequenceOf,
} from "./segment.ts";
import { SegmentWriter } from "./segment_writer.ts";
import { Sender } from "./sender.ts";
import { seqWithin } from "./sequence.ts";
import { emptyStats, type PtcpStats } from "./stats.ts";
import { Timers } from "./timers.ts";
import { UptimeClock } from "./uptime_clock.ts";
import { WindowProbe } from "./window_probe.ts";

export type { PtcpCloseReason, PtcpEvent, PtcpState } from "./events.ts";
export type { PtcpOptions, PtcpQuirks } from "./options.ts";
export { DEVICE_QUIRKS } from "./options.ts";
export type { PtcpStats } from "./stats.ts";

const OPEN: PtcpEvent = Object.freeze({ type: "open" });
const READABLE: PtcpEvent = Object.freeze({ type: "readable" });
const WRITABLE: PtcpEvent = Object.freeze({ type: "writable" });

/**
 * One PTCP connection as a sans-I/O machine: one mutation, then drain `pollTransmit` and
 * `pollEvent`, then read `pollDeadline`. No datagram makes it throw or grow without bound.
 */
export class PtcpConnection {
  readonly #settings: PtcpSettings;
  readonly #stats: PtcpStats = emptyStats();
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #clock: UptimeClock;
  readonly #opening: Opening;
  readonly #inbound: Inbound;
  readonly #writer: SegmentWriter;
  readonly #timers: Timers;
  #closed = false;
  #closeReason: PtcpCloseReason | undefined;
  #now = 0;
  #resetDue = false;
  #drained = true;
  #opened = false;
  #refusedBytes = 0;
  #lastReceiveAt: number | undefined;

  /**
   * A connection that has sent nothing.
   *
   * @param options Role, sizes, times and quirks.
   * @throws {RangeError} When a number among them is out of its range.
   */
  constructor(options: PtcpOptions) {
    const settings = settle(options);
    this.#settings = settings;
    this.#sender = new Sender(settings, this.#stats);
    this.#receiver = new Receiver(settings);
    this.#clock = new UptimeClock(settings.timestampOriginMs, settings.quirks.timestampStepMs);
    const parts: Parts = {
      settings,
      stats: this.#stats,
      sender: this.#sender,
      receiver: this.#receiver,
      clock: this.#clock,
      probe: new WindowProbe(settings.windowProbeTimeoutMs),
    };
    this.#opening = new Opening(parts);
    this.#inbound = new Inbound(parts);
    this.#writer = new SegmentWriter(parts);
    this.#timers = new Timers(parts);
  }

  /** Where the connection stands. */
  get state(): PtcpState {
    return this.#closed ? "closed" : this.#opening.state;
  }

  /** Room for data in the send buffer. */
  get writableBytes(): number {
    return this.#closed ? 0 : this.#sender.buffer.freeBytes;
  }

  /** In-order bytes that wait to be read. */
  get readableBytes(): number {
    return this.#receiver.buffer.unreadBytes;
  }

  /** Bytes written that the peer has not acknowledged, sent or not. */
  get unacknowledgedBytes(): number {
    return this.#sender.buffer.dataBytes;
  }

  /** Bytes written that have not been sent even once. */
  get unsentBytes(): number {
    return Math.max(0, this.#sender.buffer.dataBytes - this.#sender.flight);
  }

  /** When the oldest segment in flight was first sent. */
  get oldestUnackedAt(): number | undefined {
    return this.#sender.oldestUnackedAt;
  }

  /** When the last segment of the peer came. */
  get lastReceiveAt(): number | undefined {
    return this.#lastReceiveAt;
  }

  /** Whether an ack is owed that must not be merged with the next: the peer grows by counting. */
  get isAckUrgent(): boolean {
    return this.#receiver.isAckUrgent;
  }

  /** When an ack last advanced, or data last began to be in flight. */
  get lastProgressAt(): number {
    return this.#sender.lastProgressAt;
  }

  /** SRTT in ms, once there was a sample. */
  get smoothedRttMs(): number | undefined {
    return this.#sender.rtt.smoothedMs;
  }

  /** The retransmission timeout now. */
  get rtoMs(): number {
    return this.#sender.rtt.rtoMs;
  }

  /** Bytes that the congestion window lets be in flight. */
  get congestionWindowBytes(): number {
    return this.#sender.congestion.bytes;
  }

  /** Bytes beyond those acknowledged that the peer takes. */
  get peerWindowBytes(): number {
    return this.#sender.peerWindow;
  }

  /** The counters. */
  get stats(): Readonly<PtcpStats> {
    return this.#stats;
  }

  /**
   * Sends the CONNECT of the active side.
   *
   * @throws {StateError} When it was opened before, or is passive.
   */
  open(now: number): void {
    if (this.state !== "idle") throw new StateError(`cannot open while ${this.state}`);
    this.#begin(now);
    this.#opening.start();
  }

  /** Takes one datagram of the peer. Never throws: what is unacceptable is traced and dropped. */
  handleSegment(bytes: Uint8Array, now: number): void {
    this.#begin(now);
    const fault = this.#process(bytes, now);
    if (fault === undefined) return;
    this.#stats.droppedIn++;
    this.#tell("segment-dropped", { reason: fault, length: bytes.length });
  }

  /** Runs every timer that is due; early or repeated calls do nothing. */
  handleTimeout(now: number): void {
    this.#now = Math.max(this.#now, now);
    const timer = this.#nextTimer();
    if (timer === undefined || timer.at > now) return;
    this.#drained = false;
    const reason = this.#timers.run(this.state === "open" ? "open" : "connecting", now);
    if (reason !== undefined) this.#close(reason);
  }

  /** The next datagram to send. */
  pollTransmit(): Uint8Array | undefined {
    if (this.#drained) return undefined;
    const bytes = this.#next();
    if (bytes === undefined) this.#drained = true;
    else this.#stats.segmentsOut++;
    return bytes;
  }

  /** The next thing that happened. */
  pollEvent(): PtcpEvent | undefined {
    if (this.#opened) {
      this.#opened = false;
      return OPEN;
    }
    if (this.#inbound.takeReadable()) {
      return READABLE;
    }
    if (this.#refusedBytes > 0 && this.writableBytes >= this.#refusedBytes) {
      this.#refusedBytes = 0;
      return WRITABLE;
    }
    if (this.#closeReason === undefined) return undefined;
    const reason = this.#closeReason;
    this.#closeReason = undefined;
    return { type: "closed", reason };
  }

  /** When `handleTimeout` is due; now while there may be something to send. */
  pollDeadline(): Deadline | undefined {
    return this.#drained ? this.#nextTimer() : { at: this.#now, reason: "transmit" };
  }

  /**
   * Queues one segment of the stream.
   *
   * @param frame 1 byte to one segment's payload; it is copied, and sent and resent as one segment.
   * @returns Whether there was room. If not, nothing was taken and `writable` will be reported.
   * @throws {StateError} Before the connection is opened.
   * @throws {RangeError} When the frame is empty or longer than a segment's payload.
   */
  write(frame: Uint8Array, now: number): boolean {
    if (!this.#takes(frame.length, now)) return false;
    this.#sender.buffer.push(frame, 0);
    return true;
  }

  /** Free bytes that {@linkcode PtcpConnection.writeOwned} wants before a frame. */
  get headroomBytes(): number {
    return HEADER_BYTES;
  }

  /**
   * Queues one segment of the stream like {@linkcode PtcpConnection.write}, without a copy.
   *
   * @param datagram Headroom, then the frame; given away if it is taken.
   * @returns Whether there was room.
   * @throws {StateError} Before the connection is opened.
   * @throws {RangeError} When the frame is empty or longer than a segment's payload.
   */
  writeOwned(datagram: Uint8Array, now: number): boolean {
    if (!this.#takes(datagram.length - HEADER_BYTES, now)) return false;
    this.#sender.buffer.adopt(datagram, 0);
    return true;
  }

  /** Whether a frame of `length` bytes can be queued now. */
  #takes(length: number, now: number): boolean {
    if (this.state === "idle" || this.state === "listening") {
      throw new StateError(`cannot write while ${this.state}`);
    }
    if (!(length > 0 && length <= this.#settings.mssBytes)) {
      throw new RangeError(`a write is 1 to ${this.#settings.mssBytes} bytes, not ${length}`);
    }
    if (this.#closed) return false;
    if (this.#sender.buffer.freeBytes < length) {
      this.#refusedBytes = length;
      return false;
    }
    this.#begin(now);
    return true;
  }

  /** The next in-order chunk, given away, or nothing. Reading opens the window. */
  read(): Uint8Array | undefined {
    const chunk = this.#receiver.buffer.read();
    if (chunk !== undefined && this.state === "open" && this.#receiver.owesAck) {
      this.#drained = false;
    }
    return chunk;
  }

  /** Ends the connection at once, telling the peer by RST. */
  abort(now: number): void {
    if (this.#closed) return;
    this.#begin(now);
    this.#resetDue = this.state === "open" || this.state === "connecting";
    this.#close("aborted");
  }

  #begin(now: number): void {
    this.#now = Math.max(this.#now, now);
    this.#clock.start(now);
    this.#drained = false;
  }

  /** Takes one datagram; returns the reason when it is dropped. */
  #process(bytes: Uint8Array, now: number): string | undefined {
    if (!isPtcp(bytes)) return "not-ptcp";
    const state = this.state;
    if (state === "closed" || state === "idle") return state;
    this.#stats.segmentsIn++;
    this.#lastReceiveAt = now;
    const opening = this.#opening;
    const flags = flagsOf(bytes);
    if ((flags & FLAG_RST) !== 0) return this.#onReset(bytes);
    if (controlOf(bytes) !== 0) {
      if (!carriesNackBody(bytes)) return "control-byte";
      if (state !== "open") return "not-connected";
      return this.#inbound.onNack(bytes, opening.peerScale, now);
    }
    if ((flags & FLAG_CTL) !== 0) {
      const fault = opening.onConnect(bytes, now);
      if (state === "connecting" && opening.state === "open") this.#onOpen(bytes, now);
      return fault;
    }
    if (state !== "open") {
      if (state === "listening" || this.#settings.role === "active") return "not-connected";
      opening.establish(now);
      this.#opened = true;
    }
    return this.#inbound.onSegment(bytes, opening.peerScale, now);
  }

  #onOpen(bytes: Uint8Array, now: number): void {
    this.#opened = true;
    this.#inbound.onAck(bytes, "other", this.#opening.peerScale, now);
  }

  #onReset(bytes: Uint8Array): string | undefined {
    const { next, freeBytes } = this.#receiver.buffer;
    const inside = seqWithin(sequenceOf(bytes), next, Math.max(freeBytes, 1));
    if (this.state === "listening" || !inside) return "reset-outside-window";
    this.#close("reset");
    return undefined;
  }

  #close(reason: PtcpCloseReason): void {
    this.#closed = true;
    this.#closeReason = reason;
    this.#sender.buffer.clear();
    this.#drained = !this.#resetDue;
    this.#tell("closed", { reason });
  }

  #next(): Uint8Array | undefined {
    if (this.#resetDue) {
      this.#resetDue = false;
      return this.#writer.reset(this.#now);
    }
    if (this.state !== "open" && this.state !== "connecting") return undefined;
    return this.#writer.next(this.#now, this.#opening.ownScale);
  }

  #nextTimer(): Deadline | undefined {
    return this.#closed ? undefined : this.#timers.next();
  }

  #tell(name: string, data: Readonly<Record<string, string | number | boolean>>): void {
    this.#settings.trace?.({ at: this.#now, scope: this.#settings.name, name, data });
  }
}
