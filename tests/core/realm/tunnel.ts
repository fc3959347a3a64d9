/**
 * A multiplexer and a small device over two real PTCP connections, in virtual time.
 *
 * @module
 */
import { assert } from "@std/assert";
import { PtcpConnection } from "../../../lib/core/ptcp/connection.ts";
import { encodeFrame, type Frame, FrameParser } from "../../../lib/core/realm/frame.ts";
import {
  Multiplexer,
  type MultiplexerOptions,
  type MuxEvent,
  type RealmId,
} from "../../../lib/core/realm/multiplexer.ts";
import { seededRandom } from "../../../lib/core/random.ts";
import type { Deadline } from "../../../lib/core/types.ts";

/** How the line between the two is. */
export interface Line {
  /** One way, in ms. */
  readonly delayMs: number;
  /** Share of datagrams lost. */
  readonly loss: number;
  /** Bytes a ms towards the device; a queue without end stands before it. */
  readonly bytesPerMs?: number;
}

interface Flight {
  readonly at: number;
  readonly to: "client" | "device";
  readonly data: Uint8Array;
}

/** Both ends and the line; a device that says CONN to every BIND. */
export class Tunnel {
  readonly client: PtcpConnection;
  readonly device = new PtcpConnection({ role: "passive", name: "device" });
  readonly mux: Multiplexer;
  readonly events: MuxEvent[] = [];
  /** Called with every frame that reaches the device. */
  onFrame: (frame: Frame) => void = () => {};
  /** Called with every event of the multiplexer. */
  onEvent: (event: MuxEvent) => void = () => {};
  now = 0;
  steps = 0;
  readonly #line: Line;
  readonly #random = seededRandom(99);
  readonly #parser = new FrameParser();
  /** Frames the device could not write yet. */
  readonly #backlog: Uint8Array[] = [];
  readonly #flights: Flight[] = [];
  /** When the line towards the device has sent all it has. */
  #idleAt = 0;

  constructor(options: Partial<MultiplexerOptions> = {}, line: Line = { delayMs: 20, loss: 0 }) {
    this.#line = line;
    this.client = new PtcpConnection({
      role: "active",
      atFrameBoundary: () => this.mux.atFrameBoundary,
    });
    this.mux = new Multiplexer(this.client, { random: seededRandom(5), ...options });
    this.client.open(0);
    this.run(1000);
  }

  /** Bytes of frames that wait in the device. */
  get backlogFrames(): number {
    return this.#backlog.length;
  }

  /** The device says a frame as soon as there is room. */
  say(frame: Frame): void {
    this.#backlog.push(encodeFrame(frame));
    this.#settle();
  }

  /** A connected realm. */
  connected(port: number): RealmId {
    const realm = this.mux.bind(port, this.now);
    this.run(this.now + 200 + 4 * this.#line.delayMs);
    assert(this.events.some((e) => e.type === "realm-connected" && e.realm === realm));
    return realm;
  }

  /** Lets time pass; the network, both ends and their timers run. */
  run(until: number): void {
    for (;;) {
      this.#settle();
      const next = this.#nextAt();
      if (next > until) break;
      assert(++this.steps < 2_000_000, "the tunnel does not come to rest");
      this.now = Math.max(this.now, next);
      while (this.#flights.length > 0 && this.#flights[0]!.at <= this.now) {
        const { to, data } = this.#flights.shift()!;
        if (to === "client") this.mux.handleSegment(data, this.now);
        else this.device.handleSegment(data, this.now);
        this.#settle();
      }
      this.mux.handleTimeout(this.now);
      this.device.handleTimeout(this.now);
    }
    this.now = until;
  }

  #nextAt(): number {
    const at = (deadline: Deadline | undefined): number => deadline?.at ?? Infinity;
    return Math.min(
      this.#flights[0]?.at ?? Infinity,
      at(this.mux.pollDeadline()),
      at(this.device.pollDeadline()),
    );
  }

  #settle(): void {
    for (let chunk = this.device.read(); chunk; chunk = this.device.read()) {
      this.#parser.push(chunk);
      for (let f = this.#parser.next(); f; f = this.#parser.next()) {
        if (f.type === "bind") {
          const conn = encodeFrame({ type: "status", realm: f.realm, status: "CONN" });
          this.#backlog.push(conn);
        }
        this.onFrame(f);
      }
    }
    while (this.device.pollEvent() !== undefined);
    while (
      this.#backlog.length > 0 && this.device.state === "open" &&
      this.device.write(this.#backlog[0]!, this.now)
    ) this.#backlog.shift();
    this.#carry(() => this.mux.pollTransmit(), "device");
    this.#carry(() => this.device.pollTransmit(), "client");
    for (let event = this.mux.pollEvent(); event; event = this.mux.pollEvent()) {
      this.events.push(event);
      this.onEvent(event);
    }
    this.#carry(() => this.mux.pollTransmit(), "device");
  }

  #carry(poll: () => Uint8Array | undefined, to: Flight["to"]): void {
    for (let data = poll(); data !== undefined; data = poll()) {
      if (this.#random.uint32() / 2 ** 32 < this.#line.loss) continue;
      let at = this.now + this.#line.delayMs;
      if (to === "device") {
        this.#idleAt = Math.max(this.#idleAt, this.now) +
          data.length / (this.#line.bytesPerMs ?? Infinity);
        at = this.#idleAt + this.#line.delayMs;
      }
      let index = this.#flights.length;
      while (index > 0 && this.#flights[index - 1]!.at > at) index--;
      this.#flights.splice(index, 0, { at, to, data });
    }
  }
}
