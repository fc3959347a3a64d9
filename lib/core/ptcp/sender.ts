/**
 * The sending half of a connection: what may be sent now, what is resent, and when a loss is
 * certain enough.
 *
 * ```text
 *            3 duplicate acks            timeout, NACK
 *   normal ──────────────────► recovery ──────────────► loss
 *     ▲  ▲                        │                      │
 *     │  └──── ack of all that was in flight, or ────────┘
 *     └─────── an echo that shows it was needless
 * ```
 *
 * In `recovery` (NewReno) every partial ack resends the next hole. In `loss` a timeout resends the
 * oldest segment only. An ack that ends exactly where the resends ended shows that the peer lacks
 * what follows too: more is resent as the window opens. An ack that jumps further shows that it
 * kept what came after the hole: the next hole alone is resent.
 *
 * Source: PROTOCOL.md sections 9 (NACK) and 10; RFC 5681, RFC 6582, RFC 6298, RFC 3522.
 *
 * @module
 */
import { CongestionWindow } from "./congestion.ts";
import type { PtcpSettings } from "./options.ts";
import { ResendCursor } from "./resend_cursor.ts";
import { RttEstimator } from "./rtt.ts";
import { FLAG_CTL } from "./segment.ts";
import { type Outgoing, payloadBytes, SendBuffer } from "./send_buffer.ts";
import { seqAdd, seqDiff, timestampDiff } from "./sequence.ts";
import type { PtcpStats } from "./stats.ts";

/** Duplicate acks that prove a loss. */
const DUPLICATE_ACKS = 3;
/** NACKs for one hole are answered at most this often, or once a round trip if that is longer. */
const NACK_INTERVAL_MS = 100;
/** Upper bound of the wait for the answer to a CONNECT, the reference's. */
const MAX_CONNECT_RTO_MS = 3000;

type Phase = "normal" | "recovery" | "loss";

/** What became of the ack field of a segment. */
export type AckOutcome = "advanced" | "unchanged" | "old" | "beyond";

/** Decides what to send; the connection builds headers and owns the clock. All sizes in bytes. */
export class Sender {
  /** What was written and not acknowledged. */
  readonly buffer: SendBuffer;
  /** Round trip and retransmission timeout. */
  readonly rtt: RttEstimator;
  /** What the network takes. */
  readonly congestion: CongestionWindow;
  readonly #settings: PtcpSettings;
  readonly #stats: PtcpStats;
  readonly #resend: ResendCursor;
  #established = false;
  #unacknowledged: number;
  #next: number;
  #nextOrdinal = 0;
  #peerWindow = 0;
  #windowTimestamp = 0;
  #duplicateAcks = 0;
  #phase: Phase = "normal";
  /** Highest sequence sent when the phase began. */
  #recover: number;
  #timeouts = 0;
  #retransmitAt = Infinity;
  #connectRtoMs: number;
  #nackResendAt = -Infinity;
  /** Whether the last recovery was needless: what comes late on this path is not lost. */
  #reorders = false;
  #lastSendAt = -Infinity;
  #lastProgressAt = 0;

  /**
   * A sender that has sent nothing.
   *
   * @param settings Those of the connection.
   * @param stats Its counters.
   */
  constructor(settings: PtcpSettings, stats: PtcpStats) {
    this.#settings = settings;
    this.#stats = stats;
    this.buffer = new SendBuffer(settings.sendBufferBytes, settings.initialSequence);
    this.#resend = new ResendCursor(this.buffer);
    this.rtt = new RttEstimator(settings.quirks.minRtoMs, settings.maxRtoMs);
    this.congestion = new CongestionWindow(settings.mssBytes, settings.sendBufferBytes);
    this.#unacknowledged = settings.initialSequence;
    this.#next = settings.initialSequence;
    this.#recover = settings.initialSequence;
    this.#connectRtoMs = settings.connectRtoMs;
  }

  /** Sequence number of the oldest byte in flight. */
  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  /** Sequence number of the next byte never sent. */
  get next(): number {
    return this.#next;
  }

