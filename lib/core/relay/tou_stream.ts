/**
 * Realm frames on a TCP connection, what the vendor calls TOU: the same frames as in PTCP, behind one
 * HTTP request and its answer. TCP has done what PTCP does, so that this only keeps the bytes of both
 * directions within bounds.
 *
 * | state      | on                          | then                                     |
 * |------------|-----------------------------|------------------------------------------|
 * | idle       | `open`                      | connecting                               |
 * | connecting | connected                   | the request leaves                       |
 * | connecting | answered 2xx, or a frame    | open                                     |
 * | connecting | answered 3xx or above       | closed: bind-refused                     |
 * | connecting | anything else               | closed: bind-unusable                    |
 * | connecting | ended before the request    | closed: connect-failed                   |
 * | any other  | ended                       | closed: relay-closed                     |
 * | any        | `abort`                     | closed: aborted                          |
 *
 * "Acknowledged" means here that the driver has written it: TCP tells no more.
 *
 * Source: PROTOCOL.md sections 2.5, 5 and 9 ("TCP relay").
 *
 * @module
 */
import { concatBytes } from "../bytes.ts";
import { DecodeError, StateError } from "../errors.ts";
import { emptyStats, type PtcpStats } from "../ptcp/stats.ts";
import { ByteQueue } from "../realm/byte_queue.ts";
import type { SessionTransport, TransportEvent } from "../realm/transport.ts";
import type { Deadline, Trace } from "../types.ts";
import { BindAnswer, type BindOutcome } from "./relay_bind.ts";
import type { StreamReport, StreamRequest } from "./stream.ts";

/** Why a stream ended. */
export type TouCloseReason =
  /** There was no TCP connection. */
  | "connect-failed"
  /** The agent refused our token. */
  | "bind-refused"
  /** What came instead of an answer makes no sense. */
  | "bind-unusable"
  /** The other side closed the connection. */
  | "relay-closed"
  /** We did. */
  | "aborted";

/** What a stream is made of. */
export interface TouStreamOptions {
  /** First bytes on the connection: see `relay_bind.ts`. */
  readonly request: Uint8Array;
  /** Frames that wait to be written; 64 KiB, what a socket takes at once. */
  readonly sendBufferBytes?: number | undefined;
  /** Bytes that wait to be read before reading pauses; 64 KiB, one more read may come on top. */
  readonly receiveBufferBytes?: number | undefined;
  /** Where it is told how the stream begins and ends. */
  readonly trace?: Trace | undefined;
}

/** Most bytes given out at once. */
const MAX_OUTPUT_BYTES = 65_536;

/** A frame transport over one TCP connection that a driver owns. */
export class TouStream implements SessionTransport {
  readonly stats: PtcpStats = emptyStats();
  readonly smoothedRttMs: number | undefined = undefined;
  readonly isAckUrgent = false;
  readonly #request: Uint8Array;
  readonly #sendBufferBytes: number;
  readonly #receiveBufferBytes: number;
  readonly #trace: Trace | undefined;
  readonly #answer = new BindAnswer();
  readonly #incoming = new ByteQueue();
  readonly #events: TransportEvent[] = [];
  readonly #requests: StreamRequest[] = [];
  #outgoing: Uint8Array[] = [];
  #outgoingBytes = 0;
  /** Bytes with the driver that may not be written yet. */
  #givenBytes = 0;
  #givenAt = 0;
  #isOutputTold = false;
  #isPaused = false;
  #isWriterWaiting = false;
  #isConnected = false;
  #state: "idle" | "connecting" | "open" | "closed" = "idle";
  #lastReceiveAt: number | undefined;
  #lastProgressAt = 0;
  #refusal: number | undefined;

  /** A stream without a connection. @throws {RangeError} When a size is not positive. */
  constructor(options: TouStreamOptions) {
    const { request, sendBufferBytes = 65_536, receiveBufferBytes = 65_536 } = options;
    if (!(sendBufferBytes > 0 && receiveBufferBytes > 0)) {
      throw new RangeError("buffers must hold something");
    }
    this.#request = request;
    this.#sendBufferBytes = sendBufferBytes;
    this.#receiveBufferBytes = receiveBufferBytes;
    this.#trace = options.trace;
  }

  get state(): "idle" | "connecting" | "open" | "closed" {
    return this.#state;
  }

  /** Status of the answer that refused us, if one did. */
  get refusal(): number | undefined {
    return this.#refusal;
  }

  /** Bytes written that the driver has not written yet. */
  get unacknowledgedBytes(): number {
    return this.#outgoingBytes + this.#givenBytes;
  }

