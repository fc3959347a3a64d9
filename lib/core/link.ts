/**
 * A link: from a serial number to a live session with the device, and its realms.
 *
 * | state     | on                                  | then                                       |
 * |-----------|-------------------------------------|--------------------------------------------|
 * | idle      | `start`                             | handshake                                  |
 * | handshake | established                         | ready                                      |
 * | handshake | failed                              | releasing, with the reason                 |
 * | ready     | dead, stalled, zombie, reset        | releasing, with the reason                 |
 * | handshake | `stop`                              | releasing                                  |
 * | ready     | `stop`                              | draining: DISC for every realm             |
 * | draining  | everything acknowledged, or too late| releasing: the relay's lease is returned   |
 * | releasing | released, or too late               | closed                                     |
 *
 * @module
 */
import type { Carrier, PathKind } from "./carrier.ts";
import type { SocketRole } from "./cloud/signaling.ts";
import { StateError } from "./errors.ts";
import type { Failure } from "./failure.ts";
import { Handshake, type HandshakeEvent } from "./handshake.ts";
import * as failures from "./link_failures.ts";
import {
  LINK_DEFAULTS,
  type LinkEvent,
  type LinkOptions,
  type LinkSettings,
} from "./link_options.ts";
import { Liveness } from "./liveness.ts";
import type { MuxEvent, RealmId } from "./realm/multiplexer.ts";
import type { StreamReport } from "./relay/stream.ts";
import { earlier, TimerTable } from "./timer_table.ts";
import type { Datagram, Deadline, Machine, Transmit } from "./types.ts";

/** The timers of a link. */
type LinkTimer =
  /** The watch over the session may have something to say. */
  | "liveness"
  /** A clean stop has taken too long. */
  | "stop";

/** Names of the states in the table above. */
export type LinkState =
  | "idle"
  | "handshake"
  | "ready"
  | "draining"
  | "releasing"
  | "closed";

type State =
  | { readonly name: "idle" }
  | { readonly name: "handshake" }
  | { readonly name: "ready"; readonly carrier: Carrier; readonly liveness: Liveness }
  | { readonly name: "draining"; readonly carrier: Carrier }
  | { readonly name: "releasing"; readonly failure: Failure | undefined }
  | { readonly name: "closed" };

/** One session with one device. A lost one is not revived: make another. */
export class Link implements Machine<LinkEvent, SocketRole> {
  readonly #options: LinkOptions;
  readonly #handshake: Handshake;
  readonly #timers = new TimerTable<LinkTimer>(["liveness", "stop"]);
  readonly #events: LinkEvent[] = [];
  #state: State = { name: "idle" };

  /**
   * Makes a link that does nothing yet.
   *
   * @throws {RangeError} When the settings contradict each other.
   */
  constructor(settings: LinkSettings) {
    this.#options = { ...LINK_DEFAULTS, ...settings };
    this.#handshake = new Handshake(this.#options);
  }

  /** Where the link is in its life; see the table above. */
  get state(): LinkState {
    return this.#state.name;
  }

  /** The session that carries the realms, while there is one. */
  get carrier(): Carrier | undefined {
    const state = this.#state;
    return state.name === "ready" || state.name === "draining" ? state.carrier : undefined;
  }

  /** How the bytes travel, once decided. */
  get path(): PathKind | undefined {
    return this.carrier?.path;
  }

  /** Smoothed round trip to the device in ms, once measured. */
  get roundTripMs(): number | undefined {
    return this.carrier?.connection.smoothedRttMs;
  }

