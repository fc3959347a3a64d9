/**
 * Where the messages of one direction of an RTSP connection begin and end, without keeping them.
 *
 * ```text
 * stream       *( line break | interleaved | message )
 * interleaved  "$" channel(1) length(2, big-endian) length bytes       RFC 2326 section 10.12
 * message      head up to and with its empty line, then Content-Length bytes
 * ```
 *
 * Only the current head is kept (bounded); bodies and interleaved packets are counted, not read.
 * What is none of these makes the framer `lost` for good.
 *
 * @module
 */
import { DecodeError, StateError } from "../errors.ts";
import { bodyLength, MAX_HEAD_BYTES, parseHead, type RtspHead } from "./message.ts";

/**
 * What the byte just passed belongs to. `boundary`: the next byte starts a message. `lost`: the
 * stream is no RTSP, or not any more.
 */
export type FramerState =
  | "boundary"
  | "head"
  | "body"
  | "interleaved-header"
  | "interleaved"
  | "lost";

const CR = 0x0d;
const LF = 0x0a;
const DOLLAR = 0x24;

function isTokenByte(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && !'"(),/:;<=>?@[\\]{}'.includes(String.fromCharCode(byte));
}

/** A framer of one direction. */
export class MessageFramer {
  readonly #maxHeadBytes: number;
  #state: FramerState = "boundary";
  #buffer = new Uint8Array(512);
  #headLength = 0;
  #lineLength = 0;
  #remaining = 0;
  #head: RtspHead | undefined;
  #headerSeen = 0;
  #interleavedLength = 0;

  /**
   * Starts between two messages.
   *
   * @param options.maxHeadBytes Longest head followed; a longer one loses the framing. Default
   * {@linkcode MAX_HEAD_BYTES}.
   */
  constructor(options: { readonly maxHeadBytes?: number | undefined } = {}) {
    this.#maxHeadBytes = options.maxHeadBytes ?? MAX_HEAD_BYTES;
    if (!(this.#maxHeadBytes >= 32)) throw new RangeError("maxHeadBytes below 32");
  }

  /** Where the stream stands after the bytes passed so far. */
  get state(): FramerState {
    return this.#state;
  }

  /** Bytes of the current head, its own copy: all of it once `head` is there. */
  headBytes(): Uint8Array {
    return this.#buffer.slice(0, this.#headLength);
  }

  /** How many bytes of the current head have passed. */
  get headLength(): number {
    return this.#headLength;
  }

  /** The byte at `index` of the current head. */
  headByteAt(index: number): number | undefined {
    return index < this.#headLength ? this.#buffer[index] : undefined;
  }

  /** The head that the last `advance` completed, until the next `advance`. */
  get head(): RtspHead | undefined {
    return this.#head;
  }

  /** Gives up following this stream. */
  lose(): void {
    this.#state = "lost";
  }

  /**
   * Passes bytes of `chunk` from `offset` on, at most up to the next change of what they belong to:
   * the end of a head, of a body, of an interleaved packet.
   *
   * @returns The offset behind the bytes passed, above `offset`. When the stream turns out to be no
   * RTSP, all that is left passes at once and the state is `lost`.
   * @throws {StateError} When there is nothing to pass.
   */
  advance(chunk: Uint8Array, offset: number): number {
    if (offset >= chunk.length) throw new StateError("nothing to advance over");
    this.#head = undefined;
    switch (this.#state) {
      case "boundary":
        return this.#start(chunk, offset);
      case "head":
        return this.#passHead(chunk, offset);
      case "interleaved-header":
        return this.#passInterleavedHeader(chunk, offset);
      case "body":
      case "interleaved":
        return this.#skip(chunk, offset);
      case "lost":
        return chunk.length;
    }
  }

  #start(chunk: Uint8Array, offset: number): number {
    const byte = chunk[offset]!;
    if (byte === DOLLAR) {
      this.#state = "interleaved-header";
      this.#headerSeen = 0;
      this.#interleavedLength = 0;
      return this.#passInterleavedHeader(chunk, offset);
    }
    // Empty lines in front of a message are to be ignored (RFC 2326 section 4.1, HTTP/1.1).
    if (byte === CR || byte === LF) return offset + 1;
    this.#headLength = 0;
    this.#lineLength = 0;
    if (!isTokenByte(byte)) {
      this.#state = "lost";
      return chunk.length;
    }
    this.#state = "head";
    return this.#passHead(chunk, offset);
  }

  #passInterleavedHeader(chunk: Uint8Array, offset: number): number {
    let at = offset;
    while (at < chunk.length && this.#headerSeen < 4) {
      if (this.#headerSeen >= 2) {
        this.#interleavedLength = this.#interleavedLength << 8 | chunk[at]!;
      }
      this.#headerSeen++;
      at++;
    }
    if (this.#headerSeen < 4) return at;
    this.#remaining = this.#interleavedLength;
    this.#state = this.#remaining === 0 ? "boundary" : "interleaved";
    return at < chunk.length && this.#remaining > 0 ? this.#skip(chunk, at) : at;
  }

  #skip(chunk: Uint8Array, offset: number): number {
    const count = Math.min(this.#remaining, chunk.length - offset);
    this.#remaining -= count;
    if (this.#remaining === 0) this.#state = "boundary";
    return offset + count;
  }

  #passHead(chunk: Uint8Array, offset: number): number {
    for (let at = offset; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.#headLength >= this.#maxHeadBytes || (byte < 0x20 && !isLineByte(byte))) {
        this.#state = "lost";
        return chunk.length;
      }
      this.#keep(byte);
      if (byte === CR) continue;
      if (byte !== LF) {
        this.#lineLength++;
        continue;
      }
      if (this.#lineLength > 0) {
        this.#lineLength = 0;
        continue;
      }
      return this.#endHead() ? at + 1 : chunk.length;
    }
    return chunk.length;
  }

  #endHead(): boolean {
    try {
      const head = parseHead(this.#buffer.subarray(0, this.#headLength));
      this.#remaining = bodyLength(head);
      this.#state = this.#remaining === 0 ? "boundary" : "body";
      this.#head = head;
      return true;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#state = "lost";
      return false;
    }
  }

  #keep(byte: number): void {
    if (this.#headLength === this.#buffer.length) {
      const larger = new Uint8Array(2 * this.#buffer.length);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    this.#buffer[this.#headLength++] = byte;
  }
}

function isLineByte(byte: number): boolean {
  return byte === CR || byte === LF || byte === 0x09;
}
