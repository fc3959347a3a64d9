/**
 * Whether a session still lives: inbound silence, bytes nobody acknowledges, realms that send and
 * never receive. PROTOCOL.md section 9, "liveness" and "sign".
 *
 * @module
 */
import type { Carrier } from "./carrier.ts";
import type { Failure } from "./failure.ts";
import {
  bindsIgnored,
  dataStalled,
  lostInSleep,
  peerSilent,
  relayZombie,
} from "./link_failures.ts";

/** Limits of a session's patience, in ms but for counts. */
export interface LivenessOptions {
  /** Inbound silence after which the direct path is punched again. */
  readonly repunchAfterMs: number;
  /** Interval between re-punches while the silence lasts. */
  readonly repunchIntervalMs: number;
  /** Inbound silence after which the session is lost. */
  readonly deadAfterMs: number;
  /** How long outbound bytes may stay unacknowledged. */
  readonly stalledAfterMs: number;
  /** How long realms may have sent, on a session that never delivered a byte. */
  readonly zombieAfterMs: number;
  /** Inbound silence after waking from sleep; heartbeats make a live device speak every 5 s. */
  readonly awakeAfterMs: number;
  /** BINDs in a row without an answer. */
  readonly maxUnansweredBinds: number;
}

/** The values of PROTOCOL.md section 9. */
export const LIVENESS_DEFAULTS: LivenessOptions = {
  repunchAfterMs: 10_000,
  repunchIntervalMs: 4_000,
  deadAfterMs: 30_000,
  stalledAfterMs: 20_000,
  zombieAfterMs: 12_000,
  awakeAfterMs: 8_000,
  maxUnansweredBinds: 2,
};

/** What the watch found: punch again, or give the session up. */
export type Verdict =
  | { readonly type: "fine" }
  | { readonly type: "repunch" }
  | { readonly type: "dead"; readonly failure: Failure };

const FINE: Verdict = { type: "fine" };

/** Watches one carrier once it is ready. */
export class Liveness {
  readonly #carrier: Carrier;
  readonly #options: LivenessOptions;
  readonly #startedAt: number;
  #repunchedAt = -Infinity;
  #realmBytesOut = 0;
  #lastRealmBytesOutAt = 0;
  #delivered = 0;
  #wokeAt: number | undefined;
  #unansweredBinds = 0;
  #bindsUnansweredSince = 0;

  /** Begins to watch `carrier` at `now`. */
  constructor(carrier: Carrier, options: LivenessOptions, now: number) {
    this.#carrier = carrier;
    this.#options = options;
    this.#startedAt = now;
  }

  /** A realm's bytes were accepted for sending. */
  realmSent(bytes: number, now: number): void {
    this.#realmBytesOut += bytes;
    this.#lastRealmBytesOutAt = now;
  }

  /** A realm's bytes came from the device. */
  realmReceived(): void {
    this.#delivered++;
  }

  /** The machine was asleep until `now`. */
  suspect(now: number): void {
    this.#wokeAt = now;
  }

  /** The device granted or refused a BIND. */
  bindAnswered(): void {
    this.#unansweredBinds = 0;
  }

  /** A BIND was given up at `now`. */
  bindUnanswered(now: number): void {
    if (this.#unansweredBinds++ === 0) this.#bindsUnansweredSince = now;
  }

  /** Judges the session at `now`. */
  judge(now: number): Verdict {
    const { connection, path } = this.#carrier;
    const asleepMs = this.#asleepSince(now);
    if (asleepMs >= this.#options.awakeAfterMs) {
      return { type: "dead", failure: lostInSleep(asleepMs) };
    }
    if (this.#unansweredBinds >= this.#options.maxUnansweredBinds) {
      return {
        type: "dead",
        failure: bindsIgnored(this.#unansweredBinds, now - this.#bindsUnansweredSince, path),
      };
    }
    const silentMs = now - Math.max(connection.lastReceiveAt ?? 0, this.#startedAt);
    if (silentMs >= this.#options.deadAfterMs) {
      return { type: "dead", failure: peerSilent(silentMs) };
    }
    const stalledMs = this.#stalledSince(now);
    if (stalledMs >= this.#options.stalledAfterMs) {
      return {
        type: "dead",
        failure: dataStalled(connection.unacknowledgedBytes, stalledMs),
      };
    }
    const zombieMs = this.#zombieSince(now);
    if (zombieMs >= this.#options.zombieAfterMs) {
      return { type: "dead", failure: relayZombie(this.#realmBytesOut, zombieMs, path) };
    }
    if (
      path === "direct" && silentMs >= this.#options.repunchAfterMs &&
      now - this.#repunchedAt >= this.#options.repunchIntervalMs
    ) {
      this.#repunchedAt = now;
      return { type: "repunch" };
    }
    return FINE;
  }

  /** The instant at which {@linkcode judge} may next say anything but fine. */
  nextAt(now: number): number {
    const { connection, path } = this.#carrier;
    const options = this.#options;
    const silentSince = Math.max(connection.lastReceiveAt ?? 0, this.#startedAt);
    let at = silentSince + options.deadAfterMs;
    if (this.#unansweredBinds >= options.maxUnansweredBinds) return now;
    const asleepMs = this.#asleepSince(now);
    if (asleepMs >= 0) at = Math.min(at, now - asleepMs + options.awakeAfterMs);
    if (path === "direct") {
      const repunchAt = Math.max(
        silentSince + options.repunchAfterMs,
        this.#repunchedAt + options.repunchIntervalMs,
      );
      at = Math.min(at, repunchAt);
    }
    const stalledMs = this.#stalledSince(now);
    if (stalledMs >= 0) at = Math.min(at, now - stalledMs + options.stalledAfterMs);
    const zombieMs = this.#zombieSince(now);
    if (zombieMs >= 0) at = Math.min(at, now - zombieMs + options.zombieAfterMs);
    return at;
  }

  /** How long ago the machine woke up, while the device has said nothing since, or -1. */
  #asleepSince(now: number): number {
    if (this.#wokeAt === undefined) return -1;
    if ((this.#carrier.connection.lastReceiveAt ?? 0) > this.#wokeAt) this.#wokeAt = undefined;
    return this.#wokeAt === undefined ? -1 : now - this.#wokeAt;
  }

  /** How long the oldest byte in flight has waited, or -1 when nothing is in flight. */
  #stalledSince(now: number): number {
    const { oldestUnackedAt, lastProgressAt } = this.#carrier.connection;
    if (oldestUnackedAt === undefined) return -1;
    // Progress is what counts: a long queue behind a slow line is no stall.
    return now - Math.max(oldestUnackedAt, lastProgressAt);
  }

  /**
   * How long ago the realms last sent anything, on a session that has never delivered a byte, or -1.
   * Counted from the last byte, so that a long upload is no zombie.
   */
  #zombieSince(now: number): number {
    if (this.#delivered > 0 || this.#realmBytesOut === 0) return -1;
    return now - this.#lastRealmBytesOutAt;
  }
}
