/**
 * Why something did not work, as data: a stable reason word, what is known, and a sentence for
 * people. The words never change once released; the sentences may.
 *
 * Source: the table of failures in the project's user research (f).
 *
 * @module
 */

/** Stable reason words. Scripts rely on them. */
export type Reason =
  | "app-rejected"
  | "auth-rejected"
  | "auth-required"
  | "auth-salt"
  | "busy"
  | "clock-skew"
  | "cloud-unreachable"
  | "config"
  | "data-stalled"
  | "device-offline"
  | "device-silent"
  | "device-unknown"
  | "handshake-timeout"
  | "internal"
  | "listen-denied"
  | "listen-in-use"
  | "lockout"
  | "peer-silent"
  | "port-closed"
  | "protocol"
  | "punch-failed"
  | "relay-busy"
  | "relay-zombie"
  | "rtsp-limit"
  | "rtsp-not-found"
  | "rtsp-udp"
  | "rtsp-unauthorized"
  | "sessions-full"
  | "slow-client"
  | "starting"
  | "usage";

/** One failure (or warning), complete enough to print, log, count and act upon. */
export interface Failure {
  /** The stable word for it. */
  readonly reason: Reason;
  /** What happened, one sentence without the final advice. Never a secret. */
  readonly what: string;
  /** What to do about it, one or more sentences. */
  readonly advice: string;
  /** Figures and names behind it, for JSON. Never a secret. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
}

/** An error that carries a {@linkcode Failure}; what the library's promises reject with. */
export class FailureError extends Error {
  /** `FailureError`. */
  override readonly name: string = "FailureError";
  /** What failed, and what to do about it. */
  readonly failure: Failure;

  /** Wraps a failure; its sentences become the message. */
  constructor(failure: Failure) {
    super(`${failure.what} ${failure.advice}`.trim());
    this.failure = failure;
  }

  /** The stable reason word. */
  get reason(): Reason {
    return this.failure.reason;
  }
}
