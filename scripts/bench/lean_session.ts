/**
 * The far end of a tunnel that costs next to nothing, for benches: it speaks just enough PTCP to
 * send as fast as the window allows, to swallow what comes, and to answer small requests.
 *
 * It expects a loopback that loses little and never reorders: whatever is not in order is dropped,
 * and after a silence everything in flight is sent again.
 *
 * @module
 */
import { readUint32, writeUint16, writeUint32 } from "../../lib/core/bytes.ts";
import {
  ackOf,
  FLAG_CTL,
  flagsOf,
  HEADER_BYTES,
  payloadOf,
  sequenceOf,
  timestampOf,
  windowOf,
  writeHeader,
} from "../../lib/core/ptcp/segment.ts";
import { seqAdd, seqDiff } from "../../lib/core/ptcp/sequence.ts";
import {
  encodeDataFrame,
  encodeFrame,
  type Frame,
  FRAME_HEADER_BYTES,
  FrameParser,
  MAX_FRAME_DATA,
} from "../../lib/core/realm/frame.ts";
import { DATA_KIND } from "../../lib/core/realm/frame_codec.ts";
import { Fifo } from "../../fixtures/world/fifo.ts";

/** Ports of the lean device, and what they do. */
export const LEAN_PORTS = {
  /** Answers a count of 4 bytes with that many bytes, and ends. */
  source: 9001,
  /** Swallows as many bytes as the first 4 say, answers one byte, and ends. */
  sink: 9002,
  /** Gives everything back. */
  echo: 9003,
} as const;

interface LeanRealm {
  readonly id: number;
  readonly port: number;
  readonly head: number[];
  /** Bytes still to send (source) or to come (sink). */
  left: number;
}

interface InFlight {
  readonly end: number;
  readonly datagram: Uint8Array;
}

const WINDOW_FIELD = 0xffff;
const ACK_DELAY_MS = 20;
const SEGMENTS_PER_ACK = 2;
const RESEND_MS = 300;
const FULL_BYTES = HEADER_BYTES + FRAME_HEADER_BYTES + MAX_FRAME_DATA;

/** One session of the lean device. */
export class LeanSession {
  readonly #parser = new FrameParser();
  readonly #realms = new Map<number, LeanRealm>();
  readonly #sources = new Fifo<LeanRealm>();
  readonly #control = new Fifo<Uint8Array>();
  readonly #flight = new Fifo<InFlight>();
  readonly #resend = new Fifo<InFlight>();
  /** Full datagrams that were acknowledged: their bytes are used again. */
  readonly #spare: Uint8Array[] = [];
  #expected = 0;
  #unacknowledged = 0;
  #next = 0;
  #peerWindow = 0;
  #echo = 0;
  #unacked = 0;
  #ackAt = Infinity;
  #progressAt = 0;

