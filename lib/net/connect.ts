/**
 * From a serial number to a live session, with everything a person may choose about it.
 *
 * @module
 */
import { SMARTPSS } from "../core/cloud/dialect.ts";
import { type Failure, FailureError } from "../core/failure.ts";
import type { LinkEvent, LinkPhase } from "../core/link_options.ts";
import type { PtcpOptions } from "../core/ptcp/options.ts";
import type { Trace } from "../core/types.ts";
import { Alarm, monotonicNow } from "./clock.ts";
import { resolveIpv4 } from "./dns.ts";
import { systemEnvironment } from "./environment.ts";
import type { Tap } from "./tapped_socket.ts";
import { Session } from "./session.ts";

/** An account of the device itself: not the vendor's cloud account. */
export interface DeviceCredentials {
  /** Name of the account. */
  readonly username: string;
  /** Its password; never logged. */
  readonly password: string;
}

/** A cloud's main server. */
export interface CloudAddress {
  /** Name or IPv4 literal. */
  readonly host: string;
  /** UDP port; 8800 is usual. */
  readonly port: number;
}

/** How to reach a device; everything has a default. */
export interface ConnectOptions {
  /** Needed by most devices sold since 2024. */
  readonly credentials?: DeviceCredentials | undefined;
  /** Device authentication; default `auto`. */
  readonly authType?: "auto" | "0" | "1" | undefined;
  /** Whether the direct path asks for a sign first; default `ask`. PROTOCOL.md section 9, "sign". */
  readonly sign?: "ask" | "skip" | undefined;
  /** Default `auto`: direct, else the relay. */
  readonly path?: "auto" | "direct" | "relay" | undefined;
  /** Another cloud than the built-in one. */
  readonly cloud?: CloudAddress | undefined;
  /** IPv4 addresses of the cloud, when they are known: its name is not resolved then. */
  readonly addresses?: readonly string[] | undefined;
  /** For the whole handshake, in ms; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Streams at a time; default 64. */
  readonly maxStreams?: number | undefined;
  /** Bytes buffered for one slow reader; default 4 MiB. */
  readonly streamBufferBytes?: number | undefined;
  /** Bytes the device may have in flight; above 65,535 a window scale is announced. */
  readonly receiveWindowBytes?: number | undefined;
  /** Is shown every datagram of the session's sockets. */
  readonly tap?: Tap | undefined;
  /** Ends the handshake; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told what happens on the way. */
  readonly onEvent?: ((event: ConnectEvent) => void) | undefined;
  /** Told everything the machines do. */
  readonly trace?: Trace | undefined;
}

/** What is reported on the way. */
export type ConnectEvent =
  | {
    readonly type: "phase";
    readonly phase: "resolve" | LinkPhase;
    /** Since the call. */
    readonly ms: number;
  }
  | Extract<LinkEvent, { type: "device" }>
  | { readonly type: "warning"; readonly failure: Failure };

/** Port of the main server when none is given: PROTOCOL.md section 9, "addresses". */
export const DEFAULT_CLOUD_PORT = 8800;

/** The cloud of SmartPSS. */
export const DEFAULT_CLOUD: CloudAddress = {
  host: "www.easy4ipcloud.com",
  port: DEFAULT_CLOUD_PORT,
};

/** Bound of the whole handshake. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Reaches a device.
 *
 * @throws {FailureError} With the reason why it cannot be reached.
 */
export async function connectDevice(
  serial: string,
  options: ConnectOptions = {},
): Promise<Session> {
  const startedAt = monotonicNow();
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const cloud = options.cloud ?? DEFAULT_CLOUD;
  const addresses = options.addresses ??
    await resolveWithin(cloud.host, timeoutMs, options.signal);
  const resolvedMs = monotonicNow() - startedAt;
  options.onEvent?.({ type: "phase", phase: "resolve", ms: resolvedMs });
  return await Session.open({
    serial,
    path: options.path ?? "auto",
    authType: options.authType ?? "auto",
    sign: options.sign ?? "ask",
    credentials: options.credentials,
    dialect: SMARTPSS,
    servers: addresses.map((ip) => ({ ip, port: cloud.port })),
    environment: systemEnvironment(options.trace),
    handshakeTimeoutMs: Math.max(1, timeoutMs - resolvedMs),
    ...(options.streamBufferBytes ? { realmBufferBytes: options.streamBufferBytes } : {}),
    ...(options.maxStreams ? { maxRealms: options.maxStreams } : {}),
    ptcp: windowOptions(options.receiveWindowBytes),
    tap: options.tap,
    signal: options.signal,
    onEvent: (event) =>
      options.onEvent?.(event.type === "phase" ? { ...event, ms: event.ms + resolvedMs } : event),
  });
}

/** Largest window that the header's 16 bits carry without a scale. */
const MAX_UNSCALED_WINDOW_BYTES = 65_535;

/** A receive window as the transport's options: the smallest scale that can announce it. */
function windowOptions(bytes = MAX_UNSCALED_WINDOW_BYTES): Pick<
  PtcpOptions,
  "receiveBufferBytes" | "windowScale"
> {
  // 64 KiB is what people say for what the header can carry.
  if (bytes === 65_536) bytes = MAX_UNSCALED_WINDOW_BYTES;
  let windowScale = 0;
  while (bytes > MAX_UNSCALED_WINDOW_BYTES * 2 ** windowScale) windowScale++;
  return { receiveBufferBytes: bytes, windowScale };
}

/**
 * The IPv4 addresses of a cloud's host.
 *
 * @throws {FailureError} `cloud-unreachable` when there is none, or not in time.
 */
export async function resolveWithin(
  host: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const limit = new AbortController();
  const alarm = new Alarm(() =>
    limit.abort(
      new FailureError({
        reason: "cloud-unreachable",
        what: `Nobody resolved the name ${host} in ${timeoutMs / 1000}s.`,
        advice: "Check the network and DNS of this machine.",
        facts: { host, timeoutMs },
      }),
    )
  );
  alarm.set(monotonicNow() + timeoutMs);
  try {
    return await resolveIpv4(
      host,
      signal ? AbortSignal.any([signal, limit.signal]) : limit.signal,
    );
  } finally {
    alarm.clear();
  }
}
