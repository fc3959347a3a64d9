/**
 * The realms of one connection: BIND, CONN and DISC, bytes both ways with backpressure, heartbeats
 * and the sign.
 *
 * Outbound, the order is decided in the {@linkcode Outbox}. Inbound, everything the connection has
 * is read and handed to the realms, unless a realm that is alone on the connection is full: then
 * reading stops, the window closes, and the device waits.
 *
 * Timers, each of them a deadline:
 * - `bind-spacing`: the BIND before the next one is not answered, but had its time.
 * - `bind-timeout`: a BIND was not answered at all.
 * - `heartbeat`: the next heartbeat is due.
 * - `half-close-idle`: after a local end of file no byte has passed for too long.
 * - `slow-client`: a client has read nothing for too long while others use the connection.
 *
 * Source: PROTOCOL.md sections 2.5 to 2.7 and section 9.
 *
 * @module
 */
import { DecodeError, StateError } from "../errors.ts";
import type { Deadline } from "../types.ts";
import { emptyMultiplexerStats, type MultiplexerStats, type MuxEvent } from "./events.ts";
import { type Frame, FrameParser, type StatusFrame } from "./frame.ts";
import { Heartbeat } from "./heartbeat.ts";
import { RealmLifecycle } from "./lifecycle.ts";
import {
  type MultiplexerOptions,
  type MultiplexerSettings,
  settleMultiplexer,
} from "./multiplexer_options.ts";
import type { RealmId } from "./realm.ts";
import { SignExchange } from "./sign_exchange.ts";
import type { FrameTransport } from "./transport.ts";

export type { MultiplexerStats, MuxEvent } from "./events.ts";
export type { MultiplexerOptions } from "./multiplexer_options.ts";
export type { RealmCloseReason, RealmId } from "./realm.ts";

/** Carries many realms over one connection, and drives that connection. */
export class Multiplexer {
  readonly #connection: FrameTransport;
  readonly #settings: MultiplexerSettings;
  readonly #parser = new FrameParser();
  readonly #lifecycle: RealmLifecycle;
  readonly #heartbeat: Heartbeat;
  readonly #sign: SignExchange;
  readonly #events: MuxEvent[] = [];
  #framingLost = false;
  #closed = false;
  #heartbeatTold = false;
  #now = 0;

  /** Plain counters. */
  readonly stats: MultiplexerStats = emptyMultiplexerStats();

