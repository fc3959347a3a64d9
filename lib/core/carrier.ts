/**
 * A session with the device over one path: a PTCP connection, the realms on it, and the endpoint
 * they are reached at.
 *
 * @module
 */
import type { RealmId } from "./realm/multiplexer.ts";
import { Multiplexer, type MultiplexerOptions } from "./realm/multiplexer.ts";
import { PtcpConnection, type PtcpOptions } from "./ptcp/connection.ts";
import type { SocketRole } from "./cloud/signaling.ts";
import type { Endpoint, Transmit } from "./types.ts";

/** How the bytes of a link travel. */
export type PathKind = "direct" | "relay";

/** What a {@linkcode Carrier} is made of. */
export interface CarrierOptions {
  /** The path it is for. */
  readonly path: PathKind;
  /** Where the peer of the connection is: the device, or the relay agent. */
  readonly endpoint: Endpoint;
  /** Tuning of the transport. */
  readonly ptcp: Omit<PtcpOptions, "role">;
  /** Limits of the realms. */
  readonly realms: MultiplexerOptions;
}

/** The socket a path uses: PROTOCOL.md section 9, "socket count". */
const SOCKET_OF_PATH: Readonly<Record<PathKind, SocketRole>> = { direct: "device", relay: "main" };

/** One PTCP connection to the device with its realms. */
export class Carrier {
  /** How its bytes travel. */
  readonly path: PathKind;
  /** The socket it speaks through. */
  readonly socket: SocketRole;
  /** The transport. */
  readonly connection: PtcpConnection;
  /** The streams on it. */
  readonly realms: Multiplexer;
  /** Where segments go and come from; a re-punch may move it. */
  endpoint: Endpoint;

  /** Makes the connection, not yet open. */
  constructor(options: CarrierOptions) {
    this.path = options.path;
    this.socket = SOCKET_OF_PATH[options.path];
    this.endpoint = options.endpoint;
    this.connection = new PtcpConnection({
      ...options.ptcp,
      role: "active",
      name: options.path,
      atFrameBoundary: () => this.realms.atFrameBoundary,
    });
    this.realms = new Multiplexer(this.connection, options.realms);
  }

  /** Starts the connection: the CONNECT segment leaves with the next transmit. */
  open(now: number): void {
    this.connection.open(now);
  }

  /** The next datagram of this session. */
  pollTransmit(): Transmit<SocketRole> | undefined {
    const data = this.realms.pollTransmit();
    return data && { socket: this.socket, to: this.endpoint, data };
  }
}

export type { RealmId };
