/**
 * Realms that sent and never received, on a session that has not delivered a byte: the evidence that
 * it is a zombie. PROTOCOL.md section 9, "sign".
 *
 * @module
 */
import type { RealmId } from "./realm/multiplexer.ts";

/** What a client that left must have waited for its silence to count: any answer comes sooner. */
const EVIDENCE_MS = 2_000;

/**
 * Says since when realms have waited in vain. Counted from the last byte of each, so that a long
 * upload is no zombie; kept when a client gives up and comes again, as players do; forgotten when a
 * client left before an answer could come.
 */
export class MuteRealms {
  /** Open realms and when they last sent, the one that has waited longest first. */
  readonly #lastSentAt = new Map<RealmId, number>();
  #endedSince: number | undefined;

  /** Since when the one that has waited longest waits. */
  get since(): number | undefined {
    for (const at of this.#lastSentAt.values()) {
      return this.#endedSince === undefined ? at : Math.min(at, this.#endedSince);
    }
    return this.#endedSince;
  }

  /** A realm has sent. */
  sent(realm: RealmId, now: number): void {
    this.#lastSentAt.delete(realm);
    this.#lastSentAt.set(realm, now);
  }

  /** A realm has ended. */
  ended(realm: RealmId, now: number): void {
    const at = this.#lastSentAt.get(realm);
    if (at === undefined) return;
    this.#lastSentAt.delete(realm);
    if (now - at >= EVIDENCE_MS) this.#endedSince = Math.min(at, this.#endedSince ?? at);
  }
}
