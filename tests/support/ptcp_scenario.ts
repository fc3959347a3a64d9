/**
 * A language of three words for one PTCP connection and a scripted peer: `send` a segment at t,
 * `expectSegments` at t, `expectSilence` until t. Time is virtual; every segment the connection
 * sends must be expected, at its exact millisecond.
 *
 * Sequence numbers are relative: `seq: 0` is the first byte of the stream after the CONNECT, in
 * either direction. Both streams begin so that they wrap within the first bytes.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  PtcpConnection,
  type PtcpEvent,
  type PtcpOptions,
} from "../../lib/core/ptcp/connection.ts";
import { decodeSegment, encodeSegment, FLAG_CTL } from "../../lib/core/ptcp/segment.ts";
import { seqAdd, seqDiff } from "../../lib/core/ptcp/sequence.ts";
import type { TraceEvent } from "../../lib/core/types.ts";

/** A segment of the peer; what is left out is what a quiet peer would say. */
export interface PeerSegment {
  /** Default: the peer's next byte. */
  readonly seq?: number;
  /** Default: everything of ours. */
  readonly ack?: number;
  /** Length of a body of zeros, or the body. */
  readonly body?: number | Uint8Array;
  readonly window?: number;
  readonly flags?: number;
  readonly control?: number;
  /** Default: the scenario's time. */
  readonly ts?: number;
  /** Default 0: no sample. */
  readonly echo?: number;
}

/** A segment we expect: only the fields given are compared. */
export interface ExpectedSegment {
  readonly seq?: number;
  readonly ack?: number;
  readonly length?: number;
  readonly window?: number;
  readonly flags?: number;
  readonly control?: number;
  readonly ts?: number;
  readonly echo?: number;
  readonly body?: Uint8Array;
}

/** CONNECT takes this much sequence space. */
const CONNECT_BYTES = 4;
const CONNECT_BODY = Uint8Array.of(0, 3, 1, 0);

interface Sent {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** One connection under test. */
export class PtcpScenario {
  readonly connection: PtcpConnection;
  readonly traces: TraceEvent[] = [];
  readonly #own: number;
  readonly #peer: number;
  readonly #outbox: Sent[] = [];
  #now = 0;
  #peerNext = -CONNECT_BYTES;

  /**
   * @param options Those of the connection; the sequence numbers default to just below 2^32, and
   * acks to the steady state: no quick ones.
   */
  constructor(options: PtcpOptions) {
    this.#own = options.initialSequence ?? 0xffff_fff8;
    this.#peer = options.initialPeerSequence ?? 0xffff_fff4;
    this.connection = new PtcpConnection({
      trace: (event) => this.traces.push(event),
      quickAckSegments: 0,
      ...options,
      initialSequence: this.#own,
      initialPeerSequence: this.#peer,
    });
  }

  /** An active connection that is open since t = 0, with no sample of the round trip. */
  static opened(options: Partial<PtcpOptions> = {}, window = 0xffff): PtcpScenario {
    const scenario = new PtcpScenario({ role: "active", ackDelayMs: 20, ...options });
    scenario.open(0);
    scenario.expectSegments(0, [{ flags: FLAG_CTL, seq: -4 }]);
    scenario.send(0, { flags: FLAG_CTL, body: CONNECT_BODY, ack: 0, window });
    assertEquals(scenario.events(), ["open"]);
    // Any segment carries the ack of the CONNECT; this one leaves at once if acks are prompt.
    if ((options.quirks?.ackDelayMs ?? options.ackDelayMs ?? 20) > 0) {
      scenario.advance(20);
      scenario.expectSegments(20, [{ seq: 0, ack: 0, length: 0 }]);
    } else scenario.expectSegments(0, [{ seq: 0, ack: 0, length: 0 }]);
    return scenario;
  }

  /** The scenario's time. */
  get now(): number {
    return this.#now;
  }

