/**
 * `LocalAddr` and `PubAddr`: where a device can be reached, as text.
 *
 * ```text
 * 192.168.1.108:23730
 * 192.168.57.20,192.168.0.108:51980      several addresses, one port
 * ```
 *
 * Source: PROTOCOL.md sections 1.1, 1.2, 6.5 and 7.
 *
 * @module
 */
import { isIpv4, parseEndpoint, sameEndpoint } from "../bytes.ts";
import { DecodeError } from "../errors.ts";
import type { Endpoint } from "../types.ts";

/** Most addresses read from one text. Two were seen; a device has a few interfaces. */
export const MAX_ADDRESSES = 16;

/**
 * The endpoints of a `LocalAddr`. Empty places of the list are skipped.
 *
 * @throws {DecodeError} When one is no IPv4 literal, the port is none, or there are too many.
 */
export function parseAddresses(text: string): Endpoint[] {
  const colon = text.lastIndexOf(":");
  if (colon < 0) throw new DecodeError("address without port");
  const ips = text.slice(0, colon).split(",", MAX_ADDRESSES + 1);
  if (ips.length > MAX_ADDRESSES) throw new DecodeError("too many addresses");
  return ips.map((ip) => ip.trim()).filter((ip) => ip !== "")
    .map((ip) => parseEndpoint(ip + text.slice(colon)));
}

/** IpEncrpt version 1: every octet of the address is complemented; its own inverse. */
export function complementAddress(endpoint: Endpoint): Endpoint {
  const ip = endpoint.ip.split(".").map((octet) => 255 - Number(octet)).join(".");
  return { ip, port: endpoint.port };
}

/** Whether datagrams can be sent there: no port 0, no `0.0.0.0`, neither multicast nor broadcast. */
export function isReachable(endpoint: Endpoint): boolean {
  const first = Number(endpoint.ip.slice(0, endpoint.ip.indexOf(".")));
  return isIpv4(endpoint.ip) && endpoint.port > 0 && first > 0 && first < 224;
}

/** The endpoints in their order, each once. */
export function distinctEndpoints(endpoints: readonly Endpoint[]): Endpoint[] {
  return endpoints.filter((endpoint, i) =>
    endpoints.findIndex((other) => sameEndpoint(other, endpoint)) === i
  );
}
