/**
 * Builds the datagrams of a connection, in the order in which they matter.
 *
 * @module
 */
import type { Parts } from "./parts.ts";
import { FLAG_CTL, FLAG_RST, HEADER_BYTES, writeHeader } from "./segment.ts";
import type { Outgoing } from "./send_buffer.ts";
import { seqAdd } from "./sequence.ts";

/**
 * Duplicate acks and NACKs leave first and bare, because the peer counts only empty segments; then
 * probes, resends and data, each carrying the ack; an empty ack only if nothing carried it.
 */
export class SegmentWriter {
  readonly #parts: Parts;

  /**
   * The writer of one connection.
   *
   * @param parts Those of one connection.
   */
  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * The next datagram of a connection that is connecting or open, or nothing.
   *
   * @param scale The window scale that a CONNECT announces.
   */
  next(now: number, scale: number): Uint8Array | undefined {
    const { sender, receiver, clock, probe, stats } = this.#parts;
    const timestamp = clock.read(now);
    if (receiver.owesDuplicate) {
      stats.acksOut++;
      return this.#empty(sender.next, timestamp);
    }
    const nack = receiver.takeNack(now);
    if (nack !== undefined) return this.#nack(nack, timestamp);
    if (probe.take()) {
      stats.probesOut++;
      return this.#empty(seqAdd(sender.next, -1), timestamp);
    }
    const entry = sender.take(now, timestamp);
    if (entry !== undefined) return this.#data(entry, timestamp, scale);
    if (!receiver.owesAck) return undefined;
    stats.acksOut++;
    return this.#empty(sender.next, timestamp);
  }

  /** The segment that ends the connection. */
  reset(now: number): Uint8Array {
    const { sender, clock } = this.#parts;
    return this.#empty(sender.next, clock.read(now), FLAG_RST);
  }

  #data(entry: Outgoing, timestamp: number, scale: number): Uint8Array {
    const { receiver } = this.#parts;
    const ack = receiver.buffer.next;
    const window = entry.flags === FLAG_CTL ? receiver.announceConnect(scale) : receiver.announce();
    const bytes = entry.datagram;
    bytes[12] = 0;
    writeHeader(bytes, entry.sequence, ack, entry.flags, window, timestamp, receiver.echo);
    return bytes;
  }

  #empty(sequence: number, timestamp: number, flags = 0): Uint8Array {
    const { receiver } = this.#parts;
    const bytes = new Uint8Array(HEADER_BYTES);
    const ack = receiver.buffer.next;
    writeHeader(bytes, sequence, ack, flags, receiver.announce(), timestamp, receiver.echo);
    return bytes;
  }

  #nack(body: Uint8Array, timestamp: number): Uint8Array {
    const { sender, receiver, settings, stats } = this.#parts;
    stats.nacksOut++;
    const bytes = new Uint8Array(HEADER_BYTES + body.length);
    bytes[12] = settings.quirks.nack?.control ?? 0;
    bytes.set(body, HEADER_BYTES);
    const ack = receiver.buffer.next;
    writeHeader(bytes, sender.next, ack, 0, receiver.announce(), timestamp, receiver.echo);
    return bytes;
  }
}
