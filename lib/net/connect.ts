/**
 * From a serial number to a live session, with everything a person may choose about it.
 *
 * @module
 */
import { SMARTPSS } from "../core/cloud/dialect.ts";
import { type Failure, FailureError } from "../core/failure.ts";
import type { LinkPhase } from "../core/link_options.ts";
import type { Trace } from "../core/types.ts";
import { Alarm, monotonicNow } from "./clock.ts";
import { resolveIpv4 } from "./dns.ts";
import { systemEnvironment } from "./environment.ts";
import { Session } from "./session.ts";

/** An account of the device itself: not the vendor's cloud account. */
export interface DeviceCredentials {
  readonly username: string;
  readonly password: string;
}

/** A cloud's main server. */
export interface CloudAddress {
  /** Name or IPv4 literal. */
  readonly host: string;
  readonly port: number;
}

/** How to reach a device; everything has a default. */
export interface ConnectOptions {
  readonly credentials?: DeviceCredentials | undefined;
  /** Device authentication; default `auto`. */
  readonly authType?: "auto" | "0" | "1" | undefined;
  /** Default `auto`: direct, else the relay. */
  readonly path?: "auto" | "direct" | "relay" | undefined;
  /** Another cloud than the built-in one. */
  readonly cloud?: CloudAddress | undefined;
  /** For the whole handshake, in ms; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Streams at a time; default 64. */
  readonly maxStreams?: number | undefined;
  /** Bytes buffered for one slow reader; default 4 MiB. */
  readonly streamBufferBytes?: number | undefined;
  /** Ends the handshake; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: ConnectEvent) => void) | undefined;
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
  | { readonly type: "device"; readonly version: string; readonly policy: readonly string[] }
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
  const addresses = await resolveWithin(cloud.host, timeoutMs, options.signal);
  const resolvedMs = monotonicNow() - startedAt;
  options.onEvent?.({ type: "phase", phase: "resolve", ms: resolvedMs });
  return await Session.open({
    serial,
    path: options.path ?? "auto",
    authType: options.authType ?? "auto",
    credentials: options.credentials,
    dialect: SMARTPSS,
    servers: addresses.map((ip) => ({ ip, port: cloud.port })),
    environment: systemEnvironment(options.trace),
    handshakeTimeoutMs: Math.max(1, timeoutMs - resolvedMs),
    ...(options.streamBufferBytes ? { realmBufferBytes: options.streamBufferBytes } : {}),
    ...(options.maxStreams ? { maxRealms: options.maxStreams } : {}),
    signal: options.signal,
    onEvent: (event) =>
      options.onEvent?.(event.type === "phase" ? { ...event, ms: event.ms + resolvedMs } : event),
  });
}

async function resolveWithin(
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