  /** Bytes sent and not acknowledged. */
  get flight(): number {
    return seqDiff(this.#next, this.#unacknowledged);
  }

  /** Bytes the peer takes beyond those it acknowledged. */
  get peerWindow(): number {
    return this.#peerWindow;
  }

  /** When the retransmission timer is due, or `Infinity`. */
  get retransmitAt(): number {
    return this.#retransmitAt;
  }

  /** When data in flight last became less, or first became any. */
  get lastProgressAt(): number {
    return this.#lastProgressAt;
  }

  /** When the oldest byte in flight was first sent, if there is one. */
  get oldestUnackedAt(): number | undefined {
    const head = this.buffer.get(this.buffer.headOrdinal);
    return head !== undefined && head.sends > 0 ? head.firstSentAt : undefined;
  }

  /** Data may leave from now on; the CONNECT's timeouts are over. */
  establish(now: number): void {
    this.#established = true;
    this.#timeouts = 0;
    if (this.#retransmitAt !== Infinity) this.#retransmitAt = now + this.rtt.rtoMs;
  }

  /** The peer's window, shifted, from its CONNECT. */
  setPeerWindow(bytes: number): void {
    this.#peerWindow = bytes;
  }

  /** The peer is alive while its window is zero: resends that it refuses prove nothing. */
  noteAlive(now: number): void {
    this.#timeouts = 0;
    this.#lastProgressAt = now;
  }

  /**
   * Takes the ack and window of a segment.
   *
   * @param ack Its acknowledgement number.
   * @param window Its window, shifted.
   * @param kind `pure` when it could be a duplicate ack: it is empty and no probe.
   * @param timestamp Its timestamp: an older segment does not shrink the window.
   * @param echo The timestamp it echoes, 0 = none.
   * @param rttMs Age of that echo, or nothing when it is no sample.
   */
  acknowledge(
    ack: number,
    window: number,
    kind: "pure" | "other",
    timestamp: number,
    echo: number,
    rttMs: number | undefined,
    now: number,
  ): AckOutcome {
    const acked = seqDiff(ack, this.#unacknowledged);
    if (acked < 0) return "old";
    const flight = this.flight;
    if (acked > flight) return "beyond";
    if (acked > 0) {
      this.#peerWindow = window;
      this.#windowTimestamp = timestamp;
      this.#advance(ack, acked, flight, echo, rttMs, now);
      return "advanced";
    }
    if (kind === "pure" && flight > 0 && window === this.#peerWindow) {
      this.#onDuplicateAck(flight, now);
    } else if (window > this.#peerWindow || timestampDiff(timestamp, this.#windowTimestamp) >= 0) {
      this.#peerWindow = window;
      this.#windowTimestamp = timestamp;
    }
    return "unchanged";
  }

  /**
   * A NACK: the oldest segment is missing.
   *
   * @param ack Its acknowledgement number, where the hole begins.
   * @returns Whether it is resent.
   */
  onNack(ack: number, now: number): boolean {
    const flight = this.flight;
    if (flight === 0 || (now < this.#nackResendAt && !this.#isNewHole(ack))) return false;
    this.#nackResendAt = now + Math.max(NACK_INTERVAL_MS, this.rtt.smoothedMs ?? 0);
    this.#stats.nackRetransmits++;
    if (this.#phase === "normal") this.congestion.onNack(flight);
    this.#beginLoss("everything");
    this.#retransmitAt = now + this.rtt.rtoMs;
    return true;
  }

  /**
   * Whether a hole begins at `ack` that nothing was resent into, so that each is that only once.
   * While one loss is repaired the next hole of the same flight needs no NACK, and a NACK from
   * before the last ack speaks of a hole that is filled.
   */
  #isNewHole(ack: number): boolean {
    return this.#phase === "normal" && !this.#reorders && ack === this.#unacknowledged;
  }

  /**
   * Runs the retransmission timer.
   *
   * @returns `exhausted` when the segment was resent too often already.
   */
  onTimeout(now: number): "none" | "resend" | "exhausted" {
    if (this.#retransmitAt > now) return "none";
    const flight = this.flight;
    if (flight === 0) {
      this.#retransmitAt = Infinity;
      return "none";
    }
    const { resendLimit, connectResendLimit } = this.#settings;
    if (this.#timeouts >= (this.#established ? resendLimit : connectResendLimit)) {
      return "exhausted";
    }
    this.#timeouts++;
    this.#stats.timeouts++;
    if (this.#established) {
      this.congestion.onTimeout(flight, this.#timeouts === 1 ? "first" : "repeated");
      this.rtt.backOff();
      this.#retransmitAt = now + this.rtt.rtoMs;
    } else {
      this.#connectRtoMs = Math.min(2 * this.#connectRtoMs, MAX_CONNECT_RTO_MS);
      this.#retransmitAt = now + this.#connectRtoMs;
    }
    this.#beginLoss("oldest");
    return "resend";
  }

  /** The CONNECT is asked for again. */
  resendConnect(): void {
    if (!this.#established && this.flight > 0) this.#resend.head();
  }

  /**
   * The segment to send now, marked as sent, or nothing.
   *
   * @param timestamp The one it will carry.
   */
  take(now: number, timestamp: number): Outgoing | undefined {
    const entry = this.#takeResend(timestamp) ?? this.#takeNew(now);
    if (entry === undefined) return undefined;
    entry.timestamp = timestamp;
    this.#lastSendAt = now;
    if (this.#retransmitAt === Infinity) {
      this.#retransmitAt = now + (this.#established ? this.rtt.rtoMs : this.#connectRtoMs);
    }
    return entry;
  }

  #takeResend(timestamp: number): Outgoing | undefined {
    const end = this.#established ? this.#recover : this.#next;
    const entry = this.#resend.take(end, this.congestion.bytes, timestamp);
    if (entry === undefined) return undefined;
    this.#stats.retransmits++;
    if (entry.flags === 0) this.#stats.retransmittedBytes += payloadBytes(entry);
    return entry;
  }

  #takeNew(now: number): Outgoing | undefined {
    const entry = this.buffer.get(this.#nextOrdinal);
    if (entry === undefined) return undefined;
    if (!this.#established && entry.flags !== FLAG_CTL) return undefined;
    const flight = this.flight;
    if (entry.flags === 0 && !this.#fits(entry, flight, now)) return undefined;
    const length = payloadBytes(entry);
    if (flight === 0) this.#lastProgressAt = now;
    this.#nextOrdinal++;
    this.#next = seqAdd(this.#next, length);
    entry.sends = 1;
    entry.firstSentAt = now;
    if (entry.flags === 0) this.#stats.bytesOut += length;
    return entry;
  }

  /** Whether a new segment may leave; cuts it when the peer's window is what is short. */
  #fits(entry: Outgoing, flight: number, now: number): boolean {
    if (flight === 0) {
      if (now - this.#lastSendAt > this.rtt.rtoMs) this.congestion.restart();
    } else {
      const limited = this.#phase === "normal" ? Math.min(this.#duplicateAcks, 2) : 0;
      const allowed = this.congestion.bytes + limited * this.#settings.mssBytes;
      if (flight + payloadBytes(entry) > allowed) return false;
    }
    const usable = this.#peerWindow - flight;
    if (payloadBytes(entry) <= usable) return true;
    if (usable <= 0 || 4 * usable < this.#peerWindow) return false;
    this.buffer.split(this.#nextOrdinal, usable);
    return true;
  }

  #advance(
    ack: number,
    acked: number,
    flight: number,
    echo: number,
    rttMs: number | undefined,
    now: number,
  ): void {
    const sample = this.#isAmbiguous(echo) ? undefined : rttMs;
    const resentTo = this.#resend.position(this.#next);
    this.#unacknowledged = ack;
    this.buffer.acknowledge(ack);
    this.#resend.catchUp();
    if (sample !== undefined) this.rtt.sample(sample);
    this.#timeouts = 0;
    this.#lastProgressAt = now;
    const left = flight - acked;
    this.#retransmitAt = left === 0
      ? Infinity
      : now + (this.#established ? this.rtt.rtoMs : this.#connectRtoMs);
    if (this.#phase === "normal") {
      this.congestion.onAck(acked, flight);
    } else if (this.#resend.wasNeedless(echo)) {
      this.#stats.spuriousRecoveries++;
      this.#reorders = true;
      this.congestion.undo();
      this.#beNormal();
    } else if (seqDiff(ack, this.#recover) >= 0) {
      if (this.#phase === "recovery") this.congestion.exitRecovery(left);
      else this.congestion.onAck(acked, flight);
      this.congestion.settle();
      this.#reorders = false;
      this.#beNormal();
    } else {
      this.#onPartialAck(ack, acked, flight, resentTo);
    }
    this.#duplicateAcks = 0;
  }

  /**
   * Karn's rule: the echo is older than the resend of what is acknowledged. Either the first ack
   * was lost, and its age says nothing, or the path is slow, and the backed-off timeout stays.
   */
  #isAmbiguous(echo: number): boolean {
    const head = this.buffer.get(this.buffer.headOrdinal);
    return head !== undefined && head.sends > 1 && timestampDiff(echo, head.timestamp) < 0;
  }

  #onPartialAck(ack: number, acked: number, flight: number, resentTo: number): void {
    if (this.#phase === "recovery") {
      this.congestion.onPartialAck(acked);
      this.#resend.head();
      return;
    }
    this.congestion.onAck(acked, flight);
    const beyond = seqDiff(ack, resentTo);
    if (beyond > 0) {
      this.#resend.onwards = false;
      this.#resend.head();
    } else if (beyond === 0) this.#resend.onwards = true;
  }

  #onDuplicateAck(flight: number, now: number): void {
    this.#stats.duplicateAcksIn++;
    if (this.#phase === "recovery") {
      this.congestion.inflate();
      return;
    }
    this.#duplicateAcks++;
    if (this.#phase !== "normal" || this.#duplicateAcks !== DUPLICATE_ACKS) return;
    this.#stats.fastRetransmits++;
    this.#phase = "recovery";
    this.#recover = this.#next;
    this.#resend.arm();
    this.congestion.enterRecovery(flight);
    this.#resend.head();
    this.#retransmitAt = now + this.rtt.rtoMs;
  }

  #beginLoss(missing: "everything" | "oldest"): void {
    // Only the first resend of a loss tells whether it was needless.
    if (this.#phase === "normal") this.#resend.arm();
    this.#phase = "loss";
    this.#recover = this.#next;
    this.#duplicateAcks = 0;
    this.#resend.onwards = missing === "everything" && this.#established;
    this.#resend.head();
  }

  #beNormal(): void {
    this.#phase = "normal";
    this.#resend.stop();
  }
}
