/**
 * Two PTCP connections joined by a virtual link in virtual time: one seed decides loss,
 * duplication, delay and order, and time jumps to the earliest deadline.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  PtcpConnection,
  type PtcpEvent,
  type PtcpOptions,
} from "../../lib/core/ptcp/connection.ts";
import { randomBelow, seededRandom } from "../../lib/core/random.ts";
import type { Random } from "../../lib/core/types.ts";

/** What the link does to datagrams; probabilities are 0 to 1. */
export interface LinkOptions {
  readonly seed?: number;
  /** One way, ms. */
  readonly delayMs?: number;
  /** Added to the delay, uniform in 0 to this. Datagrams stay in order unless reordered. */
  readonly jitterMs?: number;
  readonly loss?: number;
  readonly duplication?: number;
  /** Share of datagrams that are held back by up to `reorderMs`. */
  readonly reordering?: number;
  readonly reorderMs?: number;
  /** Bytes a ms; absent: unlimited. */
  readonly bytesPerMs?: number;
  /** Bytes that wait for the link before the tail is dropped. */
  readonly queueBytes?: number;
}

/** One end: its connection, what it has to send and what it received. */
export class PairEnd {
  readonly name: string;
  readonly connection: PtcpConnection;
  readonly events: PtcpEvent[] = [];
  /** Whether arriving bytes are read at once. */
  reading = true;
  receivedBytes = 0;
  /** Datagrams the end has sent, if `keep` was set. */
  readonly sent: Uint8Array[] = [];
  #toSend = 0;
  #sentSeed: Random;
  #expected: Random;
  readonly #sizes: Random;
  readonly #frameBytes: number | undefined;

  constructor(name: string, options: PtcpOptions, seeds: [number, number], frameBytes?: number) {
    this.name = name;
    this.connection = new PtcpConnection(options);
    this.#sentSeed = seededRandom(seeds[0]);
    this.#expected = seededRandom(seeds[1]);
    this.#sizes = seededRandom(seeds[0] + 7);
    this.#frameBytes = frameBytes;
  }

  /** Queues pseudo-random bytes for the other end. */
  send(bytes: number): void {
    this.#toSend += bytes;
  }

  /** Whether everything queued was written and acknowledged. */
  get drained(): boolean {
    return this.#toSend === 0 && this.connection.unacknowledgedBytes === 0;
  }

  /** Reads and checks, then writes what fits. */
  work(now: number): void {
    for (let event; (event = this.connection.pollEvent()) !== undefined;) this.events.push(event);
    if (this.reading) this.read();
    const state = this.connection.state;
    if (state !== "open" && state !== "connecting") return;
    while (this.#toSend > 0) {
      const size = Math.min(this.#toSend, this.#frameBytes ?? 1 + randomBelow(this.#sizes, 1292));
      if (this.connection.writableBytes < size) break;
      const accepted = this.connection.write(this.#sentSeed.bytes(size), now);
      assert(accepted, "a write that fits is taken");
      this.#toSend -= size;
    }
  }

  /** Reads everything there is, or `limit` chunks, and compares it with what was sent. */
  read(limit = Infinity): void {
    for (let i = 0; i < limit; i++) {
      const chunk = this.connection.read();
      if (chunk === undefined) break;
      const expected = this.#expected.bytes(chunk.length);
      for (let j = 0; j < chunk.length; j++) {
        if (chunk[j] !== expected[j]) {
          throw new Error(`${this.name}: byte ${this.receivedBytes + j} is not what was sent`);
        }
      }
      this.receivedBytes += chunk.length;
    }
  }
}

interface Flying {
  readonly at: number;
  readonly order: number;
  readonly to: PairEnd;
  readonly data: Uint8Array;
}

/** Two ends and the link between them. */
export class PtcpPair {
  readonly active: PairEnd;
  readonly passive: PairEnd;
  now = 1000;
  steps = 0;
  /** Sees every datagram as it is sent; returns whether the link takes it. */
  filter: (from: PairEnd, data: Uint8Array, now: number) => boolean = () => true;
  readonly #link: Required<LinkOptions>;
  readonly #random: Random;
  readonly #flying: Flying[] = [];
  readonly #busyUntil = new Map<PairEnd, number>();
  readonly #lastAt = new Map<PairEnd, number>();
  #order = 0;

  constructor(
    options: {
      active?: Partial<PtcpOptions>;
      passive?: Partial<PtcpOptions>;
      link?: LinkOptions;
      frameBytes?: number;
    } = {},
  ) {
    const seed = options.link?.seed ?? 1;
    const start = options.active?.initialSequence;
    const peerStart = options.passive?.initialSequence;
    this.active = new PairEnd(
      "active",
      { ...options.active, role: "active", initialPeerSequence: peerStart },
      [seed, seed + 1],
      options.frameBytes,
    );
    this.passive = new PairEnd(
      "passive",
      { ...options.passive, role: "passive", initialPeerSequence: start },
      [seed + 1, seed],
      options.frameBytes,
    );
    this.#random = seededRandom(seed + 1000);
    this.#link = {
      seed,
      delayMs: 20,
      jitterMs: 0,
      loss: 0,
      duplication: 0,
      reordering: 0,
      reorderMs: 30,
      bytesPerMs: Infinity,
      queueBytes: Infinity,
      ...options.link,
    };
  }

  /** Opens the connection. */
  open(): this {
    this.active.connection.open(this.now);
    this.#flush();
    return this;
  }

  /**
   * Runs until `done`, at most `maxMs` of virtual time and `maxSteps` steps.
   *
   * @returns Whether `done` came true.
   */
  runUntil(done: () => boolean, maxMs = 600_000, maxSteps = 2_000_000): boolean {
    const end = this.now + maxMs;
    for (let i = 0; i < maxSteps; i++) {
      if (done()) return true;
      const next = this.#nextInstant();
      if (next === undefined || next > end) {
        this.now = end;
        return done();
      }
      this.#step(next);
    }
    throw new Error(`seed ${this.#link.seed}: no end after ${maxSteps} steps`);
  }

  /** Runs for a span of virtual time. */
  runFor(ms: number): void {
    const end = this.now + ms;
    this.runUntil(() => false, ms);
    assertEquals(this.now, end);
  }

  /** Lets both ends write and read now. */
  flush(): void {
    this.#flush();
  }

  /** Datagrams on the link. */
  get inFlight(): number {
    return this.#flying.length;
  }

  #nextInstant(): number | undefined {
    let next = this.#flying[0]?.at;
    for (const end of [this.active, this.passive]) {
      const deadline = end.connection.pollDeadline();
      if (deadline !== undefined && (next === undefined || deadline.at < next)) next = deadline.at;
    }
    return next === undefined ? undefined : Math.max(next, this.now);
  }

