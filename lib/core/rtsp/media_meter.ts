/**
 * Measures a video stream: how long until decoding can begin, how many frames and bytes come.
 *
 * @module
 */
import { DecodeError } from "../errors.ts";
import { decodeRtp, frameHint } from "./rtp.ts";

/** What was measured. */
export interface MediaFigures {
  /** From PLAY until a key frame began; absent when none came, or the codec has none we know. */
  readonly keyFrameMs?: number | undefined;
  /** From PLAY until the first packet; absent when none came. */
  readonly firstPacketMs?: number | undefined;
  /** Frames begun, by their timestamps. */
  readonly frames: number;
  /** By the clock of the stream; 0 with fewer than two frames. */
  readonly framesPerSecond: number;
  /** Of video payload, by our clock; 0 with fewer than two packets. */
  readonly bitsPerSecond: number;
  /** RTP packets of the track. */
  readonly packets: number;
  /** Sequence numbers that never came. */
  readonly packetsMissing: number;
  /** What was no RTP. */
  readonly packetsBroken: number;
}

/** A jump of timestamps above this many seconds is a new beginning, not time that passed. */
const MAX_STEP_SECONDS = 10;

/** One measurement of one track. */
export class MediaMeter {
  readonly #codec: string;
  readonly #clockRate: number;
  readonly #playedAt: number;
  #firstPacketAt: number | undefined;
  #lastPacketAt = 0;
  #keyFrameAt: number | undefined;
  #keyFrameKnown = true;
  #frames = 0;
  #ticks = 0;
  #timestamp: number | undefined;
  #sequence: number | undefined;
  #payloadBytes = 0;
  #firstBytes = 0;
  #packets = 0;
  #missing = 0;
  #broken = 0;

  /**
   * Starts when PLAY was answered.
   *
   * @param codec Encoding name of the track.
   */
  constructor(codec: string, clockRate: number, now: number) {
    this.#codec = codec;
    this.#clockRate = clockRate;
    this.#playedAt = now;
  }

  /** Whether decoding could begin by now: a key frame came, or any frame of an unknown codec. */
  get playable(): boolean {
    return this.#keyFrameAt !== undefined || (!this.#keyFrameKnown && this.#frames > 0);
  }

  /** When the first packet came. */
  get firstPacketAt(): number | undefined {
    return this.#firstPacketAt;
  }

  /** Takes one packet of the track. */
  packet(bytes: Uint8Array, now: number): void {
    let packet;
    try {
      packet = decodeRtp(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#broken++;
      return;
    }
    const { sequence, timestamp, payload } = packet;
    this.#packets++;
    if (this.#firstPacketAt === undefined) {
      this.#firstPacketAt = now;
      this.#firstBytes = payload.length;
    }
    this.#lastPacketAt = now;
    this.#payloadBytes += payload.length;
    if (this.#sequence !== undefined) {
      const gap = (sequence - this.#sequence - 1) & 0xffff;
      if (gap < 0x8000) this.#missing += gap;
    }
    this.#sequence = sequence;
    if (timestamp !== this.#timestamp) {
      const step = this.#timestamp === undefined ? 0 : (timestamp - this.#timestamp) >>> 0;
      if (step < this.#clockRate * MAX_STEP_SECONDS) this.#ticks += step;
      this.#timestamp = timestamp;
      this.#frames++;
    }
    const hint = frameHint(this.#codec, payload);
    if (hint === "unknown") this.#keyFrameKnown = false;
    if (hint === "key") this.#keyFrameAt ??= now;
  }

  /** What was measured so far. */
  get figures(): MediaFigures {
    const ms = this.#lastPacketAt - (this.#firstPacketAt ?? 0);
    const seconds = this.#ticks / this.#clockRate;
    const first = this.#firstPacketAt;
    return {
      ...(this.#keyFrameAt === undefined ? {} : { keyFrameMs: this.#keyFrameAt - this.#playedAt }),
      ...(first === undefined ? {} : { firstPacketMs: first - this.#playedAt }),
      frames: this.#frames,
      framesPerSecond: seconds > 0 ? (this.#frames - 1) / seconds : 0,
      bitsPerSecond: ms > 0 ? (this.#payloadBytes - this.#firstBytes) * 8000 / ms : 0,
      packets: this.#packets,
      packetsMissing: this.#missing,
      packetsBroken: this.#broken,
    };
  }
}
