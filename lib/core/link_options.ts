/**
 * What a link takes and what it reports.
 *
 * @module
 */
import type { PathKind } from "./carrier.ts";
import type { Dialect, SignChoice } from "./cloud/dialect.ts";
import type { RelayHosts } from "./cloud/relay_hosts.ts";
import type { Credentials, PathPolicy } from "./cloud/signaling.ts";
import type { Failure } from "./failure.ts";
import { LIVENESS_DEFAULTS, type LivenessOptions } from "./liveness.ts";
import type { PtcpOptions } from "./ptcp/connection.ts";
import type { RealmId } from "./realm/multiplexer.ts";
import type { TcpEvent } from "./tcp_relay_path.ts";
import type { Endpoint, Environment } from "./types.ts";

/** Where a handshake stands; each is reported once, when it is passed. */
export type LinkPhase = "lookup" | "auth" | "channel" | "punch" | "relay" | "session";

/** Everything a link must be told. */
export interface LinkOptions {
  /** As printed on the device: letters and digits. */
  readonly serial: string;
  /**
   * Which paths may carry the link; `auto` prefers the direct one, then the relay, and tries the TCP
   * relay last when the device's policy names it.
   */
  readonly path: PathPolicy;
  /** Which path `auto` takes when both can be had; a relay is ready sooner where punching never works. */
  readonly prefer: "direct" | "relay";
  /** Device authentication: PROTOCOL.md section 6. */
  readonly authType: "auto" | "0" | "1";
  /** An account of the device itself. */
  readonly credentials?: Credentials | undefined;
  /** How the cloud is spoken with. */
  readonly dialect: Dialect;
  /** Resolved addresses of the cloud's main server, tried in turn. */
  readonly servers: readonly Endpoint[];
  /** Local port of the socket `device`. */
  readonly localPort: number;
  /** What is known of relays, shared by the links of a process; by default nothing. */
  readonly relayHosts?: RelayHosts | undefined;
  /** Randomness, wall clock, key derivation and trace. */
  readonly environment: Environment;
  /** Whether to ask the agent for a sign and present it on the direct path; else as the dialect. */
  readonly sign?: SignChoice | undefined;
  /** From the device's 200 until the direct path is given up. */
  readonly punchTimeoutMs: number;
  /** From a successful check until the device's PTCP must be open. */
  readonly directOpenTimeoutMs: number;
  /** From the agent's answer until the PTCP through it must be open. */
  readonly relayOpenTimeoutMs: number;
  /** How long a sign, or the answer to one, is waited for. */
  readonly signTimeoutMs: number;
  /** How long an open direct session waits for a relay that could give a sign. */
  readonly signRelayTimeoutMs: number;
  /** The whole handshake. */
  readonly handshakeTimeoutMs: number;
  /** Bound of the drain in a clean stop. */
  readonly stopTimeoutMs: number;
  /** How long the relay's word on the end of a lease is waited for. */
  readonly releaseTimeoutMs: number;
  /** Between two heartbeats of ours on the path in use. */
  readonly heartbeatIntervalMs: number;
  /** Patience with a silent or stalled session. */
  readonly liveness: LivenessOptions;
  /** Bytes a realm buffers for a client that reads slowly; at least two receive windows. */
  readonly realmBufferBytes: number;
  /** How long a BIND may go unanswered. */
  readonly bindTimeoutMs: number;
  /** Realms at a time. */
  readonly maxRealms: number;
  /** Tuning of the transport, e.g. the receive window. */
  readonly ptcp: Omit<PtcpOptions, "role">;
}

/** Defaults of everything that has one; PROTOCOL.md section 9. */
export const LINK_DEFAULTS = {
  path: "auto",
  prefer: "direct",
  authType: "auto",
  punchTimeoutMs: 3_000,
  directOpenTimeoutMs: 5_000,
  relayOpenTimeoutMs: 10_000,
  signTimeoutMs: 2_000,
  signRelayTimeoutMs: 4_000,
  handshakeTimeoutMs: 30_000,
  stopTimeoutMs: 4_000,
  releaseTimeoutMs: 500,
  heartbeatIntervalMs: 5_000,
  liveness: LIVENESS_DEFAULTS,
  realmBufferBytes: 4 * 1024 * 1024,
  bindTimeoutMs: 10_000,
  maxRealms: 64,
  ptcp: {},
} as const satisfies Partial<LinkOptions>;

/** Link options with everything that has a default optional. */
export type LinkSettings =
  & Omit<LinkOptions, keyof typeof LINK_DEFAULTS>
  & Partial<Pick<LinkOptions, keyof typeof LINK_DEFAULTS>>;

/** What a link reports. */
export type LinkEvent =
  | { readonly type: "phase"; readonly phase: LinkPhase; readonly ms: number }
  | {
    readonly type: "device";
    readonly version: string;
    readonly policy: readonly string[];
    /** 1 when the device has judged an account, and accepted it. */
    readonly login?: "0" | "1" | undefined;
  }
  | { readonly type: "warning"; readonly failure: Failure }
  | TcpEvent
  /** Realms can be opened now. */
  | { readonly type: "ready"; readonly path: PathKind }
  | { readonly type: "realm-connected"; readonly realm: RealmId }
  | { readonly type: "realm-refused"; readonly realm: RealmId }
  | { readonly type: "realm-readable"; readonly realm: RealmId }
  | { readonly type: "realm-writable"; readonly realm: RealmId }
  | { readonly type: "realm-closed"; readonly realm: RealmId; readonly reason: string }
  /** The end: without a failure when it was asked for. */
  | { readonly type: "closed"; readonly failure?: Failure };
