/**
 * What the cloud's answers say, decoded from their bodies.
 *
 * Source: PROTOCOL.md sections 1.1, 1.2, 6.1 and 6.5.
 *
 * @module
 */
import { parseEndpoint } from "../bytes.ts";
import { DecodeError } from "../errors.ts";
import type { Endpoint } from "../types.ts";
import { decryptAddress } from "./device_auth.ts";
import { parseIdentify } from "./identify.ts";
import {
  complementAddress,
  distinctEndpoints,
  isReachable,
  parseAddresses,
} from "./local_address.ts";
import type { DhResponse } from "./message.ts";
import { type Body, decodeBody } from "./xml.ts";

/** Who the device is and where it may be reached: the 200 of p2p-channel. */
export interface ChannelAnswer {
  /** Eight bytes; the device's checks carry them. */
  readonly identify: Uint8Array;
  /** Every address of its LAN, then the public one; duplicates merged. May be empty. */
  readonly candidates: readonly Endpoint[];
  /** `PubAddr`; some devices do not tell it. */
  readonly publicEndpoint?: Endpoint | undefined;
  /** E.g. `p2p`, `udprelay`. */
  readonly policy: readonly string[];
  /** The device's P2P version, e.g. `6.3.0`; empty when it does not tell. */
  readonly version: string;
  /** `NatValueT`, meaning unknown. */
  readonly natValue?: number | undefined;
}

/** The body of a 4xx. */
export interface Refusal {
  /** The status code. */
  readonly status: number;
  /** `<Error>`, e.g. `DevPwd_InvalidSalt`; empty when there is none. Only letters and digits. */
  readonly error: string;
}

/**
 * `/online/p2psrv/{SN}`: the US server.
 *
 * @throws {DecodeError} When it is not an IPv4 address and port.
 */
export function decodeLookup(body: Body): { readonly us: Endpoint } {
  return { us: endpointOf(body, "US") };
}

/**
 * `/online/relay`: the relay server.
 *
 * @throws {DecodeError} When it is not an IPv4 address and port.
 */
export function decodeRelayServer(body: Body): Endpoint {
  return endpointOf(body, "Address");
}

/**
 * `/relay/agent`: the agent and the token of our place at it.
 *
 * @throws {DecodeError} When either is missing or not what it should be.
 */
export function decodeAgent(body: Body): { readonly agent: Endpoint; readonly token: string } {
  const token = body.get("Token") ?? "";
  // It becomes part of a path: nothing else may stand in it.
  if (!/^[0-9A-Za-z_-]{1,128}$/.test(token)) throw new DecodeError("no usable Token");
  return { agent: endpointOf(body, "Agent"), token };
}

/**
 * `/relay/start/{token}`: the session at the agent.
 *
 * `Time` is 30 in every sample; what it means is not known.
 */
export function decodeStart(
  body: Body,
): { readonly sid: string; readonly lifetimeSeconds: number } {
  const sid = (body.get("SID") ?? "").slice(0, 128);
  const time = Number(body.get("Time") ?? "");
  return { sid, lifetimeSeconds: Number.isFinite(time) && time > 0 ? time : 0 };
}

/** Where the agent may stand in an answer that nobody has recorded; the first is `/relay/agent`'s. */
const TCP_AGENT_TAGS = ["Agent", "agent", "agentAddr", "AgentAddr", "Address"];

/**
 * `/device/{SN}/tcprelay-channel`: the agent of a TCP relay and the token of our place at it. Their
 * names are those of `/relay/agent`, or one of a few like them.
 *
 * @throws {DecodeError} When either is missing or not what it should be.
 */
export function decodeTcpRelay(body: Body): { readonly agent: Endpoint; readonly token: string } {
  const token = body.get("Token") ?? body.get("token") ?? "";
  if (!/^[\x21-\x7e]{1,512}$/.test(token)) throw new DecodeError("no usable Token");
  const tag = TCP_AGENT_TAGS.find((name) => body.has(name)) ?? "Agent";
  return { agent: endpointOf(body, tag), token };
}

/** What was dropped from an answer that is usable without it. */
export type Dropped = (what: string) => void;

/**
 * The 200 of p2p-channel. Addresses that cannot be read or reached are left out: the relay may
 * still carry the link.
 *
 * @param addressKeyOf The address key under a nonce; absent when we have no account.
 * @throws {DecodeError} When there is no Identify.
 */
export function decodeChannel(
  body: Body,
  addressKeyOf: ((nonce: number) => Uint8Array) | undefined,
  dropped: Dropped,
): ChannelAnswer {
  const identify = parseIdentify(body.get("Identify") ?? "");
  const publicEndpoint = endpoints(() => [parseEndpoint(body.get("PubAddr") ?? "")], dropped)[0];
  const local = endpoints(() => localAddresses(body, addressKeyOf), dropped);
  const natValue = Number(body.get("NatValueT") ?? "NaN");
  return {
    identify,
    candidates: distinctEndpoints(publicEndpoint ? [...local, publicEndpoint] : local),
    publicEndpoint,
    policy: (body.get("Policy") ?? "").split(",").map((word) => word.trim().slice(0, 32))
      .filter((word) => word !== "").slice(0, 16),
    version: (body.get("version") ?? "").slice(0, 64),
    natValue: Number.isInteger(natValue) ? natValue : undefined,
  };
}

/** A 4xx; a body that cannot be read says nothing. */
export function decodeRefusal(response: DhResponse): Refusal {
  let error = "";
  try {
    error = decodeBody(response.body).get("Error") ?? "";
  } catch (caught) {
    if (!(caught instanceof DecodeError)) throw caught;
  }
  return { status: response.status, error: error.replace(/[^0-9A-Za-z_]/g, "").slice(0, 64) };
}

function endpointOf(body: Body, tag: string): Endpoint {
  const endpoint = parseEndpoint(body.get(tag) ?? "");
  if (!isReachable(endpoint)) throw new DecodeError(`${tag} is no address to send to`);
  return endpoint;
}

function localAddresses(
  body: Body,
  addressKeyOf: ((nonce: number) => Uint8Array) | undefined,
): Endpoint[] {
  const text = body.get("LocalAddr") ?? "";
  if (text === "") return [];
  if (body.get("IpEncrptV2") === "true") {
    const nonce = body.get("Nonce") ?? "";
    if (!/^-?\d{1,10}$/.test(nonce)) throw new DecodeError("no usable Nonce");
    if (!addressKeyOf) throw new DecodeError("LocalAddr is encrypted");
    return parseAddresses(decryptAddress(addressKeyOf(Number(nonce)), text));
  }
  const addresses = parseAddresses(text);
  return body.get("IpEncrpt") === "true" ? addresses.map(complementAddress) : addresses;
}

function endpoints(read: () => Endpoint[], dropped: Dropped): Endpoint[] {
  try {
    return read().filter((endpoint) => {
      if (!isReachable(endpoint)) dropped("address not reachable");
      return isReachable(endpoint);
    });
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    dropped(error.what);
    return [];
  }
}
