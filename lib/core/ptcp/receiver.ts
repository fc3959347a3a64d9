/**
 * The receiving half of a connection: what is acknowledged when, which window is announced, which
 * timestamp is echoed.
 *
 * Acks that advance are delayed and coalesced; duplicate acks are counted, because the peer counts
 * them: three start its fast retransmit.
 *
 * Source: PROTOCOL.md section 10, acks and receiving.
 *
 * @module
 */
import { EMPTY } from "../bytes.ts";
import { invariant } from "../errors.ts";
import { encodeNack } from "./nack.ts";
import type { PtcpSettings } from "./options.ts";
import { QuickAcks } from "./quick_acks.ts";
import { type Arrival, ReceiveBuffer } from "./receive_buffer.ts";
import { seqAdd, seqDiff, seqWithin } from "./sequence.ts";

/** A delayed ack leaves at the latest with every second segment. */
const SEGMENTS_PER_ACK = 2;
/** Duplicate acks owed at one time; a peer needs three. */
const MAX_DUPLICATE_ACKS = 16;

/** Decides about acks; it sends nothing itself. */
export class Receiver {
  /** The stream. */
  readonly buffer: ReceiveBuffer;
  readonly #settings: PtcpSettings;
  readonly #reopenBytes: number;
  readonly #quirkStep: number | undefined;
  readonly #quickAcks: QuickAcks;
  #scale = 0;
  #ackNow = false;
  #isAckUrgent = false;
  #duplicateAcks = 0;
  #unackedSegments = 0;
  #ackAt = Infinity;
  #lastAckSent: number;
  /** Right edge of the window as the peer knows it. */
  #announcedEdge: number;
  #echo = 0;
  #nackAt = Infinity;
  #nacks = 0;
  /** First data after a hole that was dropped, by the quirk. */
  #droppedFrom: number | undefined;
  /** Where the hole begins that NACKs ask for. */
  #nackedAt: number | undefined;
  #connectWindow = 0;

  /**
   * A receiver that has acknowledged nothing.
   *
   * @param settings Those of the connection.
   */
  constructor(settings: PtcpSettings) {
    this.#settings = settings;
    this.buffer = new ReceiveBuffer(settings.receiveBufferBytes, settings.initialPeerSequence);
    this.#reopenBytes = Math.min(settings.mssBytes, settings.receiveBufferBytes >> 1);
    const quirk = settings.quirks.windowReopenBytes;
    this.#quirkStep = quirk && Math.min(quirk, settings.receiveBufferBytes >> 1);
    this.#quickAcks = new QuickAcks(settings.quickAckSegments, settings.mssBytes);
    this.#lastAckSent = settings.initialPeerSequence;
    this.#announcedEdge = settings.initialPeerSequence;
  }

  /** The timestamp to echo, 0 = none. */
  get echo(): number {
    return this.#echo;
  }

  /** When the delayed ack is due, or `Infinity`. */
  get ackAt(): number {
    return this.#ackAt;
  }

  /** When the next NACK is due, or `Infinity`. */
  get nackAt(): number {
    return this.#nackAt;
  }

