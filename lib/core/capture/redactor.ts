/**
 * Blanking of secrets in everything a capture holds, so that it can be shown to others.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import { formatEndpoint } from "../bytes.ts";
import { isPtcp } from "../ptcp/segment.ts";
import { isPlainStun, isStun } from "../punch/stun.ts";
import type { Captured, CapturedDatagram } from "./captured.ts";
import { PtcpRedaction, type Redactable } from "./ptcp_redaction.ts";
import { isSignaling, redactSignaling } from "./signaling_redaction.ts";

/** Limits and choices of a {@linkcode Redactor}. */
export interface RedactorOptions {
  /** Ports whose realms are RTSP, of which only the login is blanked. Default 554; of other realms all data is. */
  readonly rtspPorts?: readonly number[] | undefined;
  /** How long an entry may wait for the bytes before it, by the capture's clock. Default 2000 ms: devices resend after 250 ms. */
  readonly holdMs?: number | undefined;
  /** Bytes that may wait. Default 1 MiB. */
  readonly holdBytes?: number | undefined;
  /** Blanked bytes kept per direction of a connection for retransmissions. Default 256 KiB, four unscaled windows. */
  readonly historyBytes?: number | undefined;
  /** Connections followed at a time. Default 64; the oldest is forgotten, and what it sends later is blank. */
  readonly maxFlows?: number | undefined;
}

interface Waiting {
  readonly captured: Captured;
  readonly redactable?: Redactable | undefined;
}

/** Bytes of a datagram of unknown kind that stay: enough to tell a protocol, not what it says. */
const KEPT_UNKNOWN_BYTES = 4;

/**
 * Takes the entries of a capture and gives them back in the same order, blanked.
 *
 * Lengths, headers and sequence numbers stay true. A segment that overtook others waits for them,
 * because only the stream tells what its bytes are; waiting is bounded in time and bytes, and what
 * is still unknown then is blanked entirely.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const redactor = new Redactor();
 * redactor.push({ type: "event", unixTimeMs: 0, text: "path=direct" });
 * redactor.finish();
 * assertEquals(redactor.next()?.type, "event");
 * assertEquals(redactor.next(), undefined);
 * ```
 */
export class Redactor {
  readonly #options: {
    readonly rtspPorts: ReadonlySet<number>;
    readonly historyBytes: number;
    readonly pendingBytes: number;
  };
  readonly #holdMs: number;
  readonly #holdBytes: number;
  readonly #maxFlows: number;
  readonly #flows = new Map<string, PtcpRedaction>();
  readonly #waiting: Waiting[] = [];
  #waitingHead = 0;
  #waitingBytes = 0;
  #latestMs = 0;
  #finished = false;

  constructor(options: RedactorOptions = {}) {
    this.#holdMs = options.holdMs ?? 2000;
    this.#holdBytes = options.holdBytes ?? 1_048_576;
    this.#maxFlows = options.maxFlows ?? 64;
    this.#options = {
      rtspPorts: new Set(options.rtspPorts ?? [554]),
      historyBytes: options.historyBytes ?? 262_144,
      pendingBytes: this.#holdBytes,
    };
  }

  /**
   * Adds an entry; its bytes must not change afterwards.
   *
   * @throws {StateError} After {@linkcode finish}.
   */
  push(captured: Captured): void {
    if (this.#finished) throw new StateError("the redactor has finished");
    this.#latestMs = captured.unixTimeMs;
    const redactable = captured.type === "datagram" ? this.#follow(captured) : undefined;
    this.#waiting.push({ captured, redactable });
    this.#waitingBytes += size(captured);
  }

  /** The next entry that is decided, or nothing until more is pushed. */
  next(): Captured | undefined {
    const head = this.#waiting[this.#waitingHead];
    if (head === undefined) return undefined;
    if (head.redactable?.isDecided === false) {
      const isLate = this.#latestMs - head.captured.unixTimeMs > this.#holdMs;
      if (!isLate && !this.#finished && this.#waitingBytes <= this.#holdBytes) return undefined;
      head.redactable.decide();
    }
    this.#waitingBytes -= size(head.captured);
    this.#waitingHead++;
    if (2 * this.#waitingHead >= this.#waiting.length) {
      this.#waiting.splice(0, this.#waitingHead);
      this.#waitingHead = 0;
    }
    return this.#redacted(head);
  }

  /** Nothing more comes: whatever waits is decided by the next calls of {@linkcode next}. */
  finish(): void {
    this.#finished = true;
  }

  #follow(datagram: CapturedDatagram): Redactable | undefined {
    if (!isPtcp(datagram.data)) return undefined;
    const from = formatEndpoint(datagram.from);
    const to = formatEndpoint(datagram.to);
    const side = from < to ? 0 : 1;
    const key = side === 0 ? `${from} ${to}` : `${to} ${from}`;
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      if (this.#flows.size >= this.#maxFlows) {
        for (const oldest of this.#flows.keys()) {
          this.#flows.delete(oldest);
          break;
        }
      }
      flow = new PtcpRedaction(this.#options);
      this.#flows.set(key, flow);
    }
    return flow.add(side, datagram.data);
  }

  #redacted({ captured, redactable }: Waiting): Captured {
    if (captured.type === "event") return captured;
    const { data } = captured;
    if (redactable !== undefined) return { ...captured, data: redactable.redacted() };
    if (isSignaling(data)) return { ...captured, data: redactSignaling(data) };
    if (isStun(data) || isPlainStun(data)) return captured;
    if (data.length <= KEPT_UNKNOWN_BYTES) return captured;
    const bytes = new Uint8Array(data.length);
    bytes.set(data.subarray(0, KEPT_UNKNOWN_BYTES));
    const remark = "unknown datagram, blanked";
    const comment = captured.comment === undefined ? remark : `${captured.comment}; ${remark}`;
    return { ...captured, data: bytes, comment };
  }
}

function size(captured: Captured): number {
  // The fixed part bounds how many empty entries can wait.
  return 64 + (captured.type === "datagram" ? captured.data.length : captured.text.length);
}
