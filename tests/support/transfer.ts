/**
 * Transfers between two ends of a transport, ours or a foreign one, over a link that lives in
 * memory. The clock is a parameter: real for ends that read the real clock, virtual for ours.
 *
 * Many transfers run at once in one queue of events, so that each has the same machine under it.
 *
 * @module
 */
import { FLAG_RST, HEADER_BYTES } from "../../lib/core/ptcp/segment.ts";
import { seededRandom } from "../../lib/core/random.ts";
import type { Random } from "../../lib/core/types.ts";
import { Heap } from "../sim/heap.ts";
import type { TransferClock } from "./transfer_clock.ts";
import type { TransferEnd } from "./transfer_end.ts";

/** What the link does to datagrams, in both directions; probabilities are 0 to 1. */
export interface TransferLink {
  readonly rttMs: number;
  readonly loss?: number | undefined;
  readonly duplication?: number | undefined;
  /** Share of datagrams that are held back by up to `reorderMs`. */
  readonly reordering?: number | undefined;
  readonly reorderMs?: number | undefined;
  /** Rate of each direction; absent: unlimited. */
  readonly bytesPerSecond?: number | undefined;
  /** Bytes that wait for the line before the tail is dropped; absent: unlimited. */
  readonly queueBytes?: number | undefined;
}

/** How arriving bytes are taken: nothing before `pauseMs`, then `chunkBytes` every `everyMs`. */
export interface SlowReader {
  readonly pauseMs: number;
  readonly chunkBytes: number;
  readonly everyMs: number;
}

/** One end of a transfer and what it does. */
export interface TransferSide {
  readonly end: TransferEnd;
  /** Bytes it sends. */
  readonly sends: number;
  /** Absent: everything is read as it comes. */
  readonly reader?: SlowReader | undefined;
}

/** Bytes of the pattern that streams repeat; a prime, so that no segment size divides it. */
const PATTERN_BYTES = 65_537;
const IP_UDP_BYTES = 28;

/** The state of one side of one transfer. */
class Side {
  readonly end: TransferEnd;
  readonly sends: number;
  readonly reader: SlowReader | undefined;
  readonly random: Random;
  readonly pattern: Uint8Array;
  written = 0;
  received = 0;
  /** Bytes that a slow reader may take now. */
  allowance: number;
  /** When this side has its next event in the queue. */
  scheduledAt = Infinity;
  busyUntil = 0;
  lastArrivalAt = 0;
  /** Highest sequence number after a segment sent, and payload bytes sent below it. */
  sentTo = 0;
  retransmittedBytes = 0;
  segments = 0;
  zeroWindows = 0;

  constructor(side: TransferSide, seed: number) {
    this.end = side.end;
    this.sends = side.sends;
    this.reader = side.reader;
    this.allowance = side.reader === undefined ? Infinity : 0;
    this.random = seededRandom(seed);
    this.pattern = patternOf(seed);
  }
}

/** Something that is to happen to a transfer. */
interface Happening {
  readonly transfer: Transfer;
  readonly act: () => void;
}

/** What became of one direction of a transfer. */
export interface DirectionReport {
  readonly bytes: number;
  /** From the first CONNECT to the last byte delivered. */
  readonly elapsedMs: number;
  /** Stream bytes that were put on the wire again. */
  readonly retransmittedBytes: number;
  /** Datagrams sent by the side that sends. */
  readonly segments: number;
  /** Segments of the side that receives that announced a window of zero. */
  readonly zeroWindows: number;
}

/** One connection that moves bytes from `active` to `passive`, back, or both. */
export class Transfer {
  readonly name: string;
  readonly #link: TransferLink;
  readonly #sides: readonly [Side, Side];
  #clock: TransferClock | undefined;
  #queue: Heap<Happening> | undefined;
  #startedAt = 0;
  readonly #doneAt: [number, number] = [NaN, NaN];

  /**
   * @param name For failure messages; it should name the seed.
   * @param seed Decides bytes and the fate of each datagram, by direction and position.
   */
  constructor(
    name: string,
    seed: number,
    link: TransferLink,
    active: TransferSide,
    passive: TransferSide,
  ) {
    this.name = name;
    this.#link = link;
    this.#sides = [new Side(active, 2 * seed), new Side(passive, 2 * seed + 1)];
  }

