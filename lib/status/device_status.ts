/**
 * What the world is told about one device: a snapshot of its tunnel in plain data, without anything
 * secret, the same for the status page, the status file, SIGUSR1 and `status`.
 *
 * @module
 */
import type { Reason } from "../core/failure.ts";
import { formatListen } from "../net/forward.ts";
import type { TunnelStatus } from "../net/tunnel.ts";

/** Where a device stands. `disabled` ones are configured and not run. */
export type DeviceState = TunnelStatus["state"] | "disabled";

/** One device. Durations in ms; absent fields do not apply to its state. */
export interface DeviceStatus {
  /** Its name in the configuration, or its redacted serial. */
  readonly name: string;
  readonly state: DeviceState;
  readonly path?: string | undefined;
  readonly phase?: string | undefined;
  readonly rttMs?: number | undefined;
  readonly handshakeMs?: number | undefined;
  readonly upMs?: number | undefined;
  readonly retryInMs?: number | undefined;
  /** The last failure; kept while the device is up, as what ended the last session. */
  readonly reason?: Reason | undefined;
  readonly message?: string | undefined;
  /** RFC 3339, of the last session that became ready. */
  readonly lastReady?: string | undefined;
  readonly sessions: number;
  /** Attempts that failed in a row. */
  readonly failures: number;
  readonly lostBy: Readonly<Partial<Record<Reason, number>>>;
  readonly failedBy: Readonly<Partial<Record<Reason, number>>>;
  readonly clients: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly retransmits: number;
  /** Firmware, as the device says. */
  readonly version?: string | undefined;
  /** Local ports. */
  readonly ports: readonly PortStatus[];
}

/** One forwarded port. */
export interface PortStatus {
  /** `127.0.0.1:1554`. */
  readonly port: string;
  readonly remote: number;
  /** Whether the device granted it in the last session. */
  readonly granted: boolean;
}

/** Takes the snapshot of a tunnel. */
export function deviceStatus(name: string, status: TunnelStatus): DeviceStatus {
  return {
    name,
    state: status.state,
    path: status.path,
    phase: status.phase,
    rttMs: rounded(status.roundTripMs),
    handshakeMs: rounded(status.handshakeMs),
    upMs: rounded(status.upMs),
    retryInMs: rounded(status.retryInMs),
    reason: status.failure?.reason,
    message: status.failure?.what,
    lastReady: status.lastReadyAt === undefined
      ? undefined
      : new Date(status.lastReadyAt).toISOString(),
    sessions: status.sessions,
    failures: status.failures,
    lostBy: status.lostBy,
    failedBy: status.failedBy,
    clients: status.clients,
    bytesIn: status.bytesIn,
    bytesOut: status.bytesOut,
    retransmits: status.retransmits,
    version: status.version,
    ports: status.ports.map(({ hostname, port, remotePort, isGranted }) => ({
      port: formatListen(hostname, port),
      remote: remotePort,
      granted: isGranted,
    })),
  };
}

/** The status of a device that is configured and not run. */
export function disabledStatus(name: string): DeviceStatus {
  return {
    name,
    state: "disabled",
    sessions: 0,
    failures: 0,
    lostBy: {},
    failedBy: {},
    clients: 0,
    bytesIn: 0,
    bytesOut: 0,
    retransmits: 0,
    ports: [],
  };
}

function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms);
}
