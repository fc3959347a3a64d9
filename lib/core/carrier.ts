/**
 * A session with the device over one path: a PTCP connection, the realms on it, and the endpoint
 * they are reached at.
 *
 * @module
 */
import { Multiplexer, type MultiplexerOptions } from "./realm/multiplexer.ts";
import { PtcpConnection } from "./ptcp/connection.ts";
import type { SessionTransport } from "./realm/transport.ts";
import type { SocketRole } from "./cloud/signaling.ts";
import type { LinkOptions } from "./link_options.ts";
import type { Endpoint, Transmit } from "./types.ts";

export type { RealmId } from "./realm/multiplexer.ts";

/** How the bytes of a link travel. */
export type PathKind = "direct" | "relay" | "tcp-relay";

/** What a {@linkcode Carrier} is made of. */
export interface CarrierOptions {
  /** The path it is for. */
  readonly path: PathKind;
  /** Where the peer of the connection is: the device, or the relay agent. */
  readonly endpoint: Endpoint;
  /** Makes the transport; `atFrameBoundary` says where the realms' frame parser stands. */
  readonly transport: (atFrameBoundary: () => boolean) => SessionTransport;
  /** Limits of the realms. */
  readonly realms: MultiplexerOptions;
}

/** The UDP socket a path uses, if any: PROTOCOL.md section 9, "socket count". */
const SOCKET_OF_PATH: Readonly<Record<PathKind, SocketRole | undefined>> = {
  direct: "device",
  relay: "main",
  "tcp-relay": undefined,
};

/** One connection to the device with its realms. */
export class Carrier {
  /** How its bytes travel. */
  readonly path: PathKind;
  /** The UDP socket it speaks through, if any. */
  readonly socket: SocketRole | undefined;
  /** The transport. */
  readonly connection: SessionTransport;
  /** The streams on it. */
  readonly realms: Multiplexer;
  /** Where its bytes go and come from; a re-punch may move it. */
  endpoint: Endpoint;

  /** Makes the connection, not yet open. */
  constructor(options: CarrierOptions) {
    this.path = options.path;
    this.socket = SOCKET_OF_PATH[options.path];
    this.endpoint = options.endpoint;
    this.connection = options.transport(() => this.realms.atFrameBoundary);
    this.realms = new Multiplexer(this.connection, options.realms);
  }

  /** Whether it is open and nothing of ours waits for an answer: it sends only when asked to. */
  get isQuiet(): boolean {
    return this.connection.state === "open" && this.connection.unacknowledgedBytes === 0;
  }

  /** Starts the connection: a CONNECT segment leaves with the next transmit. */
  open(now: number): void {
    this.connection.open(now);
  }

  /** The next datagram of this session. */
  pollTransmit(): Transmit<SocketRole> | undefined {
    if (this.socket === undefined) return undefined;
    const data = this.realms.pollTransmit();
    return data && { socket: this.socket, to: this.endpoint, data };
  }
}

/**
 * Longest wait between two resends. A link gives up after 30 s without progress: an outage of 20 s
 * must not fall between two resends that are a minute apart.
 */
const MAX_RTO_MS = 4_000;

/** Opens the session of a link over one UDP path. */
export function openCarrier(
  path: Exclude<PathKind, "tcp-relay">,
  endpoint: Endpoint,
  options: LinkOptions,
  now: number,
): Carrier {
  const { environment: { trace }, ptcp } = options;
  const carrier = new Carrier({
    path,
    endpoint,
    transport: (atFrameBoundary) =>
      new PtcpConnection({
        maxRtoMs: MAX_RTO_MS,
        ...ptcp,
        trace,
        role: "active",
        name: path,
        atFrameBoundary,
      }),
    // A filled hole can hand over a whole window at once: a client that reads must not seem slow.
    realms: realmOptions(options, 2 * (ptcp.receiveBufferBytes ?? 0)),
  });
  carrier.open(now);
  return carrier;
}

/** Between keepalives on a TCP relay, unless ours are rarer: PROTOCOL.md section 5. */
const TCP_HEARTBEAT_MS = 7_000;

/** The session of a link over a stream to a TCP relay, not yet open. */
export function tcpRelayCarrier(
  stream: SessionTransport,
  endpoint: Endpoint,
  options: LinkOptions,
): Carrier {
  const heartbeatIntervalMs = Math.max(options.heartbeatIntervalMs, TCP_HEARTBEAT_MS);
  return new Carrier({
    path: "tcp-relay",
    endpoint,
    transport: () => stream,
    realms: { ...realmOptions(options, 0), heartbeatIntervalMs },
  });
}

function realmOptions(options: LinkOptions, burstBytes: number): MultiplexerOptions {
  const { environment: { random, trace }, realmBufferBytes, bindTimeoutMs, maxRealms } = options;
  return {
    random,
    trace,
    realmBufferBytes: Math.max(realmBufferBytes, burstBytes),
    bindTimeoutMs,
    maxRealms,
    heartbeatIntervalMs: options.heartbeatIntervalMs,
  };
}
