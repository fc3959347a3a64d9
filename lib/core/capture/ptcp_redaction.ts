/**
 * Blanking of secrets in PTCP connections: both byte streams are followed in order, and a segment is
 * blanked by what the stream says about its bytes, first sending and retransmissions alike.
 *
 * @module
 */
import { isNackBody } from "../ptcp/nack.ts";
import { controlOf, FLAG_CTL, flagsOf, HEADER_BYTES, sequenceOf } from "../ptcp/segment.ts";
import { seqAdd, seqDiff } from "../ptcp/sequence.ts";
import { FrameRedaction, RealmRedactions, type Side } from "./frame_redaction.ts";

/** Longest control or NACK body that is believed; a longer one is blanked. */
const MAX_CONTROL_BYTES = 264;

/** What a kept stretch costs beside its bytes, so that tiny ones are bounded in number too. */
const STRETCH_BYTES = 32;

/** Segments further ahead than this are no part of the stream: the largest window with its scale. */
const MAX_AHEAD_BYTES = 2 ** 24;

/** Limits of a {@linkcode PtcpRedaction}. */
export interface PtcpRedactionOptions {
  readonly rtspPorts: ReadonlySet<number>;
  /** Blanked bytes kept per direction for retransmissions. */
  readonly historyBytes: number;
  /** Bytes kept per direction behind a gap. */
  readonly pendingBytes: number;
}

/** A stretch of a stream; `at` counts bytes from the first one seen and does not wrap. */
interface Stretch {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly isControl: boolean;
}

/** A segment on its way through redaction: known once the stream has reached its end. */
export interface Redactable {
  /** Whether {@linkcode redacted} has its final answer. */
  readonly isDecided: boolean;
  /** Gives up on what is missing before this segment. */
  decide(): void;
  /** The segment with header, of the same length. What is unknown is zero. */
  redacted(): Uint8Array;
}

/** A segment that needs nothing of the stream. */
class Fixed implements Redactable {
  readonly isDecided = true;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  decide(): void {}

  redacted(): Uint8Array {
    return this.#bytes;
  }
}

class InStream implements Redactable {
  readonly #half: HalfStream;
  readonly #segment: Uint8Array;
  readonly #at: number;

  constructor(half: HalfStream, segment: Uint8Array, at: number) {
    this.#half = half;
    this.#segment = segment;
    this.#at = at;
  }

