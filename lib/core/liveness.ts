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
import { MuteRealms } from "./mute_realms.ts";
import type { RealmId } from "./realm/multiplexer.ts";

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
  readonly #muteRealms = new MuteRealms();
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
  realmSent(realm: RealmId, bytes: number, now: number): void {
    this.#realmBytesOut += bytes;
    if (this.#delivered === 0) this.#muteRealms.sent(realm, now);
  }

  /** A realm's bytes came from the device. */
  realmReceived(): void {
    this.#delivered++;
  }

  /** A realm has ended, whoever ended it. */
  realmEnded(realm: RealmId, now: number): void {
    this.#muteRealms.ended(realm, now);
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
    if (now >= this.#awakeAt()) {
      return { type: "dead", failure: lostInSleep(now - this.#wokeAt!) };
    }
    if (this.#unansweredBinds >= this.#options.maxUnansweredBinds) {
      return {
        type: "dead",
        failure: bindsIgnored(this.#unansweredBinds, now - this.#bindsUnansweredSince, path),
      };
    }
    if (now >= this.#deadAt()) {
      return { type: "dead", failure: peerSilent(now - this.#silentSince()) };
    }
    if (now >= this.#stalledAt()) {
      const stalledMs = now - this.#stalledSince()!;
      return { type: "dead", failure: dataStalled(connection.unacknowledgedBytes, stalledMs) };
    }
    if (now >= this.#zombieAt()) {
      const silentMs = now - this.#muteRealms.since!;
      return { type: "dead", failure: relayZombie(this.#realmBytesOut, silentMs, path) };
    }
    if (now >= this.#repunchAt()) {
      this.#repunchedAt = now;
      return { type: "repunch" };
    }
    return FINE;
  }

  /** The instant at which {@linkcode judge} may next say anything but fine. */
  nextAt(now: number): number {
    if (this.#unansweredBinds >= this.#options.maxUnansweredBinds) return now;
    return Math.min(
      this.#awakeAt(),
      this.#deadAt(),
      this.#stalledAt(),
      this.#zombieAt(),
      this.#repunchAt(),
    );
  }

  // Instants, never differences, are compared: sums of fractions of a millisecond round otherwise,
  // and a deadline that `judge` finds not yet due would be set again and again.

  #silentSince(): number {
    return Math.max(this.#carrier.connection.lastReceiveAt ?? 0, this.#startedAt);
  }

  /**
   * Whether silence means anything. Over TCP nobody acknowledges our heartbeats: only a peer that
   * sends its own is expected to go on doing so.
   */
  get #isPeerExpected(): boolean {
    const { path, realms } = this.#carrier;
    return path !== "tcp-relay" || realms.stats.heartbeatsIn > 0;
  }

  #deadAt(): number {
    if (!this.#isPeerExpected) return Infinity;
    return this.#silentSince() + this.#options.deadAfterMs;
  }

  #repunchAt(): number {
    if (this.#carrier.path !== "direct") return Infinity;
    return Math.max(
      this.#silentSince() + this.#options.repunchAfterMs,
      this.#repunchedAt + this.#options.repunchIntervalMs,
    );
  }

  /** After waking, while the device has said nothing since. */
  #awakeAt(): number {
    if (this.#wokeAt === undefined || !this.#isPeerExpected) return Infinity;
    if ((this.#carrier.connection.lastReceiveAt ?? 0) > this.#wokeAt) this.#wokeAt = undefined;
    return this.#wokeAt === undefined ? Infinity : this.#wokeAt + this.#options.awakeAfterMs;
  }

  /** Since when the oldest byte in flight has waited, if one is. */
  #stalledSince(): number | undefined {
    const { oldestUnackedAt, lastProgressAt } = this.#carrier.connection;
    // Progress is what counts: a long queue behind a slow line is no stall.
    return oldestUnackedAt === undefined ? undefined : Math.max(oldestUnackedAt, lastProgressAt);
  }

  #stalledAt(): number {
    const since = this.#stalledSince();
    return since === undefined ? Infinity : since + this.#options.stalledAfterMs;
  }

  #zombieAt(): number {
    const { since } = this.#muteRealms;
    if (this.#delivered > 0 || since === undefined) return Infinity;
    return since + this.#options.zombieAfterMs;
  }
}
