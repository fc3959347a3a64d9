/**
 * BINDs one after the other: the next one leaves when the one before is answered, or has had its
 * time.
 *
 * Source: PROTOCOL.md section 2.7 and section 9, "realms".
 *
 * @module
 */
import { invariant } from "../errors.ts";
import type { Realm, RealmId } from "./realm.ts";

/** Realms from their creation until their BIND is answered. */
export class BindQueue {
  readonly #spacingMs: number;
  readonly #timeoutMs: number;
  /** Their BIND has not left. */
  readonly #queued: Realm[] = [];
  /** Their BIND is not answered; oldest first. */
  readonly #waiting = new Set<Realm>();
  /** The BIND that holds up the next one. */
  #last: { readonly realm: RealmId; readonly sentAt: number } | undefined;
  #spacingAt = Infinity;

  /**
   * @param spacingMs How long an unanswered BIND holds up the next one.
   * @param timeoutMs How long a BIND may stay unanswered.
   */
  constructor(spacingMs: number, timeoutMs: number) {
    this.#spacingMs = spacingMs;
    this.#timeoutMs = timeoutMs;
  }

  /** When a BIND that is held up may leave; `Infinity` when none is. */
  get spacingAt(): number {
    return this.#spacingAt;
  }

  /** When the oldest unanswered BIND has waited too long; `Infinity` when none is unanswered. */
  get timeoutAt(): number {
    for (const { phase } of this.#waiting) {
      invariant(phase.name === "binding", "a realm that waits for its CONN is binding");
      return phase.sentAt + this.#timeoutMs;
    }
    return Infinity;
  }

  /** Appends a new realm. */
  add(realm: Realm): void {
    this.#queued.push(realm);
  }

  /** The realm whose BIND may leave now, or nothing. */
  next(now: number): Realm | undefined {
    this.#spacingAt = Infinity;
    const realm = this.#queued[0];
    if (realm === undefined || this.#last === undefined) return realm;
    const at = this.#last.sentAt + this.#spacingMs;
    if (now >= at) return realm;
    this.#spacingAt = at;
    return undefined;
  }

  /** The BIND of the realm that was next has left. */
  sent(now: number): void {
    const realm = this.#queued.shift();
    invariant(realm !== undefined, "only a queued BIND is sent");
    realm.phase = { name: "binding", sentAt: now };
    this.#waiting.add(realm);
    this.#last = { realm: realm.id, sentAt: now };
  }

  /** The device has answered a BIND, perhaps one whose realm is closed by now. */
  answered(id: RealmId): void {
    if (this.#last?.realm === id) this.#last = undefined;
  }

  /** The realm whose BIND has waited too long at `now`, or nothing; it stays until it is removed. */
  overdue(now: number): Realm | undefined {
    if (now < this.timeoutAt) return undefined;
    for (const realm of this.#waiting) return realm;
    return undefined;
  }

  /** Takes a realm out; no effect when it is not in. */
  remove(realm: Realm): void {
    if (this.#waiting.delete(realm)) return;
    const index = this.#queued.indexOf(realm);
    if (index >= 0) this.#queued.splice(index, 1);
    if (this.#queued.length === 0) this.#spacingAt = Infinity;
  }
}