  /** Whether both directions were delivered. */
  get done(): boolean {
    return this.#doneAt.every((at) => !Number.isNaN(at));
  }

  /** What became of the bytes that `from` sends. */
  report(from: "active" | "passive"): DirectionReport {
    const index = from === "active" ? 0 : 1;
    const sender = this.#sides[index];
    return {
      bytes: sender.sends,
      elapsedMs: this.#doneAt[index] - this.#startedAt,
      retransmittedBytes: sender.retransmittedBytes,
      segments: sender.segments,
      zeroWindows: this.#sides[1 - index]!.zeroWindows,
    };
  }

  /** Why this transfer cannot end, if it cannot. */
  get failure(): string | undefined {
    const [active, passive] = this.#sides;
    const failure = active.end.failure ?? passive.end.failure;
    return failure && `${this.name}: ${failure} after ${this.progress}`;
  }

  /** How far it has got, for failure messages. */
  get progress(): string {
    const [active, passive] = this.#sides;
    return `${passive.received}/${active.sends} bytes up, ${active.received}/${passive.sends} down`;
  }

  /** Begins; events go to `queue`. */
  start(clock: TransferClock, queue: Heap<Happening>): void {
    this.#clock = clock;
    this.#queue = queue;
    const now = clock.now();
    this.#startedAt = now;
    for (const [index, side] of this.#sides.entries()) {
      if (side.sends === 0) this.#doneAt[index] = now;
      if (side.reader !== undefined) this.#at(now + side.reader.pauseMs, () => this.#feed(side));
    }
    this.#sides[0].end.open(now);
    this.#serve(this.#sides[0], now);
    this.#serve(this.#sides[1], now);
  }

  #at(at: number, act: () => void): void {
    this.#queue!.push(at, { transfer: this, act });
  }

  #peer(side: Side): Side {
    return side === this.#sides[0] ? this.#sides[1] : this.#sides[0];
  }

  /** Reads, writes, sends and looks at the deadline: what a driver does after each call. */
  #serve(side: Side, now: number): void {
    this.#read(side, now);
    this.#write(side, now);
    for (let data; (data = side.end.pollTransmit()) !== undefined;) this.#carry(side, data, now);
    const at = side.end.pollDeadline();
    if (at === undefined || at >= side.scheduledAt || this.done) return;
    side.scheduledAt = at;
    this.#at(at, () => this.#wake(side, at));
  }

  #wake(side: Side, at: number): void {
    if (side.scheduledAt !== at) return;
    side.scheduledAt = Infinity;
    const now = this.#clock!.now();
    const deadline = side.end.pollDeadline();
    if (deadline !== undefined && deadline <= now) side.end.handleTimeout(now);
    this.#serve(side, now);
  }

  #feed(side: Side): void {
    const { chunkBytes, everyMs } = side.reader!;
    const now = this.#clock!.now();
    side.allowance = Math.min(side.allowance + chunkBytes, 4 * chunkBytes);
    this.#serve(side, now);
    if (!this.done) this.#at(now + everyMs, () => this.#feed(side));
  }

  #read(side: Side, now: number): void {
    const sender = this.#peer(side);
    while (side.allowance > 0) {
      const chunk = side.end.read();
      if (chunk === undefined) return;
      compare(chunk, sender.pattern, side.received, this.name);
      side.received += chunk.length;
      side.allowance -= chunk.length;
      if (side.received > sender.sends) throw new Error(`${this.name}: more came than was sent`);
      if (side.received === sender.sends) this.#doneAt[this.#sides.indexOf(sender)] = now;
    }
  }

  #write(side: Side, now: number): void {
    while (side.written < side.sends) {
      const start = side.written % PATTERN_BYTES;
      const length = Math.min(side.sends - side.written, 1292);
      const taken = side.end.write(side.pattern.subarray(start, start + length), now);
      if (taken === 0) return;
      side.written += taken;
    }
  }

  #carry(from: Side, data: Uint8Array, now: number): void {
    this.#account(from, data);
    const { rttMs, loss, duplication, reordering, reorderMs = 30 } = this.#link;
    // Every datagram draws the same numbers, so that the fate of one does not move the next one's.
    const draws = [chance(from, loss), chance(from, duplication), chance(from, reordering)];
    const heldMs = fraction(from) * reorderMs;
    const departsAt = this.#departure(from, data.length + IP_UDP_BYTES, now);
    if (draws[0] || departsAt === undefined) return;
    let at = Math.max(departsAt + rttMs / 2, from.lastArrivalAt);
    if (draws[2]) at += heldMs;
    else from.lastArrivalAt = at;
    const to = this.#peer(from);
    for (let copies = draws[1] ? 2 : 1; copies > 0; copies--) {
      this.#at(at, () => this.#deliver(to, data));
    }
  }

  #deliver(to: Side, data: Uint8Array): void {
    const now = this.#clock!.now();
    to.end.handleSegment(data, now);
    this.#serve(to, now);
  }

  /** When the last byte has left the sender's line, or nothing when its queue is full. */
  #departure(from: Side, bytes: number, now: number): number | undefined {
    const { bytesPerSecond, queueBytes = Infinity } = this.#link;
    if (bytesPerSecond === undefined) return now;
    const startsAt = Math.max(from.busyUntil, now);
    if ((startsAt - now) * bytesPerSecond / 1000 > queueBytes) return undefined;
    from.busyUntil = startsAt + bytes * 1000 / bytesPerSecond;
    return from.busyUntil;
  }

  #account(from: Side, data: Uint8Array): void {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const length = data.length - HEADER_BYTES;
    from.segments++;
    if (view.getUint16(14) === 0) from.zeroWindows++;
    if ((view.getUint8(13) & FLAG_RST) !== 0) throw new Error(`${this.name}: a reset was sent`);
    if (length === 0) return;
    const end = view.getUint32(4) + length;
    const fresh = Math.max(0, end - from.sentTo);
    from.retransmittedBytes += Math.max(0, length - fresh);
    from.sentTo = Math.max(from.sentTo, end);
  }
}

