/**
 * The opening of a connection: who sends CONNECT when, and what the two agree on.
 *
 * ```text
 *   active:   idle ──open()──► connecting ──CONNECT──► open
 *   passive:  listening ──CONNECT──► connecting ──any other segment──► open
 * ```
 *
 * Source: PROTOCOL.md section 10, opening.
 *
 * @module
 */
import { DecodeError } from "../errors.ts";
import { decodeConnect, encodeConnect } from "./connect.ts";
import type { Parts } from "./parts.ts";
import { FLAG_CTL, payloadOf, sequenceOf, timestampOf, windowOf } from "./segment.ts";

/** Where the opening stands. */
export type OpeningState = "idle" | "listening" | "connecting" | "open";

/** Opens one connection, from either side. */
export class Opening {
  readonly #parts: Parts;
  #state: OpeningState;
  #ownScale: number;
  #peerScale = 0;

  /**
   * An opening that has not begun.
   *
   * @param parts Those of the connection.
   */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.#state = parts.settings.role === "active" ? "idle" : "listening";
    this.#ownScale = parts.settings.windowScale;
  }

  /** Where the opening stands. */
  get state(): OpeningState {
    return this.#state;
  }

  /** The window scale that our CONNECT announces. */
  get ownScale(): number {
    return this.#ownScale;
  }

  /** The shift of the peer's window fields. */
  get peerScale(): number {
    return this.#peerScale;
  }

  /** The active side begins. */
  start(): void {
    this.#sendConnect();
  }

  /**
   * Takes the peer's CONNECT.
   *
   * @returns Why it is dropped, if it is.
   */
  onConnect(bytes: Uint8Array, now: number): string | undefined {
    const { settings, sender, receiver } = this.#parts;
    const sequence = sequenceOf(bytes);
    if (sequence !== settings.initialPeerSequence) return "connect-sequence";
    const passive = settings.role === "passive";
    if (this.#state === "open" || (passive && this.#state === "connecting")) {
      // Repeated, never applied again. The peer lacks our ack, or our own CONNECT.
      if (this.#state === "open") receiver.oweAck();
      else sender.resendConnect();
      return "connect-repeated";
    }
    const payload = payloadOf(bytes);
    let windowScale: number | undefined;
    try {
      windowScale = decodeConnect(payload).windowScale;
    } catch (error) {
      if (error instanceof DecodeError) return error.what;
      throw error;
    }
    if (windowScale === undefined) this.#ownScale = 0;
    this.#peerScale = windowScale ?? 0;
    receiver.useScale(this.#ownScale);
    receiver.noteTimestamp(sequence, payload.length, timestampOf(bytes));
    receiver.acceptConnect(payload.length, now);
    sender.setPeerWindow(windowOf(bytes) << this.#peerScale);
    if (passive) this.#sendConnect();
    else this.establish(now);
    return undefined;
  }

  /** The peer has shown that it has our CONNECT, or sent its own. */
  establish(now: number): void {
    this.#state = "open";
    this.#parts.sender.establish(now);
  }

  #sendConnect(): void {
    this.#state = "connecting";
    this.#parts.sender.buffer.push(encodeConnect({ windowScale: this.#ownScale }), FLAG_CTL);
  }
}
