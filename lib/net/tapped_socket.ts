/**
 * A socket that shows everything it carries to somebody who writes it down.
 *
 * @module
 */
import type { SocketRole } from "../core/cloud/signaling.ts";
import type { Endpoint } from "../core/types.ts";
import { UdpSocket, type UdpSocketHandlers } from "./udp.ts";

/** A datagram as one of a session's sockets carried it. */
export interface TappedDatagram {
  /** Which socket of the session. */
  readonly socket: SocketRole;
  /** Seen from this machine. */
  readonly direction: "in" | "out";
  /** Our end; the address is 0.0.0.0, as the sockets are bound to every interface. */
  readonly local: Endpoint;
  /** The other end. */
  readonly remote: Endpoint;
  /** A copy of its own. */
  readonly data: Uint8Array;
}

/** Is shown every datagram, in order. */
export type Tap = (datagram: TappedDatagram) => void;

/** A {@linkcode UdpSocket} with a tap on it. */
export class TappedSocket extends UdpSocket {
  readonly #socket: SocketRole;
  readonly #tap: Tap;

  /** Binds a socket for `socket`. */
  constructor(socket: SocketRole, tap: Tap) {
    super();
    this.#socket = socket;
    this.#tap = tap;
  }

  override listen(handlers: UdpSocketHandlers): void {
    super.listen({
      ...handlers,
      onDatagram: (data, from) => {
        this.#show("in", from, data);
        handlers.onDatagram(data, from);
      },
    });
  }

  override send(data: Uint8Array, to: Endpoint): void {
    this.#show("out", to, data);
    super.send(data, to);
  }

  #show(direction: "in" | "out", remote: Endpoint, data: Uint8Array): void {
    const local = { ip: "0.0.0.0", port: this.port };
    this.#tap({ socket: this.#socket, direction, local, remote, data: data.slice() });
  }
}