  /** Runs timers up to and at `at`; what they send must be expected afterwards. */
  advance(at: number): this {
    assert(at >= this.#now, `time goes forward: ${at} after ${this.#now}`);
    for (let i = 0; i < 100_000; i++) {
      const deadline = this.connection.pollDeadline();
      if (deadline === undefined || deadline.at > at) {
        this.#now = at;
        return this;
      }
      this.#now = Math.max(this.#now, deadline.at);
      this.connection.handleTimeout(this.#now);
      this.#drain();
    }
    throw new Error("timers do not come to rest");
  }

  /** Opens the active side. */
  open(at: number): this {
    return this.#do(at, () => this.connection.open(at));
  }

  /** Word one: the peer sends a segment. */
  send(at: number, segment: PeerSegment = {}): this {
    const body = typeof segment.body === "number"
      ? new Uint8Array(segment.body)
      : segment.body ?? new Uint8Array(0);
    const seq = segment.seq ?? this.#peerNext;
    if (segment.control === undefined) this.#peerNext = Math.max(this.#peerNext, seq + body.length);
    const bytes = encodeSegment({
      sequence: seqAdd(this.#peer, CONNECT_BYTES + seq),
      ack: segment.ack === undefined
        ? seqAdd(this.#own, CONNECT_BYTES + this.#sentEnd)
        : seqAdd(this.#own, CONNECT_BYTES + segment.ack),
      control: segment.control ?? 0,
      flags: segment.flags ?? 0,
      window: segment.window ?? 0xffff,
      timestamp: segment.ts ?? 5000 + at,
      echo: segment.echo ?? 0,
      payload: body,
    });
    return this.sendBytes(at, bytes);
  }

  /** The peer sends raw bytes. */
  sendBytes(at: number, bytes: Uint8Array): this {
    return this.#do(at, () => this.connection.handleSegment(bytes, at));
  }

  /** We write one frame of `length` bytes, or the bytes given. */
  write(at: number, frame: number | Uint8Array): this {
    return this.#do(at, () => {
      const bytes = typeof frame === "number" ? new Uint8Array(frame) : frame;
      assert(this.connection.write(bytes, at), "there is room for the write");
    });
  }

  /** We read everything there is. */
  read(at: number): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    this.#do(at, () => {
      for (let chunk; (chunk = this.connection.read()) !== undefined;) chunks.push(chunk);
    });
    return chunks;
  }

  /** Word two: exactly these segments are sent at `at`, and nothing before. */
  expectSegments(at: number, expected: readonly ExpectedSegment[]): this {
    this.advance(at);
    const sent = this.#outbox.splice(0);
    assertEquals(
      sent.map((one) => one.at),
      expected.map(() => at),
      `what was sent: ${JSON.stringify(sent.map((one) => this.#describe(one)))}`,
    );
    for (const [index, one] of sent.entries()) {
      const actual: Record<string, unknown> = this.#describe(one);
      for (const [name, value] of Object.entries(expected[index]!)) {
        assertEquals(actual[name], value, `${name} of segment ${index} at ${at} ms`);
      }
    }
    return this;
  }

  /** Word three: nothing is sent up to and at `until`. */
  expectSilence(until: number): this {
    this.advance(until);
    assertEquals(this.#outbox.map((one) => [one.at, this.#describe(one)]), [], "silence");
    return this;
  }

  /** The types of the events so far, a close with its reason. */
  events(): string[] {
    const names: string[] = [];
    for (let event: PtcpEvent | undefined; (event = this.connection.pollEvent()) !== undefined;) {
      names.push(event.type === "closed" ? `closed: ${event.reason}` : event.type);
    }
    return names;
  }

  /** Reasons for which segments were dropped so far. */
  drops(): unknown[] {
    const dropped = this.traces.filter((event) => event.name === "segment-dropped");
    return dropped.map((event) => event.data["reason"]);
  }

  #sentEnd = -CONNECT_BYTES;

  #do(at: number, action: () => void): this {
    this.advance(at);
    action();
    this.#drain();
    return this;
  }

  #drain(): void {
    for (let bytes; (bytes = this.connection.pollTransmit()) !== undefined;) {
      this.#outbox.push({ at: this.#now, bytes });
      const { sequence, payload, control } = decodeSegment(bytes);
      if (control !== 0) continue;
      const end = seqDiff(sequence, this.#own) - CONNECT_BYTES + payload.length;
      this.#sentEnd = Math.max(this.#sentEnd, end);
    }
  }

  #describe({ bytes }: Sent): Required<ExpectedSegment> {
    const segment = decodeSegment(bytes);
    return {
      seq: seqDiff(segment.sequence, this.#own) - CONNECT_BYTES,
      ack: seqDiff(segment.ack, this.#peer) - CONNECT_BYTES,
      length: segment.payload.length,
      window: segment.window,
      flags: segment.flags,
      control: segment.control,
      ts: segment.timestamp,
      echo: segment.echo,
      body: segment.payload,
    };
  }
}
