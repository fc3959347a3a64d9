/**
 * What a connection reports, and where it can stand.
 *
 * @module
 */

/** Where a connection stands. */
export type PtcpState = "idle" | "listening" | "connecting" | "open" | "closed";

/** Why a connection ended. */
export type PtcpCloseReason =
  /** The peer reset it. */
  | "reset"
  /** The CONNECT was not answered. */
  | "connect-timeout"
  /** One segment was resent too often. */
  | "resend-limit"
  /** Nothing was received for too long while the peer's window was zero. */
  | "window-probe-timeout"
  /** Data in flight made no progress for the give-up time. */
  | "stalled"
  /** The caller aborted it. */
  | "aborted";

/** What a connection reports. */
export type PtcpEvent =
  | { readonly type: "open" }
  /** In-order bytes came since the last one; read until there are none. */
  | { readonly type: "readable" }
  /** There is room for the write that was refused last. */
  | { readonly type: "writable" }
  | { readonly type: "closed"; readonly reason: PtcpCloseReason };