  get peerWindowBytes(): number {
    return Math.max(0, this.#sendBufferBytes - this.unacknowledgedBytes);
  }

  get readableBytes(): number {
    return this.#state === "connecting" ? 0 : this.#incoming.length;
  }

  get oldestUnackedAt(): number | undefined {
    return this.#givenBytes > 0 ? this.#givenAt : undefined;
  }

  get lastReceiveAt(): number | undefined {
    return this.#lastReceiveAt;
  }

  get lastProgressAt(): number {
    return this.#lastProgressAt;
  }

  /** Whether the driver is to read no further until {@linkcode pollRequest} says `resume`. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** From now on a connection is expected. @throws {StateError} The second time. */
  open(now: number): void {
    if (this.#state !== "idle") throw new StateError(`cannot open while ${this.#state}`);
    this.#state = "connecting";
    this.#lastProgressAt = now;
  }

  /** Takes what happened on the connection. What comes after the end is ignored. */
  handle(report: StreamReport, now: number): void {
    if (this.#state === "idle" || this.#state === "closed") return;
    if (report.type === "bytes") return this.handleSegment(report.bytes, now);
    if (report.type === "ended") {
      return this.#close(this.#isConnected ? "relay-closed" : "connect-failed", now);
    }
    if (this.#isConnected) return;
    this.#isConnected = true;
    this.#enqueue(this.#request);
  }

  /** Takes bytes that came: any part of the stream. */
  handleSegment(bytes: Uint8Array, now: number): void {
    if (!this.#isConnected || this.#state === "closed") return;
    this.#lastReceiveAt = now;
    if (this.#state === "open") this.#receive(bytes);
    else this.#bind(bytes, now);
  }

  handleTimeout(_now: number): void {}

  pollDeadline(): Deadline | undefined {
    return undefined;
  }

  /** Nothing: the bytes leave by {@linkcode takeOutput}. */
  pollTransmit(): undefined {}

  pollEvent(): TransportEvent | undefined {
    return this.#events.shift();
  }

  /** What the driver is to do next, or nothing. */
  pollRequest(): StreamRequest | undefined {
    return this.#requests.shift();
  }

  write(frame: Uint8Array, _now: number): boolean {
    if (this.#state !== "open") return false;
    if (this.unacknowledgedBytes + frame.length > this.#sendBufferBytes) {
      this.#isWriterWaiting = true;
      return false;
    }
    this.#enqueue(frame);
    return true;
  }

  /** Frames need no room before them. */
  get headroomBytes(): number {
    return 0;
  }

  writeOwned(frame: Uint8Array, now: number): boolean {
    return this.write(frame, now);
  }

  /**
   * The next bytes to write, or nothing; then `output` follows when there are some again. Asking
   * means that what was given out before has been written.
   */
  takeOutput(now: number): Uint8Array | undefined {
    if (this.#givenBytes > 0) {
      this.#givenBytes = 0;
      this.#lastProgressAt = now;
      if (this.#isWriterWaiting) {
        this.#isWriterWaiting = false;
        this.#events.push({ type: "writable" });
      }
    }
    if (!this.#isConnected || this.#outgoing.length === 0) {
      this.#isOutputTold = false;
      return undefined;
    }
    let count = 0;
    let length = 0;
    while (count < this.#outgoing.length && length < MAX_OUTPUT_BYTES) {
      length += this.#outgoing[count++]!.length;
    }
    const taken = this.#outgoing.splice(0, count);
    this.#outgoingBytes -= length;
    this.#givenBytes = length;
    this.#givenAt = now;
    // What introduces us is no frame.
    this.stats.bytesOut += taken[0] === this.#request ? length - this.#request.length : length;
    this.stats.segmentsOut++;
    return taken.length === 1 ? taken[0] : concatBytes(taken);
  }

  read(_now: number): Uint8Array | undefined {
    if (this.#state === "connecting") return undefined;
    const chunk = this.#incoming.shift();
    if (chunk !== undefined) this.stats.bytesIn += chunk.length;
    if (this.#isPaused && this.#incoming.length <= this.#receiveBufferBytes / 2) {
      this.#isPaused = false;
      if (this.#state !== "closed") this.#requests.push({ type: "resume" });
    }
    return chunk;
  }

  abort(now: number): void {
    if (this.#state !== "closed") this.#close("aborted", now);
  }

  #bind(bytes: Uint8Array, now: number): void {
    let outcome: BindOutcome;
    try {
      outcome = this.#answer.push(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#tell(now, "bind-unusable", { what: error.what });
      return this.#close("bind-unusable", now);
    }
    if (outcome.type === "waiting") return;
    if (outcome.type === "refused") {
      this.#refusal = outcome.status;
      return this.#close("bind-refused", now);
    }
    this.#state = "open";
    this.#tell(now, "bound", {});
    this.#events.push({ type: "open" });
    this.#receive(outcome.rest);
  }

  #receive(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.stats.segmentsIn++;
    this.#incoming.push(bytes);
    this.#events.push({ type: "readable" });
    if (this.#incoming.length >= this.#receiveBufferBytes) this.#isPaused = true;
  }

  #enqueue(bytes: Uint8Array): void {
    this.#outgoing.push(bytes);
    this.#outgoingBytes += bytes.length;
    if (this.#isOutputTold) return;
    this.#isOutputTold = true;
    this.#requests.push({ type: "output" });
  }

  #close(reason: TouCloseReason, now: number): void {
    this.#state = "closed";
    this.#outgoing = [];
    this.#outgoingBytes = 0;
    this.#givenBytes = 0;
    this.#requests.length = 0;
    this.#requests.push({ type: "close" });
    this.#tell(now, "stream-closed", {
      reason,
      ...(this.#refusal === undefined ? {} : { status: this.#refusal }),
    });
    this.#events.push({ type: "closed", reason });
  }

  #tell(at: number, name: string, data: Record<string, string | number>): void {
    this.#trace?.({ at, scope: "tcp-relay", name, data });
  }
}
