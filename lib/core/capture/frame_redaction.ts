/**
 * Blanking of secrets in one direction of a stream of realm frames.
 *
 * Headers stay, so the stream can still be dissected. Sign bytes are blanked; of a realm bound to an
 * RTSP port the login; of every other realm all data, because nobody knows what a web interface or
 * a vendor port carries. Source: PROTOCOL.md section 2.5.
 *
 * @module
 */
import { readUint16, readUint32 } from "../bytes.ts";
import { FRAME_HEADER_BYTES } from "../realm/frame.ts";
import { RtspRedaction } from "./rtsp_redaction.ts";

/** Which of the two ends of a flow sent something. */
export type Side = 0 | 1;

/** Most realms remembered per flow; the oldest goes first. A link opens some dozens in its life. */
const MAX_REALMS = 1024;

const BODY_BLANK = -1;
/** Body bytes by the low nibble of the kind; -1: the length field says, and the body is blanked. */
const BODY_BYTES: readonly number[] = [
  BODY_BLANK,
  8,
  4,
  0,
  0,
  BODY_BLANK,
  BODY_BLANK,
  0,
  4,
  4,
  4,
  0,
  BODY_BLANK,
  BODY_BLANK,
  BODY_BLANK,
  BODY_BLANK,
];

/** The realms of one flow: which of them carry RTSP, and where each direction of it stands. */
export class RealmRedactions {
  readonly #rtspPorts: ReadonlySet<number>;
  readonly #realms = new Map<number, readonly [RtspRedaction, RtspRedaction] | undefined>();

  /** @param rtspPorts Ports whose realms are read as RTSP. */
  constructor(rtspPorts: ReadonlySet<number>) {
    this.#rtspPorts = rtspPorts;
  }

  /** A BIND: what the realm carries is known from here on. */
  bind(realm: number, port: number): void {
    if (this.#realms.size >= MAX_REALMS) {
      for (const oldest of this.#realms.keys()) {
        this.#realms.delete(oldest);
        break;
      }
    }
    const isRtsp = this.#rtspPorts.has(port);
    this.#realms.set(realm, isRtsp ? [new RtspRedaction(), new RtspRedaction()] : undefined);
  }

  /** The state of one direction of an RTSP realm; nothing when all of its data is to be blanked. */
  rtsp(realm: number, side: Side): RtspRedaction | undefined {
    return this.#realms.get(realm)?.[side];
  }

  /** Bytes that `side` sent are missing. */
  lose(side: Side): void {
    for (const pair of this.#realms.values()) pair?.[side].lose();
  }
}

/** Walks one direction of a frame stream and blanks it in place. */
export class FrameRedaction {
  readonly #side: Side;
  readonly #realms: RealmRedactions;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerLength = 0;
  #kind = 0;
  #bodyLeft = 0;
  #isFrameStart = false;
  #bindPort = 0;
  #lost = false;

  constructor(side: Side, realms: RealmRedactions) {
    this.#side = side;
    this.#realms = realms;
  }

  /** Whether the next byte begins a frame. */
  get atBoundary(): boolean {
    return !this.#lost && this.#bodyLeft === 0 && this.#headerLength === 0;
  }

  /** Bytes are missing: everything is blanked until a segment begins with a frame header. */
  lose(): void {
    this.#lost = true;
    this.#realms.lose(this.#side);
  }

  /** Blanks the next bytes of the stream in place; `bytes` is one segment or a part of one. */
  redact(bytes: Uint8Array): void {
    if (this.#lost && looksLikeFrame(bytes)) {
      this.#lost = false;
      this.#headerLength = 0;
      this.#bodyLeft = 0;
    }
    let i = 0;
    while (i < bytes.length) {
      if (this.#lost) {
        bytes.fill(0, i);
        return;
      }
      i = this.#bodyLeft > 0 ? this.#takeBody(bytes, i) : this.#takeHeader(bytes, i);
    }
  }

  #takeHeader(bytes: Uint8Array, start: number): number {
    let i = start;
    if (this.#headerLength === 0 && bytes[i]! >> 4 !== 1) {
      this.lose();
      return i;
    }
    while (i < bytes.length && this.#headerLength < FRAME_HEADER_BYTES) {
      this.#header[this.#headerLength++] = bytes[i++]!;
    }
    if (this.#headerLength < FRAME_HEADER_BYTES) return i;
    this.#headerLength = 0;
    this.#kind = this.#header[0]!;
    if (this.#kind === 0x10 && this.#header[1] !== 0) {
      this.lose();
      return i;
    }
    const bodyBytes = BODY_BYTES[this.#kind & 0x0f]!;
    this.#bodyLeft = bodyBytes === BODY_BLANK ? readUint16(this.#header, 2) : bodyBytes;
    this.#isFrameStart = true;
    this.#bindPort = 0;
    return i;
  }

  #takeBody(bytes: Uint8Array, start: number): number {
    const end = Math.min(bytes.length, start + this.#bodyLeft);
    this.#bodyLeft -= end - start;
    switch (this.#kind) {
      case 0x10: {
        const rtsp = this.#realms.rtsp(readUint32(this.#header, 4), this.#side);
        if (rtsp === undefined) bytes.fill(0, start, end);
        else rtsp.redact(bytes, start, end, this.#isFrameStart);
        break;
      }
      case 0x11:
        for (let i = start; i < end; i++) {
          const position = 8 - this.#bodyLeft - (end - i);
          if (position < 4) this.#bindPort = this.#bindPort * 256 + bytes[i]!;
        }
        if (this.#bodyLeft === 0) this.#realms.bind(readUint32(this.#header, 4), this.#bindPort);
        break;
      case 0x12:
        break;
      default:
        bytes.fill(0, start, end);
    }
    this.#isFrameStart = false;
    return end;
  }
}

/** Whether a segment begins with the header of a kind we know, padding included. */
function looksLikeFrame(bytes: Uint8Array): boolean {
  return bytes.length >= FRAME_HEADER_BYTES && bytes[0]! >= 0x10 && bytes[0]! <= 0x1b &&
    bytes[1] === 0 && readUint32(bytes, 8) === 0;
}
