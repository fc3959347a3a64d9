/**
 * Datagrams that nobody honest sends: damaged copies of real ones, noise, and noise with the first
 * bytes of each protocol.
 *
 * @module
 */
import { readUint32, utf8, writeUint32 } from "../../lib/core/bytes.ts";
import { FLAG_CTL, FLAG_RST, HEADER_BYTES } from "../../lib/core/ptcp/segment.ts";
import type { Chooser } from "./chooser.ts";

const HEADS: readonly Uint8Array[] = [
  new Uint8Array(),
  utf8("PTCP"),
  utf8("HTTP/1.1 200 OK\r\nCSeq: 1\r\n"),
  utf8("HTTP/1.1 100 Trying\r\n\r\n"),
  utf8("HTTP/1.1 403 Forbidden\r\nCSeq: 0\r\nContent-Length: 99999999\r\n\r\n"),
  Uint8Array.of(0xff, 0xfe, 0xff, 0xe7, 0xde, 0xed, 0x5b, 0xbd),
  Uint8Array.of(0xfe, 0xfe, 0xff, 0xe7, 0xde, 0xed, 0x5b, 0xbd),
  Uint8Array.of(0xfe, 0xfe, 0xff, 0xf3),
];

/** Noise, perhaps behind a head that some protocol knows. */
export function noise(choose: Chooser): Uint8Array {
  const head = choose.of(HEADS);
  const tail = choose.random.bytes(choose.of([0, 1, 4, 20, 28, 44, 200, 1400]));
  const bytes = new Uint8Array(head.length + tail.length);
  bytes.set(head);
  bytes.set(tail, head.length);
  return bytes;
}

/** A damaged copy: bits flipped, cut short, lengthened, a field made extreme, parts repeated. */
export function damaged(original: Uint8Array, choose: Chooser): Uint8Array {
  const copy = original.slice();
  const at = (): number => choose.between(0, Math.max(0, copy.length - 1));
  switch (choose.of(["flip", "flip", "cut", "grow", "extreme", "repeat", "swap"])) {
    case "cut":
      return copy.subarray(0, at());
    case "grow": {
      const grown = new Uint8Array(copy.length + choose.of([1, 2, 100, 1400, 60_000]));
      grown.set(copy);
      return grown;
    }
    case "repeat": {
      const part = copy.subarray(at());
      const grown = new Uint8Array(copy.length + part.length);
      grown.set(copy);
      grown.set(part, copy.length);
      return grown;
    }
    case "extreme":
      copy.fill(choose.of([0, 0x7f, 0x80, 0xff]), at(), at() + choose.of([1, 2, 4]));
      return copy;
    case "swap": {
      const [a, b] = [at(), at()];
      const byte = copy[a];
      if (byte !== undefined) [copy[a], copy[b]] = [copy[b]!, byte];
      return copy;
    }
    default:
      for (let flips = choose.of([1, 1, 2, 8]); flips > 0 && copy.length > 0; flips--) {
        copy[at()]! ^= 1 << choose.between(0, 7);
      }
      return copy;
  }
}

/**
 * A segment that would be believed if its source were not looked at: it follows a real one, with
 * bytes of its own, a reset, or an ack of everything.
 */
export function forgedSegment(real: Uint8Array, choose: Chooser): Uint8Array {
  const body = choose.of([new Uint8Array(), choose.random.bytes(choose.between(1, 1292))]);
  const forged = new Uint8Array(HEADER_BYTES + body.length);
  forged.set(real.subarray(0, HEADER_BYTES));
  forged.set(body, HEADER_BYTES);
  writeUint32(forged, 4, (readUint32(real, 4) + real.length - HEADER_BYTES) >>> 0);
  forged[13] = choose.of([0, 0, FLAG_RST, FLAG_CTL]);
  return forged;
}