  /** From now on the peer shifts our window fields by this, that of our CONNECT included. */
  useScale(scale: number): void {
    this.#scale = scale;
    const more = (this.#connectWindow << scale) - this.#connectWindow;
    this.#announcedEdge = seqAdd(this.#announcedEdge, more);
  }

  /** Notes the timestamp of a segment that covers the last point we acknowledged. */
  noteTimestamp(sequence: number, length: number, timestamp: number): void {
    if (seqWithin(this.#lastAckSent, sequence, length)) this.#echo = timestamp;
  }

  /** The peer's CONNECT: takes sequence space, is acknowledged with what we send next or soon. */
  acceptConnect(length: number, now: number): void {
    this.buffer.skip(length);
    // Control data does not count in the window.
    this.#announcedEdge = seqAdd(this.#announcedEdge, length);
    this.#delayAck(now);
  }

  /** A segment with data, whatever it holds. */
  accept(sequence: number, payload: Uint8Array, now: number): Arrival {
    const arrival = this.buffer.insert(sequence, payload, this.#settings.quirks.outOfOrder);
    if (arrival === "in-order") {
      this.#unackedSegments++;
      const quick = this.#quickAcks.take(payload.length, now);
      if (quick || this.#unackedSegments >= SEGMENTS_PER_ACK || this.buffer.fragments > 0) {
        this.#ackNow = true;
        this.#isAckUrgent ||= quick;
      } else this.#delayAck(now);
    } else if (arrival === "gap-filled") {
      this.#ackNow = true;
      this.#duplicateAcks = 0;
      this.#quickAcks.onLoss();
    } else if (arrival === "cut") {
      this.#ackNow = true;
    } else if (arrival === "out-of-order" && this.#settings.quirks.nack !== undefined) {
      if (this.#settings.quirks.outOfOrder === "drop") this.#droppedFrom ??= sequence;
    } else {
      this.#duplicateAcks = Math.min(this.#duplicateAcks + 1, MAX_DUPLICATE_ACKS);
    }
    if (this.#settings.quirks.nack !== undefined) this.#checkHole(now);
    return arrival;
  }

  /** An ack is due at once although nothing new came: a probe, a repeated CONNECT. */
  oweAck(): void {
    if (this.#ackNow) return;
    this.#duplicateAcks = Math.min(this.#duplicateAcks + 1, MAX_DUPLICATE_ACKS);
  }

  /** The delayed ack is due. */
  onAckTimeout(now: number): void {
    if (this.#ackAt > now) return;
    this.#ackAt = Infinity;
    this.#ackNow = true;
  }

  /** Whether a duplicate ack is owed; it must leave as an empty segment to count as one. */
  get owesDuplicate(): boolean {
    return this.#duplicateAcks > 0;
  }

  /** Whether an ack should leave before more segments are taken. */
  get isAckUrgent(): boolean {
    return this.#isAckUrgent;
  }

  /** Whether an empty segment should leave now, unless data carries the ack. */
  get owesAck(): boolean {
    return this.#ackNow || this.#windowUpdateDue();
  }

  /** The ack number and window are about to be sent; returns the window field. */
  announce(): number {
    this.#duplicateAcks = this.#duplicateAcks > 0 ? this.#duplicateAcks - 1 : 0;
    this.#ackNow = false;
    this.#isAckUrgent = false;
    this.#ackAt = Infinity;
    this.#unackedSegments = 0;
    const next = this.buffer.next;
    this.#lastAckSent = next;
    const freeEdge = seqAdd(next, this.buffer.freeBytes);
    const advance = seqDiff(freeEdge, this.#announcedEdge);
    const edge = advance >= this.#edgeStep() ? freeEdge : this.#announcedEdge;
    const field = Math.min(Math.max(seqDiff(edge, next), 0) >>> this.#scale, 0xffff);
    this.#announcedEdge = seqAdd(next, field << this.#scale);
    return field;
  }

  /**
   * The window field of our CONNECT.
   *
   * @param scale The scale that the same segment announces.
   */
  announceConnect(scale: number): number {
    this.#lastAckSent = this.buffer.next;
    this.#ackNow = false;
    this.#ackAt = Infinity;
    this.#duplicateAcks = 0;
    const field = Math.min(this.buffer.freeBytes >>> scale, 0xffff);
    this.#connectWindow = field;
    this.#announcedEdge = seqAdd(this.buffer.next, field << this.#scale);
    return field;
  }

  /** The body of a NACK that is due, by the quirk. */
  takeNack(now: number): Uint8Array | undefined {
    const quirk = this.#settings.quirks.nack;
    if (quirk === undefined || this.#nackAt > now) return undefined;
    const end = this.buffer.holeEnd ?? this.#droppedFrom;
    invariant(end !== undefined, "a NACK is due only while something is missing");
    this.#nacks++;
    this.#nackAt = this.#nacks < quirk.limit ? now + quirk.intervalMs : Infinity;
    const next = this.buffer.next;
    const span = Math.min(seqDiff(end, next) - 1, 0xffff);
    return encodeNack({ blocks: [{ sequence: next, reserved: 0, span }], rest: EMPTY });
  }

  /** By the quirk: a first NACK for a new hole now, none for a hole that is filled. */
  #checkHole(now: number): void {
    const next = this.buffer.next;
    if (this.#droppedFrom !== undefined && seqDiff(this.#droppedFrom, next) <= 0) {
      this.#droppedFrom = undefined;
    }
    if (this.buffer.fragments === 0 && this.#droppedFrom === undefined) {
      this.#nackAt = Infinity;
      this.#nackedAt = undefined;
    } else if (next !== this.#nackedAt) {
      this.#nackAt = now;
      this.#nackedAt = next;
      this.#nacks = 0;
    }
  }

  #delayAck(now: number): void {
    const delayMs = this.#settings.quirks.ackDelayMs;
    if (delayMs === 0) this.#ackNow = true;
    else if (this.#ackAt === Infinity) this.#ackAt = now + delayMs;
  }

  /** How far the right edge must move before it is moved at all. */
  #edgeStep(): number {
    if (this.#quirkStep !== undefined) return this.#quirkStep;
    return this.#announcedWindow() < this.#settings.mssBytes ? this.#reopenBytes : 1;
  }

  #announcedWindow(): number {
    return seqDiff(this.#announcedEdge, this.buffer.next);
  }

  /**
   * Whether a freed window must be announced by a segment of its own: only when the peer may be
   * unable to send, since it counts every empty segment as a duplicate ack.
   */
  #windowUpdateDue(): boolean {
    if (this.#announcedWindow() >= this.#settings.mssBytes) return false;
    const freeEdge = seqAdd(this.buffer.next, this.buffer.freeBytes);
    const step = Math.max(this.#edgeStep(), this.#reopenBytes);
    return seqDiff(freeEdge, this.#announcedEdge) >= step;
  }
}