  /** Begins the handshake. */
  start(now: number): void {
    if (this.#state.name !== "idle") throw new StateError("a link starts once");
    this.#state = { name: "handshake" };
    this.#handshake.start(now);
    this.#advance(now);
  }

  /** Ends the session cleanly: DISC for every realm, drain, release the relay. */
  stop(now: number): void {
    const state = this.#state;
    if (state.name === "ready") {
      this.#state = { name: "draining", carrier: state.carrier };
      this.#timers.clear("liveness");
      this.#timers.set("stop", now + this.#options.stopTimeoutMs);
      state.carrier.realms.closeAll(now);
    } else if (state.name === "handshake") {
      this.#release(undefined, now);
    } else if (state.name === "idle") {
      this.#close(undefined);
    }
    this.#advance(now);
  }

  /**
   * Opens a realm to a port of the device.
   *
   * @throws {StateError} When the link is not ready.
   */
  bind(port: number, now: number): RealmId {
    if (this.#state.name !== "ready") throw new StateError("the link is not ready");
    const realm = this.#state.carrier.realms.bind(port, now);
    this.#advance(now);
    return realm;
  }

  /** Sends bytes into a realm; returns how many were taken. */
  write(realm: RealmId, bytes: Uint8Array, now: number): number {
    const state = this.#state;
    if (state.name !== "ready") return 0;
    const accepted = state.carrier.realms.write(realm, bytes, now);
    if (accepted > 0) state.liveness.realmSent(realm, accepted, now);
    this.#advance(now);
    return accepted;
  }

  /** Takes up to about `maxBytes` that came from the device for a realm, in order. */
  read(realm: RealmId, maxBytes: number, now: number): readonly Uint8Array[] {
    const chunks = this.carrier?.realms.readMany(realm, maxBytes, now) ?? [];
    this.#advance(now);
    return chunks;
  }

  /** The local side has reached its end of file: PROTOCOL.md section 9, "local end of file". */
  finish(realm: RealmId, now: number): void {
    this.carrier?.realms.finish(realm, now);
    this.#advance(now);
  }

  /** Closes a realm now. */
  close(realm: RealmId, now: number): void {
    this.carrier?.realms.close(realm, now);
    if (this.#state.name === "ready") this.#state.liveness.realmEnded(realm, now);
    this.#advance(now);
  }

  /**
   * The machine was asleep: its clock may have stood still while the session was lost. What does not
   * show life within seconds is given up.
   */
  wake(now: number): void {
    if (this.#state.name !== "ready") return;
    this.#state.liveness.suspect(now);
    this.#handshake.repunch(now);
    this.#advance(now);
  }

  handleDatagram(datagram: Datagram<SocketRole>, now: number): void {
    if (this.#state.name === "idle" || this.#state.name === "closed") return;
    this.#handshake.handleDatagram(datagram, now);
    this.#advance(now);
  }

  handleTimeout(now: number): void {
    if (this.#state.name === "idle" || this.#state.name === "closed") return;
    this.#handshake.handleTimeout(now);
    this.#advance(now);
    if (this.#timers.take("liveness", now)) this.#judge(now);
    if (this.#timers.take("stop", now)) {
      if (this.#state.name === "draining") this.#release(undefined, now);
      else if (this.#state.name === "releasing") this.#close(this.#state.failure);
    }
    this.#advance(now);
  }

  /** Whether an ack should leave before more comes; see {@linkcode Machine}. */
  get isUrgent(): boolean {
    return this.carrier?.connection.isAckUrgent ?? false;
  }

  /** Whether the driver is to read no further from the TCP connection until `tcp-resume`. */
  get isStreamPaused(): boolean {
    return this.#handshake.tcp.isPaused;
  }

  /** Takes what happened on the TCP connection that `tcp-connect` asked for. */
  handleStream(report: StreamReport, now: number): void {
    if (this.#state.name === "idle" || this.#state.name === "closed") return;
    this.#handshake.handleStream(report, now);
    this.#advance(now);
  }

  /**
   * The next bytes for the TCP connection, or nothing until `tcp-output`. To be called only when what
   * it gave before has been written.
   */
  pollStream(now: number): Uint8Array | undefined {
    const bytes = this.#handshake.tcp.pollStream(now);
    this.#advance(now);
    return bytes;
  }

  pollTransmit(): Transmit<SocketRole> | undefined {
    return this.#handshake.pollTransmit();
  }

  pollEvent(): LinkEvent | undefined {
    return this.#events.shift();
  }

  pollDeadline(): Deadline | undefined {
    if (this.#state.name === "idle" || this.#state.name === "closed") return undefined;
    return earlier(this.#timers.earliest(), this.#handshake.pollDeadline());
  }

  /** Passes the children's events on until none is left. */
  #advance(now: number): void {
    for (let e = this.#handshake.pollEvent(); e; e = this.#handshake.pollEvent()) {
      this.#onHandshake(e, now);
    }
    const carrier = this.carrier;
    if (!carrier) return;
    for (let e = carrier.realms.pollEvent(); e; e = carrier.realms.pollEvent()) {
      this.#onRealms(e, now);
    }
    if (this.#state.name === "draining" && carrier.realms.drained) this.#release(undefined, now);
    if (this.#state.name === "ready") {
      this.#timers.set("liveness", this.#state.liveness.nextAt(now));
    }
  }

  #onHandshake(event: HandshakeEvent, now: number): void {
    switch (event.type) {
      case "established": {
        const { carrier } = event;
        const liveness = new Liveness(carrier, this.#options.liveness, now);
        this.#state = { name: "ready", carrier, liveness };
        this.#events.push({ type: "ready", path: carrier.path });
        return;
      }
      case "failed":
        return this.#release(event.failure, now);
      case "released":
        if (this.#state.name === "releasing") this.#close(this.#state.failure);
        return;
      default:
        this.#events.push(event);
    }
  }

  #onRealms(event: MuxEvent, now: number): void {
    switch (event.type) {
      case "realm-readable":
        if (this.#state.name === "ready") this.#state.liveness.realmReceived();
        this.#events.push(event);
        return;
      case "realm-connected":
      case "realm-refused":
        if (this.#state.name === "ready") {
          this.#state.liveness.bindAnswered();
          if (event.type === "realm-refused") this.#state.liveness.realmEnded(event.realm, now);
        }
        this.#events.push(event);
        return;
      case "realm-closed":
        if (this.#state.name === "ready") {
          if (event.reason === "bind-timeout") this.#state.liveness.bindUnanswered(now);
          this.#state.liveness.realmEnded(event.realm, now);
        }
        this.#events.push(event);
        return;
      case "realm-writable":
        this.#events.push(event);
        return;
      case "closed":
        return this.#release(
          event.reason === "protocol"
            ? failures.sessionBroken("its framing was lost")
            : failures.sessionLost(event.reason),
          now,
        );
      default:
        return;
    }
  }

  #judge(now: number): void {
    if (this.#state.name !== "ready") return;
    const verdict = this.#state.liveness.judge(now);
    if (verdict.type === "repunch") this.#handshake.repunch(now);
    else if (verdict.type === "dead") this.#release(verdict.failure, now);
  }

  #release(failure: Failure | undefined, now: number): void {
    if (this.#state.name === "releasing" || this.#state.name === "closed") return;
    this.#state = { name: "releasing", failure };
    this.#timers.clear("liveness");
    this.#timers.set("stop", now + this.#options.releaseTimeoutMs);
    this.#handshake.release(now);
  }

  #close(failure: Failure | undefined): void {
    this.#state = { name: "closed" };
    this.#timers.clearAll();
    this.#events.push({ type: "closed", ...(failure ? { failure } : {}) });
  }
}