  get #end(): number {
    return this.#at + this.#segment.length - HEADER_BYTES;
  }

  get isDecided(): boolean {
    return this.#half.reached(this.#end);
  }

  decide(): void {
    this.#half.skipTo(this.#end);
  }

  redacted(): Uint8Array {
    const bytes = new Uint8Array(this.#segment.length);
    bytes.set(this.#segment.subarray(0, HEADER_BYTES));
    this.#half.copyHistory(this.#at, bytes.subarray(HEADER_BYTES));
    return bytes;
  }
}

/** One direction of a connection. */
class HalfStream {
  readonly frames: FrameRedaction;
  readonly #historyBytes: number;
  readonly #pendingBytes: number;
  #sequence: number | undefined;
  #at = 0;
  readonly #history: Stretch[] = [];
  #historyLength = 0;
  /** Sorted by `at`. */
  readonly #pending: Stretch[] = [];
  #pendingLength = 0;
  hasSentData = false;

  constructor(frames: FrameRedaction, options: PtcpRedactionOptions) {
    this.frames = frames;
    this.#historyBytes = options.historyBytes;
    this.#pendingBytes = options.pendingBytes;
  }

  /** Whether the next byte is the one with this sequence number. */
  isNext(sequence: number): boolean {
    return this.#sequence === sequence;
  }

  /** Whether the stream is known up to `end`. */
  reached(end: number): boolean {
    return this.#at >= end;
  }

  /** Takes a segment's body; where in the stream it stands, or nothing when that cannot be. */
  add(sequence: number, bytes: Uint8Array, isControl: boolean): number | undefined {
    if (this.#sequence === undefined) {
      this.#sequence = sequence;
      // Joined in the middle: where frames begin is not known.
      if (!isControl) this.frames.lose();
    }
    if (!isControl) this.hasSentData = true;
    const ahead = seqDiff(sequence, this.#sequence);
    if (ahead > MAX_AHEAD_BYTES || -ahead > MAX_AHEAD_BYTES) return undefined;
    const at = this.#at + ahead;
    if (ahead <= 0) this.#take({ at, bytes, isControl });
    else this.#keep({ at, bytes, isControl });
    this.#takePending();
    return at;
  }

  /** Gives up on missing bytes until the stream is known up to `end`. */
  skipTo(end: number): void {
    while (this.#at < end && this.#pending.length > 0) {
      this.#jump(this.#pending[0]!.at);
      this.#takePending();
    }
    if (this.#at < end) this.#jump(end);
  }

  /** Fills `target` with the blanked bytes from `at` on; zero where they are no longer known. */
  copyHistory(at: number, target: Uint8Array): void {
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const stretch = this.#history[middle]!;
      if (stretch.at + stretch.bytes.length <= at) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < this.#history.length; i++) {
      const stretch = this.#history[i]!;
      if (stretch.at >= at + target.length) return;
      const skip = Math.max(0, at - stretch.at);
      const offset = stretch.at + skip - at;
      target.set(stretch.bytes.subarray(skip, skip + target.length - offset), offset);
    }
  }

  #jump(at: number): void {
    this.#sequence = seqAdd(this.#sequence!, at - this.#at);
    this.#at = at;
    this.frames.lose();
  }

  #take(stretch: Stretch): void {
    const known = this.#at - stretch.at;
    if (known >= stretch.bytes.length) return;
    const bytes = stretch.bytes.slice(known);
    if (!stretch.isControl) this.frames.redact(bytes);
    else if (bytes.length > MAX_CONTROL_BYTES) bytes.fill(0);
    this.#history.push({ at: this.#at, bytes, isControl: stretch.isControl });
    this.#historyLength += bytes.length + STRETCH_BYTES;
    this.#at += bytes.length;
    this.#sequence = seqAdd(this.#sequence!, bytes.length);
    let dropped = 0;
    while (this.#historyLength > this.#historyBytes && dropped < this.#history.length) {
      this.#historyLength -= this.#history[dropped++]!.bytes.length + STRETCH_BYTES;
    }
    if (dropped > 0) this.#history.splice(0, dropped);
  }

  #keep(stretch: Stretch): void {
    let index = this.#pending.length;
    while (index > 0 && this.#pending[index - 1]!.at > stretch.at) index--;
    const previous = this.#pending[index - 1];
    if (previous?.at === stretch.at && previous.bytes.length >= stretch.bytes.length) return;
    this.#pending.splice(index, 0, stretch);
    this.#pendingLength += stretch.bytes.length;
    if (this.#pendingLength > this.#pendingBytes || this.#pending.length > 4096) {
      this.#jump(this.#pending[0]!.at);
    }
  }

  #takePending(): void {
    let taken = 0;
    while (taken < this.#pending.length && this.#pending[taken]!.at <= this.#at) {
      const stretch = this.#pending[taken++]!;
      this.#pendingLength -= stretch.bytes.length;
      this.#take(stretch);
    }
    if (taken > 0) this.#pending.splice(0, taken);
  }
}

/** Blanks the segments that two endpoints exchange. */
export class PtcpRedaction {
  readonly #options: PtcpRedactionOptions;
  #halves: readonly [HalfStream, HalfStream];
  #initiator: Side | undefined;

  constructor(options: PtcpRedactionOptions) {
    this.#options = options;
    this.#halves = this.#fresh();
  }

  #fresh(): readonly [HalfStream, HalfStream] {
    const realms = new RealmRedactions(this.#options.rtspPorts);
    return [
      new HalfStream(new FrameRedaction(0, realms), this.#options),
      new HalfStream(new FrameRedaction(1, realms), this.#options),
    ];
  }

  /** Takes one datagram with the PTCP magic, which nobody may change afterwards. */
  add(side: Side, segment: Uint8Array): Redactable {
    if (segment.length <= HEADER_BYTES) return new Fixed(segment);
    const body = segment.subarray(HEADER_BYTES);
    const sequence = sequenceOf(segment);
    const isControl = (flagsOf(segment) & FLAG_CTL) !== 0;
    if (isControl) this.#open(side);
    const half = this.#halves[side];
    if (!isControl && isNack(segment, body, half, sequence)) {
      return body.length <= MAX_CONTROL_BYTES && body[0] === 0x0a
        ? new Fixed(segment)
        : new Fixed(blankBody(segment));
    }
    const at = half.add(sequence, body, isControl);
    return at === undefined ? new Fixed(blankBody(segment)) : new InStream(half, segment, at);
  }

  /** The side that opened opens again after it has sent data: a new connection on old endpoints. */
  #open(side: Side): void {
    this.#initiator ??= side;
    if (side === this.#initiator && this.#halves[side].hasSentData) this.#halves = this.#fresh();
  }
}

/** PROTOCOL.md section 9, "NACK": it takes no sequence space. */
function isNack(
  segment: Uint8Array,
  body: Uint8Array,
  half: HalfStream,
  sequence: number,
): boolean {
  if (controlOf(segment) !== 0) return true;
  return isNackBody(body) && half.frames.atBoundary && half.isNext(sequence);
}

function blankBody(segment: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(segment.length);
  bytes.set(segment.subarray(0, HEADER_BYTES));
  return bytes;
}