  /**
   * Makes one for a connection that carries nothing else.
   *
   * @param connection Opened by the caller, driven by the multiplexer.
   * @throws {RangeError} When an option is out of its range.
   */
  constructor(connection: FrameTransport, options: MultiplexerOptions) {
    const settings = settleMultiplexer(options);
    this.#connection = connection;
    this.#settings = settings;
    this.#lifecycle = new RealmLifecycle(
      connection,
      settings,
      this.stats,
      (event) => this.#events.push(event),
    );
    this.#heartbeat = new Heartbeat(
      connection,
      this.#lifecycle.outbox,
      settings.heartbeatIntervalMs,
    );
    this.#sign = new SignExchange(this.#lifecycle.outbox);
  }

  /** Whether everything received was read and ended with a whole frame. */
  get atFrameBoundary(): boolean {
    return this.#connection.readableBytes === 0 && this.#parser.atBoundary;
  }

  /** Realms that count against the limit: live ones, and closed ones with unread bytes. */
  get realmCount(): number {
    return this.#lifecycle.realms.size;
  }

  /** Whether everything written has been acknowledged, or never will be. */
  get drained(): boolean {
    if (this.#closed) return true;
    const { outbox, realms } = this.#lifecycle;
    return outbox.isControlEmpty && this.#connection.unacknowledgedBytes === 0 &&
      realms.all().every((realm) => realm.outgoing.isEmpty);
  }

  /** Whether a BIND went unanswered since the last one that was answered. */
  get suspect(): boolean {
    return this.#lifecycle.suspect;
  }

  /** Whether a heartbeat is sent at every interval; `off` at first. */
  get heartbeats(): "on" | "off" {
    return this.#heartbeat.dueAt === Infinity ? "off" : "on";
  }

  set heartbeats(wanted: "on" | "off") {
    if (wanted === "off" || this.#closed) this.#heartbeat.stop();
    else this.#heartbeat.start(this.#now);
  }

  /**
   * Opens a realm to a port of the device; its BIND leaves in its turn once the connection is open.
   * Bytes may be written at once, they follow the CONN.
   *
   * @throws {RangeError} When the port is not 1 to 65535.
   * @throws {StateError} When the connection is closed or there are `maxRealms` realms.
   */
  bind(port: number, now: number): RealmId {
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new RangeError(`a port is 1 to 65535, not ${port}`);
    }
    if (this.#closed) throw new StateError("the connection is closed");
    const { id } = this.#lifecycle.open(port, now);
    this.#advance(now);
    return id;
  }

  /**
   * Takes bytes from the local client; they are copied.
   *
   * @returns How many were taken, from the start. After less than all, `realm-writable` or the end of
   * the realm follows. 0 for a realm that has ended.
   * @throws {StateError} After {@linkcode finish}.
   */
  write(id: RealmId, bytes: Uint8Array, now: number): number {
    const realm = this.#lifecycle.realms.get(id);
    if (realm === undefined || realm.phase.name === "closed") return 0;
    if (realm.localEnd !== "open") throw new StateError("the realm was finished");
    const room = this.#settings.realmSendBufferBytes - realm.outgoing.dataBytes;
    const taken = Math.min(bytes.length, room);
    if (taken < bytes.length) realm.writerWaits = true;
    if (taken > 0) {
      realm.outgoing.push(bytes, taken);
      this.stats.bytesOut += taken;
      if (realm.phase.name === "connected") this.#lifecycle.outbox.add(realm);
      this.#advance(now);
    }
    return taken;
  }

  /** Takes the next chunk that came from the device, or nothing. */
  read(id: RealmId, now: number): Uint8Array | undefined {
    return this.readMany(id, 1, now)[0];
  }

  /**
   * Takes chunks that came from the device, in order, until they hold `maxBytes` or none is left: at
   * most one chunk more than that. Each call counts as a sign of life of the client, so one that
   * takes its time should be given little at once.
   */
  readMany(id: RealmId, maxBytes: number, now: number): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    const realm = this.#lifecycle.realms.get(id);
    if (realm === undefined) return chunks;
    for (let bytes = 0; bytes < maxBytes;) {
      const chunk = realm.incoming.shift();
      if (chunk === undefined) break;
      bytes += chunk.length;
      chunks.push(chunk);
    }
    this.#lifecycle.clientRead(realm, now);
    this.#advance(now);
    return chunks;
  }

  /** Bytes that wait to be read. */
  readableBytes(id: RealmId): number {
    return this.#lifecycle.realms.get(id)?.incoming.length ?? 0;
  }

  /**
   * The local client's end of file. What it wrote is sent; then a port of
   * `closeAfterFlushPorts` is closed, and any other delivers what the device still says until DISC
   * or until no byte has passed for `halfCloseIdleMs`.
   */
  finish(id: RealmId, now: number): void {
    const realm = this.#lifecycle.realms.get(id);
    if (realm === undefined) return;
    this.#lifecycle.finish(realm, now);
    this.#advance(now);
  }

  /** Ends a realm now: DISC, and what waits in either direction is dropped. No event follows. */
  close(id: RealmId, now: number): void {
    const realm = this.#lifecycle.realms.get(id);
    if (realm === undefined) return;
    this.#lifecycle.retire(realm, "drop", "us");
    this.#advance(now);
  }

  /** Ends every realm now. */
  closeAll(now: number): void {
    for (const realm of this.#lifecycle.realms.all()) this.#lifecycle.retire(realm, "drop", "us");
    this.#advance(now);
  }

  /** Asks the relay agent for a sign; `sign` follows if it gives one. */
  requestSign(now: number): void {
    this.#sign.request();
    this.#advance(now);
  }

  /**
   * Presents the agent's sign to the device; `sign-answered` follows if it accepts.
   *
   * @throws {RangeError} When the sign is not of 4 bytes.
   */
  present(sign: Uint8Array, now: number): void {
    this.#sign.present(sign);
    this.#advance(now);
  }

  /** Takes one datagram of the connection's peer. Never throws. */
  handleSegment(bytes: Uint8Array, now: number): void {
    this.#connection.handleSegment(bytes, now);
    this.#advance(now);
  }

  /** Takes up what the connection was given by somebody else: its bytes, its events, its room. */
  advance(now: number): void {
    this.#advance(now);
  }

  /** Runs every timer that is due. */
  handleTimeout(now: number): void {
    this.#connection.handleTimeout(now);
    this.#advance(now);
    this.#lifecycle.handleTimeout(now);
    if (this.#heartbeat.beat(now)) this.stats.heartbeatsOut++;
    this.#advance(now);
  }

  /** The next datagram to send, or nothing. */
  pollTransmit(): Uint8Array | undefined {
    for (;;) {
      const datagram = this.#connection.pollTransmit();
      if (datagram !== undefined) return datagram;
      // What has just left made room for frames that were kept back here.
      const { writtenBytes } = this.#lifecycle.outbox;
      this.#lifecycle.pump(this.#now);
      if (writtenBytes === this.#lifecycle.outbox.writtenBytes) return undefined;
    }
  }

  /** The next thing that happened, or nothing. */
  pollEvent(): MuxEvent | undefined {
    if (this.#events.length === 0) this.#takeConnectionEvents(this.#now);
    const event = this.#events.shift();
    if (event?.type === "heartbeat") this.#heartbeatTold = false;
    return event;
  }

  /** When {@linkcode handleTimeout} is due. */
  pollDeadline(): Deadline | undefined {
    const below = this.#connection.pollDeadline();
    const { binds, watch, realms } = this.#lifecycle;
    const clients = watch.earliest(realms.sharedSince);
    let at = below?.at ?? Infinity;
    let reason: string | undefined;
    if (binds.spacingAt < at) [at, reason] = [binds.spacingAt, "bind-spacing"];
    if (binds.timeoutAt < at) [at, reason] = [binds.timeoutAt, "bind-timeout"];
    if (this.#heartbeat.dueAt < at) [at, reason] = [this.#heartbeat.dueAt, "heartbeat"];
    if (clients !== undefined && clients.at < at) return clients;
    return reason === undefined ? below : { at, reason };
  }

  /** After any mutation: takes what came, sends what may leave. */
  #advance(now: number): void {
    this.#now = now;
    this.#takeConnectionEvents(now);
    this.#pumpIn(now);
    this.#lifecycle.pump(now);
  }

  #takeConnectionEvents(now: number): void {
    for (let e = this.#connection.pollEvent(); e; e = this.#connection.pollEvent()) {
      if (e.type === "open") this.#events.push({ type: "open" });
      else if (e.type === "closed") this.#onConnectionClosed(e.reason, now);
    }
  }

  #onConnectionClosed(reason: string, now: number): void {
    if (this.#closed) return;
    // The last bytes may have come before the end was noticed.
    this.#pumpIn(now);
    this.#closed = true;
    this.#heartbeat.stop();
    for (const realm of this.#lifecycle.realms.all()) {
      if (realm.phase.name !== "closed") this.#lifecycle.end(realm, "connection", now);
    }
    this.#lifecycle.outbox.clear();
    this.#events.push({ type: "closed", reason: this.#framingLost ? "protocol" : reason });
  }

  #pumpIn(now: number): void {
    while (!this.#lifecycle.holdsConnection && !this.#framingLost) {
      const chunk = this.#connection.read(now);
      if (chunk === undefined) return;
      this.#parser.push(chunk);
      try {
        for (let f = this.#parser.next(); f !== undefined; f = this.#parser.next()) {
          this.#onFrame(f, now);
        }
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
        this.#note(now, "framing-lost", { what: error.what });
        this.#framingLost = true;
        this.#connection.abort(now);
        this.#takeConnectionEvents(now);
      }
    }
  }

  #onFrame(frame: Frame, now: number): void {
    switch (frame.type) {
      case "data":
        return this.#lifecycle.onData(frame.realm, frame.data, now);
      case "status":
        return this.#onStatus(frame, now);
      case "heartbeat":
        this.stats.heartbeatsIn++;
        if (!this.#heartbeatTold) this.#events.push({ type: "heartbeat" });
        this.#heartbeatTold = true;
        return;
      case "sign":
      case "sign-answer":
      case "sign-present": {
        const event = this.#sign.handle(frame);
        if (event === undefined) return this.#ignore(frame.type, 16, now);
        this.#events.push(event);
        return;
      }
      case "unknown":
        return this.#ignore(`0x${frame.kind.toString(16)}`, frame.bytes.length, now);
      default:
        return this.#ignore(frame.type, frame.type === "bind" ? 20 : 12, now);
    }
  }

  #onStatus(frame: StatusFrame, now: number): void {
    const { realm, status } = frame;
    if (status === "CONN" && this.#lifecycle.onConn(realm, now)) return;
    if (status === "DISC" && this.#lifecycle.onDisc(realm, now)) return;
    this.#ignore(typeof status === "string" ? status : "status", 16, now);
  }

  #ignore(kind: string, bytes: number, now: number): void {
    this.stats.ignoredFrames++;
    this.#note(now, "frame-ignored", { kind, bytes });
  }

  #note(at: number, name: string, data: Record<string, string | number | boolean>): void {
    this.#settings.trace?.({ at, scope: "realm", name, data });
  }
}
