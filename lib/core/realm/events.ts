/**
 * What a multiplexer reports and counts.
 *
 * @module
 */
import type { RealmCloseReason, RealmId } from "./realm.ts";

/** What the multiplexer reports. */
export type MuxEvent =
  /** The connection is open: BINDs leave from now on. */
  | { readonly type: "open" }
  | { readonly type: "realm-connected"; readonly realm: RealmId }
  /** The device answered the BIND with DISC: nothing listens on the port. The realm is gone. */
  | { readonly type: "realm-refused"; readonly realm: RealmId }
  /** Bytes wait to be read; told again only after all of them were read. */
  | { readonly type: "realm-readable"; readonly realm: RealmId }
  /** There is room again after a write that was not taken whole. */
  | { readonly type: "realm-writable"; readonly realm: RealmId }
  /** The realm has ended. What waited can still be read, but after `slow-client`. */
  | { readonly type: "realm-closed"; readonly realm: RealmId; readonly reason: RealmCloseReason }
  /** The agent's sign, as requested. */
  | { readonly type: "sign"; readonly value: Uint8Array }
  /** The device has accepted the sign; the confirmation is on its way. */
  | { readonly type: "sign-answered" }
  /** The device sent a heartbeat. */
  | { readonly type: "heartbeat" }
  /** A BIND was not answered: the device may no longer serve this connection. */
  | { readonly type: "suspect" }
  /** The connection is gone, and every realm with it. Reason `protocol`: the framing was lost. */
  | { readonly type: "closed"; readonly reason: string };

/** Plain counters of a multiplexer; they never decrease. */
export interface MultiplexerStats {
  /** Realms asked for. */
  realmsOpened: number;
  /** BINDs answered CONN. */
  realmsConnected: number;
  /** BINDs answered DISC. */
  realmsRefused: number;
  /** BINDs not answered in time. */
  bindTimeouts: number;
  /** Realms closed because their client did not read. */
  slowClients: number;
  /** Data bytes accepted from local clients. */
  bytesOut: number;
  /** Data bytes handed to realms. */
  bytesIn: number;
  /** Data bytes for realms that are closed or were never opened. */
  discardedBytes: number;
  /** Heartbeats of the device. */
  heartbeatsIn: number;
  /** Heartbeats of ours. */
  heartbeatsOut: number;
  /** Frames of unknown kind or without a place in the dialogue. */
  ignoredFrames: number;
}

/** Counters at zero. */
export function emptyMultiplexerStats(): MultiplexerStats {
  return {
    realmsOpened: 0,
    realmsConnected: 0,
    realmsRefused: 0,
    bindTimeouts: 0,
    slowClients: 0,
    bytesOut: 0,
    bytesIn: 0,
    discardedBytes: 0,
    heartbeatsIn: 0,
    heartbeatsOut: 0,
    ignoredFrames: 0,
  };
}