/**
 * Runs transfers at the same time until each is done.
 *
 * @param limitMs Time, on the clock, after which it fails.
 * @throws {Error} When a connection ends, a byte is wrong, or the time is up.
 */
export function runTransfers(
  transfers: readonly Transfer[],
  clock: TransferClock,
  limitMs: number,
): void {
  const queue = new Heap<Happening>();
  const endsAt = clock.now() + limitMs;
  for (const transfer of transfers) transfer.start(clock, queue);
  let left = transfers.filter((transfer) => !transfer.done).length;
  while (left > 0) {
    const at = queue.nextAt;
    if (at === undefined || at > endsAt) {
      const stuck = transfers.filter(({ done }) => !done);
      const lines = stuck.map(({ name, progress }) => `${name}: ${progress}`);
      throw new Error(`not done within ${limitMs} ms:\n${lines.join("\n")}`);
    }
    clock.waitUntil(at);
    const { transfer, act } = queue.pop()!;
    if (transfer.done) continue;
    act();
    if (transfer.failure !== undefined) throw new Error(transfer.failure);
    if (transfer.done) left--;
  }
}

function patternOf(seed: number): Uint8Array {
  const pattern = new Uint8Array(2 * PATTERN_BYTES);
  const block = seededRandom(seed + 500).bytes(PATTERN_BYTES);
  pattern.set(block);
  pattern.set(block, PATTERN_BYTES);
  return pattern;
}

function compare(chunk: Uint8Array, pattern: Uint8Array, position: number, name: string): void {
  for (let done = 0; done < chunk.length;) {
    const start = (position + done) % PATTERN_BYTES;
    const length = Math.min(chunk.length - done, PATTERN_BYTES);
    for (let i = 0; i < length; i++) {
      if (chunk[done + i] === pattern[start + i]) continue;
      throw new Error(`${name}: byte ${position + done + i} is not what was sent`);
    }
    done += length;
  }
}

function fraction(side: Side): number {
  return side.random.uint32() / 0x1_0000_0000;
}

function chance(side: Side, probability = 0): boolean {
  return fraction(side) < probability;
}
