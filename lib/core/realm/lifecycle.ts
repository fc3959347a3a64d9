/**
 * From BIND to the end of a realm: what the device says of realms, and what becomes of them.
 *
 * @module
 */
import { BindQueue } from "./bind_queue.ts";
import { ClientWatch } from "./client_watch.ts";
import type { MultiplexerStats, MuxEvent } from "./events.ts";
import type { MultiplexerSettings } from "./multiplexer_options.ts";
import { Outbox } from "./outbox.ts";
import type { Realm, RealmCloseReason, RealmId } from "./realm.ts";
import { RealmTable } from "./realm_table.ts";
import type { FrameTransport } from "./transport.ts";

/** Keeps the realms of one connection in step with the device and with their clients. */
export class RealmLifecycle {
  readonly realms: RealmTable;
  readonly binds: BindQueue;
  readonly watch: ClientWatch;
  readonly outbox: Outbox;
  readonly #settings: MultiplexerSettings;
  readonly #stats: MultiplexerStats;
  readonly #emit: (event: MuxEvent) => void;
  readonly #onSent = (realm: Realm, now: number): void => this.#afterFrame(realm, now);
  #full: Realm | undefined;
  #suspect = false;

  /** @param emit Where events go. */
  constructor(
    connection: FrameTransport,
    settings: MultiplexerSettings,
    stats: MultiplexerStats,
    emit: (event: MuxEvent) => void,
  ) {
    this.#settings = settings;
    this.#stats = stats;
    this.#emit = emit;
    this.realms = new RealmTable(
      settings.random,
      settings.maxRealms,
      settings.maxRetiredIds,
      connection.headroomBytes,
    );
    this.binds = new BindQueue(settings.bindSpacingMs, settings.bindTimeoutMs);
    this.watch = new ClientWatch(settings.slowClientMs, settings.halfCloseIdleMs);
    this.outbox = new Outbox(connection, this.binds, settings.unsentLimitBytes);
  }

  /** Whether a realm that is full and alone wants the connection not to be read. */
  get holdsConnection(): boolean {
    return this.#full !== undefined;
  }

  /** Whether a BIND went unanswered since the last one that was answered. */
  get suspect(): boolean {
    return this.#suspect;
  }

  /** A new realm, whose BIND is queued. */
  open(port: number, now: number): Realm {
    const realm = this.realms.create(port);
    this.binds.add(realm);
    this.#stats.realmsOpened++;
    this.#makeWay(now);
    return realm;
  }

  /** The client of a realm has read. */
  clientRead(realm: Realm, now: number): void {
    this.watch.clientRead(realm, now);
    if (realm.incoming.length === 0) {
      realm.readableTold = false;
      if (realm.phase.name === "closed") this.realms.forget(realm);
    }
    // Reading goes on at half of the buffer: a window that opens by a sliver is of no use.
    if (realm === this.#full && realm.incoming.length <= this.#settings.realmBufferBytes / 2) {
      this.#full = undefined;
    }
  }

  /** The client of a realm has reached its end of file. */
  finish(realm: Realm, now: number): void {
    if (realm.phase.name === "closed" || realm.localEnd !== "open") return;
    realm.localEnd = "flushing";
    if (realm.phase.name === "connected" && realm.outgoing.isEmpty) this.#onFlushed(realm, now);
  }

