/**
 * How we introduce ourselves to the device: not at all (type 0), or with an account (type 1).
 *
 * Every proof has a fresh nonce, also in a resend: a device refuses a nonce it has seen.
 *
 * Source: PROTOCOL.md sections 6.1 and 9 (device auth, nonces).
 *
 * @module
 */
import type { DeriveKey, Random } from "../types.ts";
import { deviceAuth, deviceKey, encryptAddress, localAddressKey } from "./device_auth.ts";
import type { AuthBlock } from "./dialect.ts";

/** A local account of the device. */
export interface Credentials {
  /** Its name. */
  readonly username: string;
  /** A secret. */
  readonly password: string;
}

/** Type 0, or type 1 under one salt. */
export type Login =
  | { readonly type: "0" }
  | {
    readonly type: "1";
    readonly username: string;
    readonly salt: string;
    /** {@linkcode deviceKey}; a secret. */
    readonly key: Uint8Array;
  };

/** No account: the device tells whether it wants one. */
export const ANONYMOUS: Login = { type: "0" };

/** The account under the device's salt. */
export function accountLogin(credentials: Credentials, salt: string): Login {
  const { username, password } = credentials;
  return { type: "1", username, salt, key: deviceKey(username, password, salt) };
}

/** An address as it is sent, and the proof that covers it. */
export interface ProvenAddress {
  /** In clear under type 0, encrypted under type 1. */
  readonly localAddress: string;
  /** The proof that covers it. */
  readonly auth: AuthBlock | undefined;
}

/** Our address for p2p-channel: in clear under type 0, encrypted and signed under type 1. */
export function proveAddress(
  login: Login,
  address: string,
  createDate: number,
  random: Random,
  deriveKey: DeriveKey,
): ProvenAddress {
  if (login.type === "0") return { localAddress: address, auth: undefined };
  const nonce = random.uint32() | 0;
  const localAddress = encryptAddress(localAddressKey(login.key, nonce, deriveKey), address);
  return { localAddress, auth: block(login, nonce, createDate, localAddress) };
}

/** The proof without payload, for relay-channel and local-channel; nothing under type 0. */
export function prove(login: Login, createDate: number, random: Random): AuthBlock | undefined {
  if (login.type === "0") return undefined;
  return block(login, random.uint32() | 0, createDate, "");
}

/** The key of the addresses in the device's answer, by the answer's nonce; nothing under type 0. */
export function addressKeyOf(
  login: Login,
  deriveKey: DeriveKey,
): ((nonce: number) => Uint8Array) | undefined {
  return login.type === "0" ? undefined : (nonce) => localAddressKey(login.key, nonce, deriveKey);
}

function block(
  login: Extract<Login, { type: "1" }>,
  nonce: number,
  createDate: number,
  payload: string,
): AuthBlock {
  const { username, salt, key } = login;
  return {
    createDate,
    devAuth: deviceAuth(key, nonce, createDate, payload),
    nonce,
    salt,
    username,
  };
}
