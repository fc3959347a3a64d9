/**
 * The realms of a connection by id, and the ids that are used up.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import type { Random } from "../types.ts";
import { Realm, type RealmId } from "./realm.ts";

/** Live realms, closed ones from which bytes can still be read, and ids of those before them. */
export class RealmTable {
  readonly #random: Random;
  readonly #maxRealms: number;
  readonly #maxRetiredIds: number;
  readonly #headroomBytes: number;
  readonly #realms = new Map<RealmId, Realm>();
  /** Oldest first. */
  readonly #retired = new Set<RealmId>();
  #liveCount = 0;
  #connectedCount = 0;
  #sharedSince = Infinity;

  /**
   * @param random Where ids come from.
   * @param maxRealms Most realms held.
   * @param maxRetiredIds Most ids of closed realms remembered; the oldest is forgotten first.
   * @param headroomBytes Free bytes before each outgoing frame.
   */
  constructor(
    random: Random,
    maxRealms: number,
    maxRetiredIds: number,
    headroomBytes: number,
  ) {
    this.#random = random;
    this.#maxRealms = maxRealms;
    this.#maxRetiredIds = maxRetiredIds;
    this.#headroomBytes = headroomBytes;
  }

  /** Realms held, closed ones with unread bytes included. */
  get size(): number {
    return this.#realms.size;
  }

  /** Realms that are opening or connected. */
  get liveCount(): number {
    return this.#liveCount;
  }

  /** Since when more than one realm is connected; `Infinity` while none or one is. */
  get sharedSince(): number {
    return this.#sharedSince;
  }

  /** The realm of an id, if it is held. */
  get(id: RealmId): Realm | undefined {
    return this.#realms.get(id);
  }

  /** Every realm held; the array is the caller's. */
  all(): Realm[] {
    return [...this.#realms.values()];
  }

  /** Whether the id belonged to a realm that was closed not long ago. */
  isRetired(id: RealmId): boolean {
    return this.#retired.has(id);
  }

  /**
   * A new realm with a random id that no held realm has, and none that the device may still use.
   *
   * @throws {StateError} When there are as many realms as there may be.
   */
  create(port: number): Realm {
    if (this.#realms.size >= this.#maxRealms) {
      throw new StateError(`there are ${this.#maxRealms} realms already`);
    }
    let id = this.#random.uint32();
    // A run of collisions is no longer than the ids there are.
    while (id === 0 || this.#realms.has(id) || this.#retired.has(id)) id = (id + 1) >>> 0;
    const realm = new Realm(id, port, this.#headroomBytes);
    this.#realms.set(id, realm);
    this.#liveCount++;
    return realm;
  }

  /** The device has connected a realm whose BIND was sent. */
  connect(realm: Realm, now: number): void {
    realm.phase = { name: "connected" };
    this.#connectedCount++;
    if (this.#connectedCount === 2) this.#sharedSince = now;
  }

  /** A live realm ends; it is held on until {@linkcode forget}. */
  retire(realm: Realm): void {
    if (realm.phase.name === "connected" && --this.#connectedCount === 1) {
      this.#sharedSince = Infinity;
    }
    realm.phase = { name: "closed" };
    this.#liveCount--;
    this.#retired.add(realm.id);
    if (this.#retired.size > this.#maxRetiredIds) {
      for (const oldest of this.#retired) {
        this.#retired.delete(oldest);
        break;
      }
    }
  }

  /** Lets a closed realm go. */
  forget(realm: Realm): void {
    this.#realms.delete(realm.id);
  }
}
