/**
 * Addresses on the command line: local forwards and the cloud.
 *
 * @module
 */
import { CLOUD_NAMES, type CloudName } from "../core/cloud_choice.ts";
import { type CloudAddress, DEFAULT_CLOUD_PORT } from "../net/connect.ts";
import type { Forward } from "../net/forward.ts";
import { InvalidValue } from "./usage.ts";

/** Where a forward without an address listens: only programs of this machine reach it. */
export const DEFAULT_BIND = "127.0.0.1";

const FORWARD_FORM =
  "[BIND:]LOCAL:REMOTE with ports up to 65535 (1554:554, 0:80, 0.0.0.0:1554:554, [::1]:1554:554)";
const CLOUD_FORM = "auto, easy4ip, dolynk, or HOST or HOST:PORT with a DNS name or an IPv4 " +
  "address (example.com:8800)";

/**
 * Reads `[BIND:]LOCAL:REMOTE`. IPv6 addresses stand in brackets.
 *
 * @throws {InvalidValue} When it is anything else.
 */
export function parseForward(text: string): Forward {
  const match = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):)?(\d{1,5}):(\d{1,5})$/.exec(text);
  if (!match) throw new InvalidValue(FORWARD_FORM);
  const [, ipv6, ipv4] = match;
  const localPort = Number(match[3]);
  const remotePort = Number(match[4]);
  const badBind = (ipv6 !== undefined && !isIpv6(ipv6)) || (ipv4 !== undefined && !isIpv4(ipv4));
  if (badBind || localPort > 65535 || remotePort > 65535 || remotePort === 0) {
    throw new InvalidValue(FORWARD_FORM);
  }
  return { bind: ipv6 ?? ipv4 ?? DEFAULT_BIND, localPort, remotePort };
}

/**
 * Reads `HOST[:PORT]`.
 *
 * @throws {InvalidValue} When it is anything else; IPv6 is none of it, the protocol carries IPv4 only.
 */
export function parseCloud(text: string): CloudAddress {
  const match = /^([^:]+)(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? "";
  const port = match?.[2] === undefined ? DEFAULT_CLOUD_PORT : Number(match[2]);
  const named = host.length <= 253 &&
    /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?$/.test(host);
  const looksNumeric = /^[0-9.]+$/.test(host);
  if (!named || (looksNumeric && !isIpv4(host)) || port < 1 || port > 65535) {
    throw new InvalidValue(CLOUD_FORM);
  }
  return { host, port };
}

/** What `--cloud` can say. */
export type CloudWord = "auto" | CloudName | CloudAddress;

/**
 * Reads `auto`, the name of a built-in cloud, or `HOST[:PORT]`.
 *
 * @throws {InvalidValue} When it is anything else.
 */
export function parseCloudChoice(text: string): CloudWord {
  if (text === "auto") return text;
  return CLOUD_NAMES.find((name) => name === text) ?? parseCloud(text);
}

/** Where a server of ours listens. */
export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
}

const LISTEN_FORM = "[HOST:]PORT (9554, 127.0.0.1:9554, [::1]:9554)";

/**
 * Reads `[HOST:]PORT`; without a host only this machine reaches it.
 *
 * @throws {InvalidValue} When it is anything else.
 */
export function parseListen(text: string): ListenAddress {
  const match = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):)?(\d{1,5})$/.exec(text);
  const [, ipv6, ipv4] = match ?? [];
  const port = Number(match?.[3] ?? NaN);
  const badHost = (ipv6 !== undefined && !isIpv6(ipv6)) || (ipv4 !== undefined && !isIpv4(ipv4));
  if (!(port <= 65535) || badHost) throw new InvalidValue(LISTEN_FORM);
  return { hostname: ipv6 ?? ipv4 ?? DEFAULT_BIND, port };
}

/** The host to connect to for a listener: the wildcard address is no destination everywhere. */
export function reachableHost(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  return hostname === "::" ? "::1" : hostname;
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 &&
    parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  try {
    new URL(`http://[${text}]/`);
    return text.includes(":");
  } catch {
    return false;
  }
}
