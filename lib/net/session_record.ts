/**
 * What is remembered about the sessions of one device, and what there is to say about them.
 *
 * @module
 */
import type { PathKind } from "../core/carrier.ts";
import type { Failure, Reason } from "../core/failure.ts";
import { emptyStats } from "../core/ptcp/stats.ts";
import type { Supervisor, SupervisorState } from "../core/supervisor.ts";
import { monotonicNow } from "./clock.ts";
import type { Session } from "./session.ts";

/** What there is to know at one instant. */
export interface SupervisedStatus {
  /** Where it stands. */
  readonly state: "connecting" | "up" | "waiting" | "ended";
  /** Last phase passed, while connecting. */
  readonly phase?: string | undefined;
  /** How the bytes travel, while it is up. */
  readonly path?: PathKind | undefined;
  /** Smoothed round trip to the device. */
  readonly roundTripMs?: number | undefined;
  /** What the present session took to make. */
  readonly handshakeMs?: number | undefined;
  /** How long the present session is ready. */
  readonly upMs?: number | undefined;
  /** Until the next attempt, while waiting. */
  readonly retryInMs?: number | undefined;
  /** The last thing that went wrong. */
  readonly failure?: Failure | undefined;
  /** Sessions that were ready so far. */
  readonly sessions: number;
  /** Attempts that failed in a row. */
  readonly failures: number;
  /** Sessions lost, by reason. */
  readonly lostBy: Readonly<Partial<Record<Reason, number>>>;
  /** Attempts that failed, by reason. */
  readonly failedBy: Readonly<Partial<Record<Reason, number>>>;
  /** From the device, over all sessions. */
  readonly bytesIn: number;
  /** To the device, over all sessions. */
  readonly bytesOut: number;
  /** Segments sent again, over all sessions. */
  readonly retransmits: number;
  /** Firmware version the device told, once known. */
  readonly version?: string | undefined;
  /** Unix time in ms at which a session was last ready. */
  readonly lastReadyAt?: number | undefined;
}

const STATE_WORD: Readonly<Record<SupervisorState, SupervisedStatus["state"]>> = {
  idle: "connecting",
  attempting: "connecting",
  up: "up",
  waiting: "waiting",
  ended: "ended",
};

/** Keeps count over the life of one supervised session. */
export class SessionRecord {
  readonly #lostBy: Partial<Record<Reason, number>> = {};
  readonly #failedBy: Partial<Record<Reason, number>> = {};
  readonly #past = { bytesIn: 0, bytesOut: 0, retransmits: 0 };
  #handshakeMs = 0;
  #readyAt = 0;
  #lastReadyUnixMs: number | undefined;
  #failure: Failure | undefined;
  /** Last phase the handshake under way has passed. */
  phase: string | undefined;
  /** Firmware version the device told. */
  version: string | undefined;

  /** The last thing that went wrong. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** A session is ready. */
  ready(handshakeMs: number): void {
    this.#readyAt = monotonicNow();
    this.#lastReadyUnixMs = Date.now();
    this.#handshakeMs = handshakeMs;
  }

  /** An attempt gave no session. */
  failed(failure: Failure): void {
    this.#failure = failure;
    count(this.#failedBy, failure.reason);
  }

  /** A session is over: lost with a failure, or ended cleanly. */
  over(session: Session, failure: Failure | undefined): void {
    const { bytesIn, bytesOut, retransmits } = session.stats;
    this.#past.bytesIn += bytesIn;
    this.#past.bytesOut += bytesOut;
    this.#past.retransmits += retransmits;
    if (!failure) return;
    this.#failure = failure;
    count(this.#lostBy, failure.reason);
  }

  /** All there is to say now; `session` is the one that carries data, if any. */
  status(supervisor: Supervisor, session: Session | undefined): SupervisedStatus {
    const now = monotonicNow();
    const { retryAt, sessions, failures } = supervisor;
    const stats = session?.stats ?? emptyStats();
    const state = STATE_WORD[supervisor.state];
    return {
      state,
      phase: state === "connecting" ? this.phase : undefined,
      path: session?.path,
      roundTripMs: session?.roundTripMs,
      handshakeMs: session && this.#handshakeMs,
      upMs: session && now - this.#readyAt,
      retryInMs: retryAt === undefined ? undefined : Math.max(0, retryAt - now),
      failure: this.#failure,
      sessions,
      failures,
      lostBy: { ...this.#lostBy },
      failedBy: { ...this.#failedBy },
      bytesIn: this.#past.bytesIn + stats.bytesIn,
      bytesOut: this.#past.bytesOut + stats.bytesOut,
      retransmits: this.#past.retransmits + stats.retransmits,
      version: this.version,
      lastReadyAt: this.#lastReadyUnixMs,
    };
  }
}

function count(counts: Partial<Record<Reason, number>>, reason: Reason): void {
  counts[reason] = (counts[reason] ?? 0) + 1;
}