  /** Takes one segment. */
  handleSegment(bytes: Uint8Array, now: number): void {
    const sequence = sequenceOf(bytes);
    this.#echo = timestampOf(bytes);
    if ((flagsOf(bytes) & FLAG_CTL) !== 0) return this.#onConnect(bytes, now);
    this.#onAck(ackOf(bytes), now);
    this.#peerWindow = windowOf(bytes);
    if (bytes.length === HEADER_BYTES) return;
    const payload = payloadOf(bytes);
    if (sequence !== this.#expected) {
      this.#unacked = SEGMENTS_PER_ACK;
      return;
    }
    this.#expected = seqAdd(sequence, payload.length);
    this.#unacked++;
    if (this.#ackAt === Infinity) this.#ackAt = now + ACK_DELAY_MS;
    this.#parser.push(payload);
    for (let f = this.#parser.next(); f !== undefined; f = this.#parser.next()) this.#onFrame(f);
  }

  /** Runs the timers. */
  handleTimeout(now: number): void {
    if (now >= this.#ackAt) this.#unacked = SEGMENTS_PER_ACK;
    if (now < this.#resendAt()) return;
    this.#progressAt = now;
    this.#resend.clear();
    for (let i = this.#flight.length; i > 0; i--) {
      const entry = this.#flight.shift()!;
      this.#flight.push(entry);
      this.#resend.push(entry);
    }
  }

  /** The next datagram for the client. */
  pollTransmit(now: number): Uint8Array | undefined {
    const again = this.#resend.shift();
    if (again !== undefined) return again.datagram;
    const frame = this.#control.peek();
    if (frame !== undefined && this.#fits(frame.length)) {
      this.#control.shift();
      const datagram = new Uint8Array(HEADER_BYTES + frame.length);
      datagram.set(frame, HEADER_BYTES);
      return this.#send(datagram, 0, now);
    }
    while (this.#sources.peek()?.left === 0) this.#sources.shift();
    if (this.#sources.length > 0 && this.#fits(FULL_BYTES - HEADER_BYTES)) {
      return this.#send(this.#dataOf(this.#sources.shift()!), 0, now);
    }
    if (this.#unacked < SEGMENTS_PER_ACK) return undefined;
    const ack = new Uint8Array(HEADER_BYTES);
    this.#writeHeader(ack, 0, now);
    return ack;
  }

  /** When `handleTimeout` is due. */
  get deadlineAt(): number {
    return Math.min(this.#ackAt, this.#resendAt());
  }

  #resendAt(): number {
    return this.#flight.length > 0 ? this.#progressAt + RESEND_MS : Infinity;
  }

  #fits(length: number): boolean {
    return seqDiff(this.#next, this.#unacknowledged) + length <= this.#peerWindow;
  }

  #onConnect(bytes: Uint8Array, now: number): void {
    const payload = payloadOf(bytes);
    if (this.#next !== 0) return;
    this.#expected = seqAdd(sequenceOf(bytes), payload.length);
    const datagram = new Uint8Array(HEADER_BYTES + 4);
    datagram.set([0, 3, 1, 0], HEADER_BYTES);
    this.#resend.push({ end: 4, datagram: this.#send(datagram, FLAG_CTL, now) });
  }

  #onAck(ack: number, now: number): void {
    if (seqDiff(ack, this.#unacknowledged) <= 0) return;
    this.#unacknowledged = ack;
    this.#progressAt = now;
    for (let e = this.#flight.peek(); e && seqDiff(ack, e.end) >= 0; e = this.#flight.peek()) {
      this.#flight.shift();
      if (e.datagram.length === FULL_BYTES) this.#spare.push(e.datagram);
    }
    this.#resend.clear();
  }

  #onFrame(frame: Frame): void {
    if (frame.type === "bind") {
      const { realm: id, port } = frame;
      this.#realms.set(id, { id, port, head: [], left: 0 });
      this.#control.push(encodeFrame({ type: "status", realm: id, status: "CONN" }));
    } else if (frame.type === "status") {
      this.#hangUp(frame.realm);
    } else if (frame.type === "sign-present") {
      this.#control.push(encodeFrame({ type: "sign-answer", value: frame.value }));
    } else if (frame.type === "data") {
      const realm = this.#realms.get(frame.realm);
      if (realm !== undefined) this.#onData(realm, frame.data);
    }
  }

  #onData(realm: LeanRealm, data: Uint8Array): void {
    if (realm.port === LEAN_PORTS.echo) {
      this.#control.push(encodeDataFrame(realm.id, data, 0, data.length));
      return;
    }
    let rest = data;
    while (realm.head.length < 4 && rest.length > 0) {
      realm.head.push(rest[0]!);
      rest = rest.subarray(1);
      if (realm.head.length < 4) continue;
      realm.left = readUint32(Uint8Array.from(realm.head), 0);
      if (realm.port === LEAN_PORTS.source) this.#sources.push(realm);
    }
    if (realm.port !== LEAN_PORTS.sink || rest.length === 0) return;
    realm.left -= rest.length;
    if (realm.left > 0) return;
    this.#control.push(encodeDataFrame(realm.id, Uint8Array.of(1), 0, 1));
    this.#end(realm);
  }

  /** The client has gone; a source that is still in turn is passed over there. */
  #hangUp(id: number): void {
    const realm = this.#realms.get(id);
    if (realm !== undefined) realm.left = 0;
    this.#realms.delete(id);
  }

  #end(realm: LeanRealm): void {
    this.#realms.delete(realm.id);
    this.#control.push(encodeFrame({ type: "status", realm: realm.id, status: "DISC" }));
  }

  /** The next DATA of a source, whose turn comes again behind the others. */
  #dataOf(realm: LeanRealm): Uint8Array {
    const length = Math.min(MAX_FRAME_DATA, realm.left);
    const datagram = length === MAX_FRAME_DATA && this.#spare.pop() ||
      new Uint8Array(HEADER_BYTES + FRAME_HEADER_BYTES + length);
    datagram[HEADER_BYTES] = DATA_KIND;
    writeUint16(datagram, HEADER_BYTES + 2, length);
    writeUint32(datagram, HEADER_BYTES + 4, realm.id);
    realm.left -= length;
    if (realm.left > 0) this.#sources.push(realm);
    else this.#end(realm);
    return datagram;
  }

  #send(datagram: Uint8Array, flags: number, now: number): Uint8Array {
    const sequence = this.#next;
    this.#next = seqAdd(sequence, datagram.length - HEADER_BYTES);
    if (this.#flight.length === 0) this.#progressAt = now;
    this.#writeHeader(datagram, flags, now, sequence);
    this.#flight.push({ end: this.#next, datagram });
    return datagram;
  }

  #writeHeader(bytes: Uint8Array, flags: number, now: number, sequence = this.#next): void {
    const timestamp = (now & 0x7fffffff) || 1;
    writeHeader(bytes, sequence, this.#expected, flags, WINDOW_FIELD, timestamp, this.#echo);
    this.#unacked = 0;
    this.#ackAt = Infinity;
  }
}
