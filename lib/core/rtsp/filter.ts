/**
 * Keeps RTP over UDP out of a tunnel that carries only TCP: a `SETUP` that offers nothing but UDP or
 * multicast does not reach the device and is answered `461 Unsupported Transport`, on which players
 * ask again for TCP. Everything else passes both ways byte-exact, with one exception: of a `SETUP`
 * that offers both, the alternatives that cannot work are taken out, because the choice is the
 * server's (RFC 2326 section 12.39) and it may choose a dead one.
 *
 * Order of replies: the filter keeps the list of requests that wait for an answer, withheld ones
 * included. A 461 is placed when it has come to the front of that list and the device's stream
 * stands between two messages. Requests behind a withheld one go on at once: their answers cannot
 * come before those of the requests in front of it.
 *
 * A stream that is not, or no longer, RTSP (RTSP over HTTP, TLS, a head without end) passes
 * untouched from there on.
 *
 * @module
 */
import { EMPTY, utf8 } from "../bytes.ts";
import { MessageFramer } from "./framer.ts";
import {
  encodeHead,
  headerValue,
  headerValues,
  MAX_HEAD_BYTES,
  type RtspHeader,
  type RtspRequestHead,
} from "./message.ts";
import { Splice } from "./splice.ts";
import { splitTransports, transportCarrier } from "./transport.ts";

/** What becomes of one chunk; each list in the order in which it must be written. */
export interface FilterOutput {
  /** For the device. */
  readonly toDevice: Uint8Array[];
  /** For the client, behind everything earlier calls gave for it. */
  readonly toClient: Uint8Array[];
}

/** Settings of a {@linkcode UdpSetupFilter}. */
export interface UdpSetupFilterOptions {
  /**
   * Longest message head followed. Default {@linkcode MAX_HEAD_BYTES}: at most so much is held back
   * in each direction.
   */
  readonly maxHeadBytes?: number | undefined;
  /**
   * Most requests waiting for an answer. Default 64: players wait for each answer, and a peer that
   * never answers must not make the list grow.
   */
  readonly maxWaiting?: number | undefined;
  /** Told once for every `SETUP` answered here, e.g. to count or to log it. */
  readonly onRefused?: (() => void) | undefined;
}

/** A request without its final answer; `refusal` when the answer is ours. */
interface Waiting {
  readonly cseq: string | undefined;
  readonly refusal: Uint8Array | undefined;
}

/** What a `SETUP` offers a byte stream. */
type Verdict = { pass: "unchanged" } | { pass: "narrowed"; head: RtspRequestHead } | {
  pass: "nothing";
};

const SETUP = utf8("SETUP ");

/** The filter of one connection between a local client and port 554 of the device. */
export class UdpSetupFilter {
  readonly #client: MessageFramer;
  readonly #device: MessageFramer;
  readonly #maxWaiting: number;
  readonly #onRefused: (() => void) | undefined;
  readonly #waiting: Waiting[] = [];
  #refusals = 0;
  /** Bytes of the client's current head that wait for the verdict: all of them or none. */
  #clientHeld = 0;
  #droppingBody = false;
  /** Whether the device's current head is held, because a refusal may have to go in front of it. */
  #deviceHolding = false;

