/**
 * A multiplexer over a connection that is only pretended: tests decide what it takes, what it sends
 * and when that is acknowledged.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { concatBytes, EMPTY } from "../../../lib/core/bytes.ts";
import { encodeFrame, type Frame, FrameParser } from "../../../lib/core/realm/frame.ts";
import {
  Multiplexer,
  type MultiplexerOptions,
  type MuxEvent,
  type RealmId,
} from "../../../lib/core/realm/multiplexer.ts";
import type { FrameTransport, TransportEvent } from "../../../lib/core/realm/transport.ts";
import { seededRandom } from "../../../lib/core/random.ts";
import type { Deadline, TraceEvent } from "../../../lib/core/types.ts";

/** A connection without a network: one datagram a frame, acknowledged at once unless held. */
export class FakeTransport implements FrameTransport {
  state: FrameTransport["state"] = "open";
  peerWindowBytes = 65535;
  readonly stats = { bytesOut: 0 };
  /** Bytes the send buffer takes. */
  sendBufferBytes = 65536;
  /** `hold`: nothing is sent. `send`: nothing is acknowledged. `ack`: all is. */
  network: "ack" | "send" | "hold" = "ack";
  aborted = 0;
  readonly #unsent: Uint8Array[] = [];
  readonly #inbound: Uint8Array[] = [];
  readonly #events: TransportEvent[] = [];
  #written = 0;
  #acknowledged = 0;

  get unacknowledgedBytes(): number {
    return this.#written - this.#acknowledged;
  }

  get readableBytes(): number {
    return this.#inbound.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** Everything sent has arrived. */
  acknowledge(): void {
    this.#acknowledged = this.stats.bytesOut;
  }

  push(event: TransportEvent): void {
    if (event.type === "closed") this.state = "closed";
    this.#events.push(event);
  }

  /** A segment here is nothing but stream bytes. */
  handleSegment(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#inbound.push(bytes);
  }

  handleTimeout(): void {}

  pollTransmit(): Uint8Array | undefined {
    if (this.network === "hold") return undefined;
    const frame = this.#unsent.shift();
    if (frame === undefined) return undefined;
    this.stats.bytesOut += frame.length;
    if (this.network === "ack") this.acknowledge();
    return frame;
  }

  pollEvent(): TransportEvent | undefined {
    return this.#events.shift();
  }

  pollDeadline(): Deadline | undefined {
    return undefined;
  }

  readonly headroomBytes = 0;

  writeOwned(datagram: Uint8Array): boolean {
    return this.write(datagram);
  }

  write(frame: Uint8Array): boolean {
    if (this.state !== "open") throw new Error(`written while ${this.state}`);
    if (frame.length > 1292) throw new Error("a frame larger than a segment");
    if (this.unacknowledgedBytes + frame.length > this.sendBufferBytes) return false;
    this.#written += frame.length;
    this.#unsent.push(frame);
    return true;
  }

  read(): Uint8Array | undefined {
    return this.#inbound.shift();
  }

  abort(): void {
    if (this.state === "closed") return;
    this.aborted++;
    this.push({ type: "closed", reason: "aborted" });
  }
}

/** A frame in short: `BIND 554`, `CONN`, `DISC`, `DATA 1280`, or its type. */
export function inShort(frame: Frame): string {
  switch (frame.type) {
    case "data":
      return `DATA ${frame.data.length}`;
    case "bind":
      return `BIND ${frame.port}`;
    case "status":
      return typeof frame.status === "string" ? frame.status : "status";
    default:
      return frame.type;
  }
}

/** The multiplexer, its pretended connection, and a device that says what the test wants. */
export class Rig {
  readonly transport = new FakeTransport();
  readonly traces: TraceEvent[] = [];
  readonly mux: Multiplexer;
  readonly #parser = new FrameParser();
  now = 1000;

  constructor(options: Partial<MultiplexerOptions> = {}) {
    this.mux = new Multiplexer(this.transport, {
      random: seededRandom(42),
      trace: (event) => this.traces.push(event),
      ...options,
    });
  }

  /** Frames that leave now. */
  frames(): Frame[] {
    const all: Frame[] = [];
    for (let t = this.mux.pollTransmit(); t !== undefined; t = this.mux.pollTransmit()) {
      this.#parser.push(t);
      for (let f = this.#parser.next(); f !== undefined; f = this.#parser.next()) all.push(f);
    }
    return all;
  }

  /** The same in short. */
  sent(): string[] {
    return this.frames().map(inShort);
  }

  events(): MuxEvent[] {
    const all: MuxEvent[] = [];
    for (let e = this.mux.pollEvent(); e !== undefined; e = this.mux.pollEvent()) all.push(e);
    return all;
  }

  /** Types of the events, with the reason of those that have one. */
  told(): string[] {
    return this.events().map((e) => "reason" in e ? `${e.type} ${e.reason}` : e.type);
  }

  /** The device says these frames in one segment. */
  device(...frames: readonly (Frame | Uint8Array)[]): void {
    const bytes = frames.map((f) => f instanceof Uint8Array ? f : encodeFrame(f));
    this.mux.handleSegment(concatBytes(bytes), this.now);
  }

  conn(realm: RealmId): void {
    this.device({ type: "status", realm, status: "CONN" });
  }

  disc(realm: RealmId): void {
    this.device({ type: "status", realm, status: "DISC" });
  }

  data(realm: RealmId, length: number, fill = 0): void {
    for (let left = length; left > 0; left -= 1280) {
      const data = new Uint8Array(Math.min(left, 1280)).fill(fill);
      this.device({ type: "data", realm, data });
    }
  }

  /** A connected realm, everything about it drained. */
  connected(port = 80): RealmId {
    const realm = this.mux.bind(port, this.now);
    assertEquals(this.sent(), [`BIND ${port}`]);
    this.conn(realm);
    assertEquals(this.told(), ["realm-connected"]);
    return realm;
  }

  /** Time passes; timers that are due run. */
  at(now: number): void {
    this.now = now;
    this.mux.handleTimeout(now);
  }

  /** Until then nothing is sent and nothing is told. */
  expectSilence(until: number): void {
    this.at(until);
    assertEquals(this.sent(), []);
    assertEquals(this.told(), []);
  }

  /** All bytes that can be read from a realm. */
  readAll(realm: RealmId): Uint8Array {
    const chunks = this.mux.readMany(realm, Infinity, this.now);
    return chunks.length === 0 ? EMPTY : concatBytes(chunks);
  }

  /** Names of the traces so far. */
  noted(): string[] {
    return this.traces.map((event) => event.name);
  }
}