  /** Writes what may leave now into the connection. */
  pump(now: number): void {
    this.outbox.pump(now, this.#onSent);
  }

  /** Runs the timers of realms. */
  handleTimeout(now: number): void {
    for (let r = this.binds.overdue(now); r !== undefined; r = this.binds.overdue(now)) {
      this.#stats.bindTimeouts++;
      this.#suspect = true;
      this.end(r, "bind-timeout", now);
      this.#emit({ type: "suspect" });
    }
    for (let r = this.watch.idle(now); r !== undefined; r = this.watch.idle(now)) {
      this.end(r, "idle", now);
    }
    for (;;) {
      const slow = this.watch.slow(now, this.realms.sharedSince);
      if (slow === undefined) return;
      this.end(slow, "slow-client", now);
    }
  }

  /** DATA came, perhaps for a realm that is closed by now. */
  onData(id: RealmId, data: Uint8Array, now: number): void {
    const realm = this.realms.get(id);
    if (realm?.phase.name !== "connected") {
      this.#stats.discardedBytes += data.length;
      if (!this.realms.isRetired(id)) this.#note(now, "data-discarded", { bytes: data.length });
      return;
    }
    if (data.length === 0) return;
    this.#stats.bytesIn += data.length;
    this.watch.bytesCame(realm, now);
    realm.incoming.push(data);
    if (!realm.readableTold) {
      realm.readableTold = true;
      this.#emit({ type: "realm-readable", realm: id });
    }
    if (realm.incoming.length >= this.#settings.realmBufferBytes) {
      this.#full = realm;
      this.#makeWay(now);
    }
  }

  /** CONN came: the device has connected a realm. Returns whether that had a meaning. */
  onConn(id: RealmId, now: number): boolean {
    this.binds.answered(id);
    const realm = this.realms.get(id);
    if (realm?.phase.name !== "binding") return this.realms.isRetired(id);
    this.binds.remove(realm);
    this.realms.connect(realm, now);
    this.#suspect = false;
    this.#stats.realmsConnected++;
    this.#emit({ type: "realm-connected", realm: id });
    if (!realm.outgoing.isEmpty) this.outbox.add(realm);
    else if (realm.localEnd === "flushing") this.#onFlushed(realm, now);
    return true;
  }

  /** DISC came: a refused BIND, or the end of a realm. Returns whether that had a meaning. */
  onDisc(id: RealmId, now: number): boolean {
    this.binds.answered(id);
    const realm = this.realms.get(id);
    if (realm?.phase.name === "binding") {
      this.#suspect = false;
      this.#stats.realmsRefused++;
      this.retire(realm, "drop", "device");
      this.#emit({ type: "realm-refused", realm: id });
      return true;
    }
    if (realm?.phase.name !== "connected") return this.realms.isRetired(id);
    this.end(realm, "device", now);
    return true;
  }

  /** Ends a realm that its owner did not end, and says so. */
  end(realm: Realm, reason: RealmCloseReason, now: number): void {
    if (reason === "slow-client") this.#stats.slowClients++;
    this.#note(now, "realm-closed", { port: realm.port, reason });
    const endedBy = reason === "device" || reason === "connection" ? "device" : "us";
    this.retire(realm, reason === "slow-client" ? "drop" : "keep", endedBy);
    this.#emit({ type: "realm-closed", realm: realm.id, reason });
  }

  /**
   * Takes a realm out of everything, and forgets it unless bytes are kept for its reader.
   *
   * @param unread What becomes of bytes that wait to be read.
   * @param endedBy Who ended it: the device is told DISC only of what it does not know.
   */
  retire(realm: Realm, unread: "keep" | "drop", endedBy: "us" | "device"): void {
    const { phase } = realm;
    if (phase.name !== "closed") {
      if (endedBy === "us" && phase.name !== "queued") {
        this.outbox.control({ type: "status", realm: realm.id, status: "DISC" });
      }
      this.binds.remove(realm);
      this.watch.remove(realm);
      this.outbox.remove(realm);
      this.realms.retire(realm);
      realm.outgoing.clear();
      if (this.#full === realm) this.#full = undefined;
    }
    if (unread === "drop") realm.incoming.clear();
    if (realm.incoming.length === 0) this.realms.forget(realm);
  }

  /**
   * A full realm must not hold up others: with others live it is ended, so that the connection is
   * read again; alone it keeps the connection unread.
   */
  #makeWay(now: number): void {
    const full = this.#full;
    if (full === undefined || this.realms.liveCount < 2) return;
    if (full.incoming.length < this.#settings.realmBufferBytes) this.#full = undefined;
    else this.end(full, "slow-client", now);
  }

  #afterFrame(realm: Realm, now: number): void {
    const { outgoing } = realm;
    if (realm.writerWaits && outgoing.dataBytes <= this.#settings.realmSendBufferBytes / 2) {
      realm.writerWaits = false;
      this.#emit({ type: "realm-writable", realm: realm.id });
    }
    if (outgoing.isEmpty && realm.localEnd === "flushing") this.#onFlushed(realm, now);
  }

  /** Everything the local client sent before its end of file is in the connection's stream. */
  #onFlushed(realm: Realm, now: number): void {
    realm.localEnd = "flushed";
    if (this.#settings.closeAfterFlushPorts.includes(realm.port)) {
      this.end(realm, "finished", now);
    } else this.watch.flushed(realm, now);
  }

  #note(at: number, name: string, data: Record<string, string | number | boolean>): void {
    this.#settings.trace?.({ at, scope: "realm", name, data });
  }
}
