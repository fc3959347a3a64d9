/**
 * A UDP socket that can be closed twice and survives what the network says back.
 *
 * @module
 */
import type { Endpoint } from "../core/types.ts";

/** Larger than any UDP payload: a shorter buffer would cut datagrams silently. */
const LARGEST_DATAGRAM_BYTES = 65_536;

/**
 * Memory that datagrams are received into one behind the other: one allocation for dozens of them.
 * A view of one datagram keeps all of it alive.
 */
const SLAB_BYTES = 2 * LARGEST_DATAGRAM_BYTES;

/** Datagrams handed out before the owner is told to answer, however many more wait. */
const MAX_BATCH = 16;

/** Batches after which it is told to act on them, however many more wait. */
const MAX_BATCHES = 4;

/** A receive that can complete at once does so within fewer microtasks than this. */
const QUIET_MICROTASKS = 6;

/** How many receive errors in a row mean that the socket is gone. */
const MAX_CONSECUTIVE_ERRORS = 1_000;

/** What a socket hands to its owner. */
export interface UdpSocketHandlers {
  /** A datagram arrived; `data` is the owner's. One endpoint is one object as long as it repeats. */
  readonly onDatagram: (data: Uint8Array, from: Endpoint) => void;
  /** Some were handed out and more wait: time for what the senders must not wait for. */
  readonly onBatchEnd: () => void;
  /** No more wait, or very many were handed out: time to act on them. */
  readonly onQuiet: () => void;
  /** The network refused something; the socket goes on. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** An IPv4 UDP socket; never connected: its owner checks sources. */
export class UdpSocket {
  readonly #conn: Deno.DatagramConn;
  #closed = false;
  #done: Promise<void> = Promise.resolve();
  #onError: ((error: Error) => void) | undefined;
  #lastEndpoint: Endpoint | undefined;
  #lastAddress: Deno.NetAddr | undefined;
  /** Datagrams handed out since the owner was last told to act on them. */
  #waiting = 0;
  #quietFor = 0;
  #isWatching = false;

  /**
   * Binds a socket.
   *
   * @param hostname IPv4 literal of the local interface.
   * @param port 0 for any free one.
   */
  constructor(hostname = "0.0.0.0", port = 0) {
    this.#conn = Deno.listenDatagram({ transport: "udp", hostname, port });
  }

  /** The local port. */
  get port(): number {
    return (this.#conn.addr as Deno.NetAddr).port;
  }

  /** Begins to receive. */
  listen(handlers: UdpSocketHandlers): void {
    this.#onError = handlers.onError;
    this.#done = this.#receive(handlers);
  }

  /** Sends a datagram; a failure is reported to `onError`, as UDP loses silently anyway. */
  send(data: Uint8Array, to: Endpoint): void {
    if (this.#closed) return;
    if (this.#lastEndpoint !== to) {
      this.#lastEndpoint = to;
      this.#lastAddress = { transport: "udp", hostname: to.ip, port: to.port };
    }
    this.#conn.send(data, this.#lastAddress!).catch(this.#failed);
  }

  /** Closes the socket and waits until the receive loop has ended. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#conn.close();
    }
    await this.#done;
  }

  readonly #failed = (error: unknown): void => {
    if (!this.#closed) this.#onError?.(error instanceof Error ? error : new Error(String(error)));
  };

  async #receive(handlers: UdpSocketHandlers): Promise<void> {
    let slab = new Uint8Array(SLAB_BYTES);
    let used = 0;
    let from: Endpoint = { ip: "", port: 0 };
    let errors = 0;
    while (!this.#closed) {
      if (SLAB_BYTES - used < LARGEST_DATAGRAM_BYTES) {
        slab = new Uint8Array(SLAB_BYTES);
        used = 0;
      }
      let data: Uint8Array;
      let address: Deno.NetAddr;
      try {
        [data, address] = await this.#conn.receive(slab.subarray(used)) as [
          Uint8Array,
          Deno.NetAddr,
        ];
      } catch (error) {
        if (this.#closed) return;
        // Windows reports the ICMP answer to an earlier send here; the socket is still good.
        this.#failed(error);
        if (++errors >= MAX_CONSECUTIVE_ERRORS) return;
        continue;
      }
      errors = 0;
      if (this.#closed) return;
      used += data.length;
      if (from.port !== address.port || from.ip !== address.hostname) {
        from = { ip: address.hostname, port: address.port };
      }
      handlers.onDatagram(data, from);
      this.#waiting++;
      if (this.#waiting === MAX_BATCHES * MAX_BATCH) this.#actOn(handlers);
      else if (this.#waiting % MAX_BATCH === 0) handlers.onBatchEnd();
      this.#quietFor = 0;
      if (!this.#isWatching) void this.#watchForQuiet(handlers);
    }
  }

  /** It is quiet once a receive is under way that did not complete at once. */
  async #watchForQuiet(handlers: UdpSocketHandlers): Promise<void> {
    this.#isWatching = true;
    while (this.#quietFor++ < QUIET_MICROTASKS) await undefined;
    this.#isWatching = false;
    if (this.#waiting > 0) this.#actOn(handlers);
  }

  #actOn({ onQuiet }: UdpSocketHandlers): void {
    this.#waiting = 0;
    if (!this.#closed) onQuiet();
  }
}
