/**
 * A session with the device over one path: a PTCP connection, the realms on it, and the endpoint
 * they are reached at.
 *
 * @module
 */
import { Multiplexer, type MultiplexerOptions } from "./realm/multiplexer.ts";
import { PtcpConnection, type PtcpOptions } from "./ptcp/connection.ts";
import type { SocketRole } from "./cloud/signaling.ts";
import type { LinkOptions } from "./link_options.ts";
import type { Endpoint, Transmit } from "./types.ts";

export type { RealmId } from "./realm/multiplexer.ts";

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

/**
 * Longest wait between two resends. A link gives up after 30 s without progress: an outage of 20 s
 * must not fall between two resends that are a minute apart.
 */
const MAX_RTO_MS = 4_000;

/** The session of a link over one path, not yet open. */
export function linkCarrier(path: PathKind, endpoint: Endpoint, options: LinkOptions): Carrier {
  const { environment: { random, trace }, ptcp, realmBufferBytes, maxRealms } = options;
  // A filled hole can hand over a whole window at once: a client that reads must not seem slow.
  const burstBytes = 2 * (ptcp.receiveBufferBytes ?? 0);
  return new Carrier({
    path,
    endpoint,
    ptcp: { maxRtoMs: MAX_RTO_MS, ...ptcp, trace },
    realms: {
      random,
      trace,
      realmBufferBytes: Math.max(realmBufferBytes, burstBytes),
      bindTimeoutMs: options.bindTimeoutMs,
      maxRealms,
      heartbeatIntervalMs: options.heartbeatIntervalMs,
    },
  });
}