  #step(at: number): void {
    this.steps++;
    this.now = at;
    while (this.#flying.length > 0 && this.#flying[0]!.at <= at) {
      const { to, data } = this.#flying.shift()!;
      to.connection.handleSegment(data, at);
      this.#drain(to);
    }
    for (const end of [this.active, this.passive]) {
      const deadline = end.connection.pollDeadline();
      if (deadline !== undefined && deadline.at <= at) end.connection.handleTimeout(at);
      this.#drain(end);
    }
  }

  #flush(): void {
    this.#drain(this.active);
    this.#drain(this.passive);
  }

  #drain(end: PairEnd): void {
    // Reading may open the window and writing may send, so the work comes before the drain.
    end.work(this.now);
    for (let data; (data = end.connection.pollTransmit()) !== undefined;) this.#carry(end, data);
    for (let event; (event = end.connection.pollEvent()) !== undefined;) end.events.push(event);
    const deadline = end.connection.pollDeadline();
    assert(deadline?.reason !== "transmit", `${end.name} has output left after it was drained`);
  }

  #carry(from: PairEnd, data: Uint8Array): void {
    const to = from === this.active ? this.passive : this.active;
    if (!this.filter(from, data, this.now)) return;
    const link = this.#link;
    if (this.#chance(link.loss)) return;
    const wireBytes = data.length + 28;
    const busy = Math.max(this.#busyUntil.get(from) ?? 0, this.now);
    if (link.bytesPerMs !== Infinity) {
      if ((busy - this.now) * link.bytesPerMs > link.queueBytes) return;
      this.#busyUntil.set(from, busy + wireBytes / link.bytesPerMs);
    }
    const sentAt = link.bytesPerMs === Infinity ? this.now : busy + wireBytes / link.bytesPerMs;
    const copies = this.#chance(link.duplication) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      let at = sentAt + link.delayMs + link.jitterMs * this.#fraction();
      if (this.#chance(link.reordering)) at += link.reorderMs * this.#fraction();
      else {
        at = Math.max(at, this.#lastAt.get(from) ?? 0);
        this.#lastAt.set(from, at);
      }
      this.#enqueue({ at, order: this.#order++, to, data: data.slice() });
    }
  }

  #enqueue(flying: Flying): void {
    let index = this.#flying.length;
    while (index > 0 && this.#flying[index - 1]!.at > flying.at) index--;
    this.#flying.splice(index, 0, flying);
  }

  #chance(probability: number): boolean {
    return probability > 0 && this.#fraction() < probability;
  }

  #fraction(): number {
    return this.#random.uint32() / 0x1_0000_0000;
  }
}
