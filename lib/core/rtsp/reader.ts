/**
 * Whole RTSP messages and interleaved packets out of a byte stream, for whoever speaks RTSP.
 *
 * @module
 */
import { concatBytes, EMPTY } from "../bytes.ts";
import { DecodeError } from "../errors.ts";
import {
  bodyLength,
  type RtspHead,
  type RtspRequestHead,
  type RtspResponseHead,
} from "./message.ts";
import { MessageFramer } from "./framer.ts";

/** One thing read from the stream. */
export type RtspItem =
  | { readonly type: "request"; readonly head: RtspRequestHead; readonly body: Uint8Array }
  | { readonly type: "response"; readonly head: RtspResponseHead; readonly body: Uint8Array }
  | { readonly type: "interleaved"; readonly channel: number; readonly data: Uint8Array };

/** A streaming reader of one direction. */
export class RtspReader {
  readonly #framer: MessageFramer;
  readonly #maxBodyBytes: number;
  readonly #parts: Uint8Array[] = [];
  #head: RtspHead | undefined;
  #chunk: Uint8Array = EMPTY;
  #at = 0;

  /**
   * Starts between two messages.
   *
   * @param options.maxHeadBytes Longest head, as for {@linkcode MessageFramer}.
   * @param options.maxBodyBytes Longest body; default 65536, far above any session description.
   */
  constructor(
    options: {
      readonly maxHeadBytes?: number | undefined;
      readonly maxBodyBytes?: number | undefined;
    } = {},
  ) {
    this.#framer = new MessageFramer({ maxHeadBytes: options.maxHeadBytes });
    this.#maxBodyBytes = options.maxBodyBytes ?? 65_536;
  }

  /** Adds bytes, which are given away. Call {@linkcode next} until it has nothing more. */
  push(chunk: Uint8Array): void {
    this.#chunk = this.#at < this.#chunk.length
      ? concatBytes([this.#chunk.subarray(this.#at), chunk])
      : chunk;
    this.#at = 0;
  }

  /**
   * The next complete item, or nothing until more bytes are pushed.
   *
   * @throws {DecodeError} When the stream is no RTSP or exceeds a limit; it cannot be read further.
   */
  next(): RtspItem | undefined {
    const framer = this.#framer;
    while (this.#at < this.#chunk.length) {
      const from = this.#at;
      const before = framer.state;
      this.#at = framer.advance(this.#chunk, from);
      if (framer.state === "lost") throw new DecodeError("no RTSP, or a head without end", from);
      const head = framer.head;
      if (head) {
        if (bodyLength(head) > this.#maxBodyBytes) {
          throw new DecodeError("RTSP body too long", from);
        }
        if (framer.state === "boundary") return itemOf(head, EMPTY);
        this.#head = head;
        continue;
      }
      if (before === "head" || framer.state === "head" || isBlank(before, this.#chunk[from]!)) {
        continue;
      }
      this.#parts.push(this.#chunk.subarray(from, this.#at));
      if (framer.state !== "boundary") continue;
      const bytes = concatBytes(this.#parts);
      this.#parts.length = 0;
      const owner = this.#head;
      this.#head = undefined;
      if (owner) return itemOf(owner, bytes);
      return { type: "interleaved", channel: bytes[1]!, data: bytes.subarray(4) };
    }
    return undefined;
  }
}

function isBlank(before: string, byte: number): boolean {
  return before === "boundary" && (byte === 0x0d || byte === 0x0a);
}

function itemOf(head: RtspHead, body: Uint8Array): RtspItem {
  return head.type === "request"
    ? { type: "request", head, body }
    : { type: "response", head, body };
}
