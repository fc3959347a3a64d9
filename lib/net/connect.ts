/**
 * From a serial number to a live session, with everything a person may choose about it.
 *
 * @module
 */
import {
  type CloudCandidate,
  cloudCandidates,
  CloudChoice,
  type CloudName,
  type DialectName,
  rememberedFirst,
} from "../core/cloud_choice.ts";
import type { SignChoice } from "../core/cloud/dialect.ts";
import type { PathPolicy } from "../core/cloud/signaling.ts";
import type { AppAccount } from "../core/cloud/wsse.ts";
import { type Failure, FailureError } from "../core/failure.ts";
import type { LinkEvent, LinkPhase } from "../core/link_options.ts";
import type { DeviceRoute, RouteMemory } from "../core/memory.ts";
import type { Trace } from "../core/types.ts";
import { monotonicNow } from "./clock.ts";
import { attemptCloud } from "./cloud_attempt.ts";
import type { Session } from "./session.ts";
import type { Tap } from "./tapped_socket.ts";

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
  /**
   * Whether the direct path asks for a sign first; by default as it worked last time, else as the
   * dialect does. PROTOCOL.md section 9, "sign".
   */
  readonly sign?: SignChoice | undefined;
  /** Default `auto`: direct, else the relay, else the TCP relay if the device's policy names it. */
  readonly path?: PathPolicy | undefined;
  /** Which path `auto` takes when both can be had; default `direct`. */
  readonly prefer?: "direct" | "relay" | undefined;
  /** Default `auto`: SmartPSS's, then DMSS's when the first does not know or reach the device. */
  readonly cloud?: "auto" | CloudName | CloudAddress | undefined;
  /** How the cloud is talked to; by default as its own app does, like SmartPSS with other hosts. */
  readonly dialect?: DialectName | undefined;
  /** The pair that the app of the cloud's vendor proves itself with; by default the built-in one. */
  readonly app?: AppAccount | undefined;
  /** The clouds to ask, instead of those that `cloud`, `dialect` and `app` name. */
  readonly candidates?: readonly CloudCandidate[] | undefined;
  /** Remembers what worked; by default nothing is. */
  readonly memory?: RouteMemory | undefined;
  /** IPv4 addresses of the cloud, when they are known: its name is not resolved then. */
  readonly addresses?: readonly string[] | undefined;
  /** For the whole handshake, in ms; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Between two heartbeats, in ms; default 5,000. */
  readonly heartbeatMs?: number | undefined;
  /** Silence of the device after which the session is lost, in ms; default 30,000. */
  readonly deadAfterMs?: number | undefined;
  /** Streams at a time; default 64. */
  readonly maxStreams?: number | undefined;
  /** Bytes buffered for one slow reader; default 4 MiB. */
  readonly streamBufferBytes?: number | undefined;
  /** How long the device may leave a BIND unanswered, in ms; default 10,000. */
  readonly bindTimeoutMs?: number | undefined;
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

/** Less than this is not worth another attempt: it is what a quick handshake takes. */
const SHORTEST_ATTEMPT_MS = 500;

/** A session, and how it came about. */
export interface Reached {
  /** It is up. */
  readonly session: Session;
  /** What to remember. */
  readonly route: DeviceRoute;
}

/**
 * Reaches a device.
 *
 * @throws {FailureError} With the reason why it cannot be reached.
 */
export async function connectDevice(
  serial: string,
  options: ConnectOptions = {},
): Promise<Session> {
  const { session, route } = await reachDevice(serial, options);
  options.memory?.remember(serial, route);
  return session;
}

/**
 * Reaches a device through the first cloud that knows it, without remembering which.
 *
 * @throws {FailureError} With the reason why no cloud reaches it.
 */
export async function reachDevice(serial: string, options: ConnectOptions): Promise<Reached> {
  const { onEvent, sign } = options;
  const startedAt = monotonicNow();
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const remembered = options.memory?.recall(serial);
  const candidates = rememberedFirst(options.candidates ?? cloudCandidates(options), remembered);
  const choice = new CloudChoice(candidates);
  for (let elapsedMs = 0;; elapsedMs = monotonicNow() - startedAt) {
    const candidate = choice.current;
    const { cloud, dialectName, dialect } = candidate;
    const remainingMs = timeoutMs - elapsedMs;
    if (elapsedMs > 0 && remainingMs < SHORTEST_ATTEMPT_MS) {
      throw new FailureError(choice.outOfTime());
    }
    const isKnown = remembered?.cloud === cloud && remembered.dialect === dialectName;
    const chosen = sign ?? (isKnown ? remembered.sign : dialect.sign);
    try {
      const session = await attemptCloud(serial, {
        candidate,
        sign: chosen,
        timeoutMs: remainingMs,
        silenceLimitMs: choice.isLast ? undefined : choice.silenceLimitMs(remainingMs),
        onEvent: (event) =>
          onEvent?.(event.type === "phase" ? { ...event, ms: event.ms + elapsedMs } : event),
      }, options);
      const route = { cloud, dialect: dialectName, sign: chosen, path: session.path };
      return { session, route };
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof FailureError)) throw error;
      const step = choice.failed(error.failure);
      if (step.type === "failed") throw new FailureError(step.failure);
      onEvent?.({ type: "warning", failure: step.warning });
    }
  }
}
