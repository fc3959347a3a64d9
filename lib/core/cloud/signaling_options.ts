/**
 * What signaling takes and what it reports.
 *
 * @module
 */
import type { Failure } from "../failure.ts";
import type { Endpoint, Environment } from "../types.ts";
import type { ChannelAnswer } from "./answers.ts";
import type { Dialect } from "./dialect.ts";
import { IDENTIFY_BYTES } from "./identify.ts";
import type { DeviceInfo } from "./info.ts";
import type { Credentials, Login } from "./login.ts";
import type { AuthType } from "./login_choice.ts";
import type { RelayHosts } from "./relay_hosts.ts";
import type { Lease } from "./relay_options.ts";
import type { TcpRelayEvent } from "./tcp_relay_preparation.ts";

/** Which ways to the device are wanted. */
export type PathPolicy = "auto" | "direct" | "relay" | "tcp-relay";

/** Patience beyond that of the single exchanges. */
export const SIGNALING_DEFAULTS = { infoTimeoutMs: 3_000, serverTimeoutMs: 4_000 } as const;

/** What signaling is told once. */
export interface SignalingOptions {
  /** Letters and digits. */
  readonly serial: string;
  /** Which ways are wanted. */
  readonly path: PathPolicy;
  /** Whether to prove an account to the device: as the device asks, never, or at once. */
  readonly authType: AuthType;
  /** A local account of the device, if there is one. */
  readonly credentials?: Credentials | undefined;
  /** How the cloud is talked to. */
  readonly dialect: Dialect;
  /** Addresses of the main server, tried in turn; one is kept for a whole run. */
  readonly servers: readonly Endpoint[];
  /** Local port of the socket `device`. */
  readonly localPort: number;
  /** Our eight bytes. */
  readonly identify: Uint8Array;
  /** Randomness, clock, key derivation, traces. */
  readonly environment: Environment;
  /** What is known of relays, shared by all runs; by default nothing. */
  readonly relayHosts?: RelayHosts | undefined;
  /** How people know this cloud; the dialect's own word by default. */
  readonly cloudName?: string | undefined;
  /** How long type 0 is put off for the device's information; 3 s: it comes in one round trip. */
  readonly infoTimeoutMs?: number;
  /** How long a main server that is not the last may be silent; 4 s: four sends. */
  readonly serverTimeoutMs?: number;
}

/**
 * Checks what the types cannot say.
 *
 * @returns The main server to begin with.
 * @throws {RangeError} When the options are not usable together.
 */
export function firstServer(options: SignalingOptions): Endpoint {
  const { serial, servers, identify, authType, credentials } = options;
  if (!/^[0-9A-Za-z]{1,64}$/.test(serial)) {
    throw new RangeError("serial must be letters and digits");
  }
  if (identify.length !== IDENTIFY_BYTES) {
    throw new RangeError(`identify must be ${IDENTIFY_BYTES} bytes`);
  }
  if (authType === "1" && !credentials) {
    throw new RangeError("authentication type 1 needs credentials");
  }
  const [first] = servers;
  if (!first) throw new RangeError("at least one server address is needed");
  return first;
}

/** What signaling reports. */
export type SignalingEvent =
  /** The cloud knows the serial. */
  | { readonly type: "registered" }
  | { readonly type: "device-info"; readonly info: DeviceInfo }
  /** The device is being asked. */
  | { readonly type: "trying" }
  /** The device has answered. */
  | {
    readonly type: "channel";
    readonly answer: ChannelAnswer;
    /** Whether the device has judged an account, and accepted it. */
    readonly login: Login["type"];
  }
  /** The device has not answered p2p-channel, but through the relay. */
  | { readonly type: "channel-failed"; readonly failure: Failure }
  | { readonly type: "lease"; readonly lease: Lease }
  /** The device is at the agent. */
  | { readonly type: "relay-ready"; readonly agent: Endpoint }
  /** No relay; the direct path does not need it. */
  | { readonly type: "relay-failed"; readonly failure: Failure }
  | TcpRelayEvent
  /** Our clock is wrong by more than a minute; said once, the cloud's is used. */
  | { readonly type: "clock-skew"; readonly offsetMs: number }
  | { readonly type: "failed"; readonly failure: Failure }
  | { readonly type: "released" };
