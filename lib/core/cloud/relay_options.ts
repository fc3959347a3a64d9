/**
 * What the preparation of a relay takes and what it reports.
 *
 * @module
 */
import type { Failure } from "../failure.ts";
import type { Endpoint } from "../types.ts";
import type { Login } from "./login.ts";
import type { RelayHosts } from "./relay_hosts.ts";
import type { RunFacts } from "./requests.ts";
import type { TransactionTable } from "./transaction_table.ts";

/** Places asked for in one run. */
export const MAX_RELAY_ATTEMPTS = 4;

/** Relay servers looked up in one run; the same one may be named again and again. */
export const MAX_RELAY_LOOKUPS = 16;

/** How long a place is waited for before another host is tried too; ten usual round trips. */
export const RELAY_HEDGE_MS = 1_000;

/** How long a place at an agent is looked for before the relay is given up. */
export const RELAY_PATIENCE_MS = 12_000;

/** How soon it is tried again when the process asks for too many places already. */
export const NO_ROOM_MS = 200;

/**
 * How long relay-channel waits for the device's answer to an authenticated p2p-channel. Both carry
 * the account's proof: a wrong password must be judged once, not twice. Long enough for one resend
 * of p2p-channel and its answer; a device that only ever answers through the relay costs this much.
 */
export const RELAY_HOLD_MS = 4_000;

/** A place at an agent. */
export interface Lease {
  /** Who relays. */
  readonly agent: Endpoint;
  /** Who takes the place back. */
  readonly relayServer: Endpoint;
  /** Name of the session at the agent. */
  readonly sid: string;
  /** `Time`, meaning unknown; 0 when not told. */
  readonly lifetimeSeconds: number;
}

/** What the preparation reports. */
export type RelayEvent =
  | { readonly type: "lease"; readonly lease: Lease }
  | { readonly type: "ready"; readonly agent: Endpoint }
  | { readonly type: "failed"; readonly failure: Failure };

/** Where p2p-channel stands, as far as the relay cares. */
export type ChannelState = "waiting" | "sent" | "answered" | "silent";

/** What the preparation is told once. */
export interface RelayOptions {
  /** What all requests share. */
  readonly run: RunFacts;
  /** Where its exchanges run. */
  readonly table: TransactionTable;
  /** Which hosts rest. */
  readonly hosts: RelayHosts;
  /** What a refusal of relay-channel means, when it judges the account. */
  readonly judged: (error: string, login: Login) => Failure;
}
