/**
 * Clients that keep a realm without using it: those that do not read, and those that have said all
 * they had to say.
 *
 * Source: PROTOCOL.md section 9, "slow clients" and "local end of file".
 *
 * @module
 */
import type { Deadline } from "../types.ts";
import type { Realm } from "./realm.ts";

/** Watches connected realms. */
export class ClientWatch {
  readonly #slowClientMs: number;
  readonly #halfCloseIdleMs: number;
  /** Bytes wait for their client. */
  readonly #unread = new Set<Realm>();
  /** Their local end of file was passed on. */
  readonly #flushed = new Set<Realm>();

  /**
   * @param slowClientMs How long a client may read nothing while others use the connection.
   * @param halfCloseIdleMs How long no byte may pass after a local end of file.
   */
  constructor(slowClientMs: number, halfCloseIdleMs: number) {
    this.#slowClientMs = slowClientMs;
    this.#halfCloseIdleMs = halfCloseIdleMs;
  }

  /** Bytes came for a realm. */
  bytesCame(realm: Realm, now: number): void {
    if (realm.incoming.length === 0) {
      realm.unreadSince = now;
      this.#unread.add(realm);
    }
    realm.lastByteAt = now;
  }

  /** A client has read; perhaps all there was. */
  clientRead(realm: Realm, now: number): void {
    realm.unreadSince = now;
    realm.lastByteAt = now;
    if (realm.incoming.length === 0) this.#unread.delete(realm);
  }

  /** All that a client wrote before its end of file has been sent. */
  flushed(realm: Realm, now: number): void {
    realm.lastByteAt = now;
    this.#flushed.add(realm);
  }

  /** Watches a realm no longer. */
  remove(realm: Realm): void {
    this.#unread.delete(realm);
    this.#flushed.delete(realm);
  }

  /** A realm over which no byte has passed for too long since its local end of file. */
  idle(now: number): Realm | undefined {
    for (const realm of this.#flushed) {
      if (now >= realm.lastByteAt + this.#halfCloseIdleMs) return realm;
    }
    return undefined;
  }

  /**
   * A realm whose client has read nothing for too long.
   *
   * @param sharedSince Since when others are connected: waiting before that does not count.
   */
  slow(now: number, sharedSince: number): Realm | undefined {
    for (const realm of this.#unread) if (now >= this.#slowAt(realm, sharedSince)) return realm;
    return undefined;
  }

  /** When the next of these realms has had its time. */
  earliest(sharedSince: number): Deadline | undefined {
    let at = Infinity;
    let reason = "";
    for (const realm of this.#flushed) {
      const idleAt = realm.lastByteAt + this.#halfCloseIdleMs;
      if (idleAt < at) [at, reason] = [idleAt, "half-close-idle"];
    }
    if (sharedSince !== Infinity) {
      for (const realm of this.#unread) {
        const slowAt = this.#slowAt(realm, sharedSince);
        if (slowAt < at) [at, reason] = [slowAt, "slow-client"];
      }
    }
    return at === Infinity ? undefined : { at, reason };
  }

  #slowAt(realm: Realm, sharedSince: number): number {
    return Math.max(realm.unreadSince, sharedSince) + this.#slowClientMs;
  }
}
