/**
 * A UDP socket that can be closed twice and survives what the network says back.
 *
 * @module
 */
import type { Endpoint } from "../core/types.ts";

/** Larger than any UDP payload: a shorter buffer would cut datagrams silently. */
const RECEIVE_BUFFER_BYTES = 65_536;

/** How many receive errors in a row mean that the socket is gone. */
const MAX_CONSECUTIVE_ERRORS = 1_000;

/** What a socket hands to its owner. */
export interface UdpSocketHandlers {
  /** A datagram arrived; `data` is the owner's. */
  readonly onDatagram: (data: Uint8Array, from: Endpoint) => void;
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

  async #receive({ onDatagram }: UdpSocketHandlers): Promise<void> {
    const buffer = new Uint8Array(RECEIVE_BUFFER_BYTES);
    let errors = 0;
    while (!this.#closed) {
      let data: Uint8Array;
      let address: Deno.NetAddr;
      try {
        [data, address] = await this.#conn.receive(buffer) as [Uint8Array, Deno.NetAddr];
      } catch (error) {
        if (this.#closed) return;
        // Windows reports the ICMP answer to an earlier send here; the socket is still good.
        this.#failed(error);
        if (++errors >= MAX_CONSECUTIVE_ERRORS) return;
        continue;
      }
      errors = 0;
      if (this.#closed) return;
      onDatagram(data.slice(), { ip: address.hostname, port: address.port });
    }
  }
}
