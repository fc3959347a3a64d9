/**
 * What each segment of an established connection means: an ack, a probe, a NACK, data.
 *
 * Every segment is judged here; what is unacceptable is answered by the reason it is dropped for,
 * never by an exception.
 *
 * Source: PROTOCOL.md sections 2.3, 2.4, 9 (NACK) and 10.
 *
 * @module
 */
import { carriesNackBody } from "./nack.ts";
import type { Parts } from "./parts.ts";
import {
  ackOf,
  echoOf,
  HEADER_BYTES,
  payloadOf,
  sequenceOf,
  timestampOf,
  windowOf,
} from "./segment.ts";
import { seqDiff } from "./sequence.ts";

/** Takes the segments of one open connection. */
export class Inbound {
  readonly #parts: Parts;
  #readable = false;

  /**
   * The inbound half of one connection.
   *
   * @param parts Those of the connection.
   */
  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Whether in-order bytes came since this was last asked. */
  takeReadable(): boolean {
    const readable = this.#readable;
    this.#readable = false;
    return readable;
  }

  /**
   * Takes a segment without control byte and flags.
   *
   * @returns Why its body is dropped, if it is.
   */
  onSegment(bytes: Uint8Array, peerScale: number, now: number): string | undefined {
    const { receiver, settings, stats } = this.#parts;
    const sequence = sequenceOf(bytes);
    const ahead = seqDiff(sequence, receiver.buffer.next);
    if (bytes.length === HEADER_BYTES) {
      // A probe stands at next - 1. An older empty segment is an ack that was overtaken: answering
      // it would be a duplicate ack for nothing.
      const isProbe = ahead === -1;
      this.onAck(bytes, isProbe ? "other" : "pure", peerScale, now);
      if (isProbe) {
        stats.probesIn++;
        receiver.oweAck();
      }
      return undefined;
    }
    const length = bytes.length - HEADER_BYTES;
    if (carriesNackBody(bytes)) {
      const known = ahead === 0 && receiver.buffer.unreadBytes === 0;
      if (known && settings.atFrameBoundary()) return this.onNack(bytes, peerScale, now);
      // Out of order, behind unread bytes, or too long for the window: it comes again if it is data.
      if (!known || length > receiver.buffer.freeBytes) {
        this.onAck(bytes, "other", peerScale, now);
        if (ahead !== 0) receiver.oweAck();
        return "ambiguous-nack";
      }
    }
    receiver.noteTimestamp(sequence, length, timestampOf(bytes));
    this.onAck(bytes, "other", peerScale, now);
    return this.#onData(sequence, payloadOf(bytes), now);
  }

  /** A NACK: its header's ack and window count, it takes no sequence space. */
  onNack(bytes: Uint8Array, peerScale: number, now: number): undefined {
    const { sender, stats } = this.#parts;
    stats.nacksIn++;
    this.onAck(bytes, "other", peerScale, now);
    if (sender.onNack(ackOf(bytes), now)) this.#tell("nack-answered", sender.unacknowledged, now);
  }

  /** The ack, window and echo of any segment. `pure` when it could be a duplicate ack. */
  onAck(bytes: Uint8Array, kind: "pure" | "other", peerScale: number, now: number): void {
    const { sender, clock, probe } = this.#parts;
    const echo = echoOf(bytes);
    const outcome = sender.acknowledge(
      ackOf(bytes),
      windowOf(bytes) << peerScale,
      kind,
      timestampOf(bytes),
      echo,
      echo === 0 ? undefined : clock.age(echo, now),
      now,
    );
    if (outcome === "beyond") this.#tell("ack-ignored", ackOf(bytes), now);
    // Resends of what is in flight ask for the window too: probes are for when there is nothing.
    if (sender.peerWindow > 0) {
      probe.stop();
      return;
    }
    sender.noteAlive(now);
    if (sender.flight === 0) probe.onReceive(now, sender.rtt.rtoMs);
    else probe.stop();
  }

  #onData(sequence: number, payload: Uint8Array, now: number): string | undefined {
    const { receiver, stats } = this.#parts;
    const before = receiver.buffer.next;
    const arrival = receiver.accept(sequence, payload, now);
    const delivered = seqDiff(receiver.buffer.next, before);
    if (delivered > 0) {
      stats.bytesIn += delivered;
      this.#readable = true;
      return undefined;
    }
    if (arrival === "duplicate") {
      stats.duplicatesIn++;
      return "duplicate";
    }
    if (arrival === "outside") return "outside-window";
    stats.outOfOrderIn++;
    return undefined;
  }

  #tell(name: string, sequence: number, now: number): void {
    const { trace, name: scope } = this.#parts.settings;
    trace?.({ at: now, scope, name, data: { sequence } });
  }
}
