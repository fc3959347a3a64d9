/**
 * Follows captured PTCP connections: what each segment is to those before it, and which frames it
 * brings.
 *
 * @module
 */
import { isNackBody } from "../ptcp/nack.ts";
import { controlOf, FLAG_CTL, flagsOf, payloadOf, sequenceOf } from "../ptcp/segment.ts";
import { seqAdd, seqDiff } from "../ptcp/sequence.ts";
import { type FramePart, FrameWalker } from "./frame_walker.ts";
import type { Side } from "./frame_redaction.ts";

/** What a segment is to those before it. */
export type Standing =
  | "empty"
  | "control"
  | "nack"
  | "in-order"
  /** Repeats bytes already seen. */
  | "repeated"
  /** Earlier bytes have not been seen yet. */
  | "early";

/** What a segment brought. */
export interface TrailStep {
  readonly standing: Standing;
  /** Frames of this segment and of earlier ones that waited for it, in stream order. */
  readonly parts: readonly FramePart[];
  /** How many of the last parts lie in segments that waited. */
  readonly waited: number;
  /** Whether the frame boundary is lost. */
  readonly isLost: boolean;
}

/** Bytes that may wait behind a gap, per direction: four unscaled windows. */
const MAX_PENDING_BYTES = 262_144;

/** What a waiting segment costs beside its bytes, so that tiny ones are bounded in number too. */
const SEGMENT_BYTES = 64;

class HalfTrail {
  readonly walker = new FrameWalker();
  #next: number | undefined;
  #pending: { readonly sequence: number; readonly bytes: Uint8Array }[] = [];
  #pendingBytes = 0;
  hasSentData = false;

  isNext(sequence: number): boolean {
    return this.#next === sequence;
  }

  control(sequence: number, length: number): void {
    if (this.#next === undefined || this.#next === sequence) this.#next = seqAdd(sequence, length);
  }

  add(sequence: number, bytes: Uint8Array): Omit<TrailStep, "isLost"> {
    this.hasSentData = true;
    if (this.#next === undefined) {
      this.#next = sequence;
      this.walker.lose();
    }
    const ahead = seqDiff(sequence, this.#next);
    if (ahead > 0) {
      this.#wait(sequence, bytes);
      if (this.#pendingBytes <= MAX_PENDING_BYTES) {
        return { standing: "early", parts: [], waited: 0 };
      }
      // The gap was never filled: go on behind it.
      this.#next = this.#pending[0]!.sequence;
      this.walker.lose();
      const parts = this.#release();
      return { standing: "early", parts, waited: parts.length };
    }
    if (-ahead >= bytes.length) return { standing: "repeated", parts: [], waited: 0 };
    this.#next = seqAdd(sequence, bytes.length);
    const parts = this.walker.walk(bytes.subarray(-ahead));
    const waiting = this.#release();
    return { standing: "in-order", parts: [...parts, ...waiting], waited: waiting.length };
  }

  #wait(sequence: number, bytes: Uint8Array): void {
    let index = this.#pending.length;
    while (index > 0 && seqDiff(this.#pending[index - 1]!.sequence, sequence) > 0) index--;
    if (this.#pending[index - 1]?.sequence === sequence) return;
    this.#pending.splice(index, 0, { sequence, bytes });
    this.#pendingBytes += bytes.length + SEGMENT_BYTES;
  }

  #release(): FramePart[] {
    const parts: FramePart[] = [];
    let count = 0;
    for (const { sequence, bytes } of this.#pending) {
      const known = seqDiff(this.#next!, sequence);
      if (known < 0) break;
      count++;
      this.#pendingBytes -= bytes.length + SEGMENT_BYTES;
      if (known >= bytes.length) continue;
      this.#next = seqAdd(sequence, bytes.length);
      parts.push(...this.walker.walk(bytes.subarray(known)));
    }
    this.#pending.splice(0, count);
    return parts;
  }
}

/** Follows what two endpoints exchange. */
export class PtcpTrail {
  #halves: readonly [HalfTrail, HalfTrail] = [new HalfTrail(), new HalfTrail()];
  #initiator: Side | undefined;

  /** Takes one datagram with the PTCP magic; never throws. */
  add(side: Side, datagram: Uint8Array): TrailStep {
    const body = payloadOf(datagram);
    const sequence = sequenceOf(datagram);
    const isControl = (flagsOf(datagram) & FLAG_CTL) !== 0;
    if (isControl) {
      this.#open(side);
      this.#halves[side].control(sequence, body.length);
      return this.#step(side, "control");
    }
    const half = this.#halves[side];
    if (body.length === 0) return this.#step(side, "empty");
    const isNack = controlOf(datagram) !== 0 ||
      (isNackBody(body) && half.walker.atBoundary && half.isNext(sequence));
    if (isNack) return this.#step(side, "nack");
    return { ...half.add(sequence, body), isLost: half.walker.isLost };
  }

  #open(side: Side): void {
    this.#initiator ??= side;
    // The side that opened opens again after it has sent data: a new connection.
    if (side === this.#initiator && this.#halves[side].hasSentData) {
      this.#halves = [new HalfTrail(), new HalfTrail()];
    }
  }

  #step(side: Side, standing: Standing): TrailStep {
    return { standing, parts: [], waited: 0, isLost: this.#halves[side].walker.isLost };
  }
}
