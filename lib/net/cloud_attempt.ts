/**
 * One attempt to reach a device through one cloud.
 *
 * @module
 */
import type { CloudCandidate } from "../core/cloud_choice.ts";
import type { SignChoice } from "../core/cloud/dialect.ts";
import { RelayHosts } from "../core/cloud/relay_hosts.ts";
import { cloudUnreachable, deviceSilent } from "../core/cloud/failures.ts";
import { FailureError } from "../core/failure.ts";
import { LIVENESS_DEFAULTS } from "../core/liveness.ts";
import type { PtcpOptions } from "../core/ptcp/options.ts";
import { Alarm, monotonicNow } from "./clock.ts";
import type { ConnectEvent, ConnectOptions } from "./connect.ts";
import { resolveWithin } from "./dns.ts";
import { systemEnvironment } from "./environment.ts";
import { Session } from "./session.ts";

/** What all sessions of this process know about relays. */
const relayHosts = new RelayHosts();

/** What an attempt is told beside the person's options. */
export interface CloudAttempt {
  /** Which cloud, and how. */
  readonly candidate: CloudCandidate;
  /** Whether to ask for a sign. */
  readonly sign: SignChoice;
  /** For all of it, in ms. */
  readonly timeoutMs: number;
  /** How long the device may keep silent; absent when nobody else is to be asked. */
  readonly silenceLimitMs?: number | undefined;
  /** Told what happens, in ms since the attempt began. */
  readonly onEvent: (event: ConnectEvent) => void;
}

/**
 * Reaches a device through one cloud.
 *
 * @throws {FailureError} With the reason why it cannot be reached that way.
 */
export async function attemptCloud(
  serial: string,
  attempt: CloudAttempt,
  options: ConnectOptions,
): Promise<Session> {
  const { candidate, sign, timeoutMs, onEvent } = attempt;
  const { host, port, name } = candidate.dialect.cloud;
  const startedAt = monotonicNow();
  using silence = new SilenceLimit(attempt.silenceLimitMs, name);
  const signal = options.signal
    ? AbortSignal.any([options.signal, silence.signal])
    : silence.signal;
  const addresses = options.addresses ?? await resolveWithin(host, timeoutMs, signal);
  const resolvedMs = monotonicNow() - startedAt;
  onEvent({ type: "phase", phase: "resolve", ms: resolvedMs });
  return await Session.open({
    serial,
    path: options.path ?? "auto",
    prefer: options.prefer ?? "direct",
    authType: options.authType ?? "auto",
    sign,
    credentials: options.credentials,
    dialect: candidate.dialect,
    servers: addresses.map((ip) => ({ ip, port })),
    environment: systemEnvironment(options.trace),
    handshakeTimeoutMs: Math.max(1, timeoutMs - resolvedMs),
    ...(options.streamBufferBytes ? { realmBufferBytes: options.streamBufferBytes } : {}),
    ...(options.bindTimeoutMs ? { bindTimeoutMs: options.bindTimeoutMs } : {}),
    ...(options.maxStreams ? { maxRealms: options.maxStreams } : {}),
    ...(options.heartbeatMs ? { heartbeatIntervalMs: options.heartbeatMs } : {}),
    ...(options.deadAfterMs
      ? { liveness: { ...LIVENESS_DEFAULTS, deadAfterMs: options.deadAfterMs } }
      : {}),
    relayHosts,
    ptcp: windowOptions(options.receiveWindowBytes),
    tap: options.tap,
    signal,
    onEvent: (event) => {
      if (event.type === "phase") silence.passed(event.phase);
      onEvent(event.type === "phase" ? { ...event, ms: event.ms + resolvedMs } : event);
    },
  });
}

/** Ends an attempt at which nothing is heard of the device, so that another cloud gets its turn. */
class SilenceLimit implements Disposable {
  readonly #abort = new AbortController();
  readonly #alarm: Alarm;
  #isKnown = false;

  constructor(limitMs: number | undefined, cloud: string) {
    this.#alarm = new Alarm(() => {
      const failure = this.#isKnown
        ? deviceSilent(cloud, limitMs ?? 0)
        : cloudUnreachable(1, 1, limitMs ?? 0);
      this.#abort.abort(new FailureError(failure));
    });
    if (limitMs !== undefined) this.#alarm.set(monotonicNow() + limitMs);
  }

  /** Aborts when the device was silent for too long. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Notes a phase of the handshake: all but the first two are the device's own doing. */
  passed(phase: string): void {
    this.#isKnown = true;
    if (phase !== "lookup" && phase !== "auth") this.#alarm.clear();
  }

  [Symbol.dispose](): void {
    this.#alarm.clear();
  }
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