  /** Starts between two messages in both directions: at the start of a connection. */
  constructor(options: UdpSetupFilterOptions = {}) {
    const framing = { maxHeadBytes: options.maxHeadBytes ?? MAX_HEAD_BYTES };
    this.#client = new MessageFramer(framing);
    this.#device = new MessageFramer(framing);
    this.#maxWaiting = options.maxWaiting ?? 64;
    if (!(this.#maxWaiting >= 1)) throw new RangeError("maxWaiting below 1");
    this.#onRefused = options.onRefused;
  }

  /** Bytes held back until more of the same head arrives, for both directions together. */
  get heldBytes(): number {
    return this.#clientHeld + (this.#deviceHolding ? this.#device.headLength : 0);
  }

  /**
   * Takes bytes of the client, which are given away.
   *
   * @returns Views of `chunk` or the chunk itself; a `SETUP` comes out when its head is complete.
   */
  fromClient(chunk: Uint8Array): FilterOutput {
    if (chunk.length === 0) return { toDevice: [], toClient: [] };
    const device = new Splice(chunk);
    let at = 0;
    while (at < chunk.length) at = this.#stepClient(chunk, at, device);
    const client = new Splice(EMPTY);
    if (this.#betweenReplies()) this.#placeRefusals(client);
    return { toDevice: device.take(), toClient: client.take() };
  }

  /**
   * Takes bytes of the device, which are given away.
   *
   * @returns As a rule the chunk itself, at once: only while a withheld `SETUP` waits for its turn
   * are heads held until complete.
   */
  fromDevice(chunk: Uint8Array): FilterOutput {
    if (chunk.length === 0) return { toDevice: [], toClient: [] };
    if (this.#refusals === 0 && !this.#deviceHolding) {
      if (this.#client.state === "lost") this.#device.lose();
      for (let at = 0; at < chunk.length;) {
        at = this.#device.advance(chunk, at);
        this.#settle(undefined);
      }
      return { toDevice: this.#releaseClient(), toClient: [chunk] };
    }
    const client = new Splice(chunk);
    let at = 0;
    while (at < chunk.length) at = this.#stepDevice(chunk, at, client);
    if (this.#device.state === "boundary") this.#placeRefusals(client);
    return { toDevice: this.#releaseClient(), toClient: client.take() };
  }

  /** The client has sent its last byte: what is held of an unfinished request goes on as it is. */
  finishClient(): FilterOutput {
    const held = this.#takeHeld();
    this.#client.lose();
    return { toDevice: held, toClient: [] };
  }

  /** The device has sent its last byte: what is held of an unfinished answer goes on as it is. */
  finishDevice(): FilterOutput {
    const held = this.#deviceHolding ? [this.#device.headBytes()] : [];
    this.#deviceHolding = false;
    this.#device.lose();
    return { toDevice: this.#releaseClient(), toClient: held };
  }

  #stepClient(chunk: Uint8Array, from: number, out: Splice): number {
    const framer = this.#client;
    if (this.#device.state === "lost") framer.lose();
    const before = framer.state;
    if (before === "boundary") this.#droppingBody = false;
    const earlier = this.#clientHeld;
    const held = before === "boundary" || earlier > 0;
    const to = framer.advance(chunk, from);
    const head = framer.head;
    const inHead = framer.state === "head" || head !== undefined;
    if (this.#droppingBody && before === "body") return to;

    if (inHead && held && couldBeSetup(framer)) {
      if (head === undefined) {
        this.#clientHeld = framer.headLength;
        return to;
      }
      this.#clientHeld = 0;
      this.#judgeSetup(head as RtspRequestHead, earlier, from, to, out);
      return to;
    }
    if (earlier > 0) out.insert(framer.headBytes().subarray(0, earlier));
    this.#clientHeld = 0;
    out.keep(from, to);
    if (head?.type === "request") {
      this.#await({ cseq: headerValue(head, "CSeq"), refusal: undefined });
    }
    return to;
  }

  #judgeSetup(head: RtspRequestHead, earlier: number, from: number, to: number, out: Splice): void {
    const verdict = judge(head);
    const cseq = headerValue(head, "CSeq");
    if (verdict.pass === "nothing") {
      this.#droppingBody = true;
      this.#await({ cseq, refusal: refusalOf(cseq) });
      this.#onRefused?.();
      return;
    }
    this.#await({ cseq, refusal: undefined });
    if (verdict.pass === "narrowed") return out.insert(encodeHead(verdict.head));
    if (earlier > 0) out.insert(this.#client.headBytes().subarray(0, earlier));
    out.keep(from, to);
  }

  #await(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (waiting.refusal) this.#refusals++;
    if (this.#waiting.length > this.#maxWaiting) this.#client.lose();
  }

  /** What is held of the client's request once the device's framing is lost: no verdict will come. */
  #releaseClient(): Uint8Array[] {
    return this.#device.state === "lost" ? this.#takeHeld() : [];
  }

  #takeHeld(): Uint8Array[] {
    if (this.#clientHeld === 0) return [];
    this.#clientHeld = 0;
    this.#client.lose();
    return [this.#client.headBytes()];
  }

  #stepDevice(chunk: Uint8Array, from: number, out: Splice): number {
    const framer = this.#device;
    if (framer.state === "boundary") {
      this.#placeRefusals(out);
      this.#deviceHolding = this.#refusals > 0;
    }
    const earlier = framer.state === "head" ? framer.headLength : 0;
    const to = framer.advance(chunk, from);
    if (this.#deviceHolding && framer.state === "head") return to;
    if (framer.state === "lost") {
      // Nobody can tell any more where a reply would fit: now is the last certain moment.
      this.#placeAllRefusals(out);
    }
    this.#settle(out);
    if (this.#deviceHolding && earlier > 0) out.insert(framer.headBytes().subarray(0, earlier));
    this.#deviceHolding = false;
    out.keep(from, to);
    return to;
  }

  /** Strikes the request that the head just completed answers, and those in front of it. */
  #settle(out: Splice | undefined): void {
    const head = this.#device.head;
    if (head?.type !== "response" || head.status < 200 || this.#waiting.length === 0) return;
    const cseq = headerValue(head, "CSeq");
    const found = this.#waiting.findIndex((waiting) => !waiting.refusal && waiting.cseq === cseq);
    // An answer nobody can assign counts for the oldest request: servers answer in order.
    let count = found >= 0 ? found + 1 : this.#waiting.findIndex((waiting) => !waiting.refusal) + 1;
    if (out && !this.#deviceHolding) count = Math.min(count, this.#leadingRequests());
    for (; count > 0; count--) {
      const { refusal } = this.#waiting.shift()!;
      if (!refusal) continue;
      this.#refusals--;
      out?.insert(refusal);
    }
  }

  #leadingRequests(): number {
    const refusal = this.#waiting.findIndex((waiting) => waiting.refusal);
    return refusal < 0 ? this.#waiting.length : refusal;
  }

  #betweenReplies(): boolean {
    return this.#device.state === "boundary" ||
      this.#device.state === "head" && this.#deviceHolding;
  }

  /** Places the refusals whose turn it is. */
  #placeRefusals(out: Splice): void {
    while (this.#refusals > 0 && this.#waiting[0]!.refusal) {
      out.insert(this.#waiting.shift()!.refusal!);
      this.#refusals--;
    }
  }

  #placeAllRefusals(out: Splice): void {
    for (const { refusal } of this.#waiting) if (refusal) out.insert(refusal);
    this.#waiting.length = 0;
    this.#refusals = 0;
  }
}

/** Whether the head so far is `SETUP ` or the beginning of it. */
function couldBeSetup(framer: MessageFramer): boolean {
  const length = Math.min(framer.headLength, SETUP.length);
  for (let i = 0; i < length; i++) if (framer.headByteAt(i) !== SETUP[i]) return false;
  return true;
}

function judge(head: RtspRequestHead): Verdict {
  const offered = headerValues(head, "Transport").flatMap(splitTransports);
  const possible = offered.filter((spec) => transportCarrier(spec) !== "datagram");
  if (possible.length === offered.length) return { pass: "unchanged" };
  if (possible.length === 0) return { pass: "nothing" };
  const headers = head.headers.filter(([name]) => name.toLowerCase() !== "transport");
  const transport: RtspHeader = ["Transport", possible.join(",")];
  return { pass: "narrowed", head: { ...head, headers: [...headers, transport] } };
}

function refusalOf(cseq: string | undefined): Uint8Array {
  // Only what can be a CSeq goes back: the value comes from the client as it is.
  const headers: RtspHeader[] = cseq !== undefined && /^[\x21-\x7e]{1,32}$/.test(cseq)
    ? [["CSeq", cseq]]
    : [];
  return encodeHead({
    type: "response",
    version: "1.0",
    status: 461,
    reason: "Unsupported Transport",
    headers,
  });
}
