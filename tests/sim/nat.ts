/**
 * A NAT box between a LAN and the rest of a virtual network, in the words of RFC 4787: how it maps,
 * what it lets in, and when it forgets.
 *
 * @module
 */
import { formatEndpoint } from "../../lib/core/bytes.ts";
import type { Endpoint } from "../../lib/core/types.ts";

/** What a mapping or a pinhole depends on (RFC 4787 clauses 4.1 and 5). */
export type Dependence =
  | "endpoint-independent"
  | "address-dependent"
  | "address-and-port-dependent";

/** All three, for tables. */
export const DEPENDENCES: readonly Dependence[] = [
  "endpoint-independent",
  "address-dependent",
  "address-and-port-dependent",
];

/** How a NAT behaves. */
export interface NatOptions {
  readonly name: string;
  readonly publicIp: string;
  readonly mapping?: Dependence | undefined;
  readonly filtering?: Dependence | undefined;
  /** A mapping or pinhole without outbound traffic for this long is forgotten. */
  readonly expiryMs?: number | undefined;
  /** Whether inbound traffic keeps a mapping alive too. */
  readonly refreshedBy?: "outbound" | "both" | undefined;
  /** Whether a host inside reaches another one inside by its public address. */
  readonly hairpinning?: "supported" | "unsupported" | undefined;
  /** `preserved`: the public port is the private one when it is free. */
  readonly ports?: "preserved" | "sequential" | undefined;
  /** The NAT in front of this one (a carrier's). */
  readonly outer?: Nat | undefined;
}

interface Mapping {
  readonly key: string;
  readonly inside: Endpoint;
  readonly port: number;
  lastUseAt: number;
  /** Pinholes: when we last sent to that peer, by what filtering looks at. */
  readonly peers: Map<string, number>;
}

/** The box. It holds state only; the network moves the datagrams. */
export class Nat {
  readonly name: string;
  readonly publicIp: string;
  readonly outer: Nat | undefined;
  readonly hairpinning: "supported" | "unsupported";
  readonly #mapping: Dependence;
  readonly #filtering: Dependence;
  readonly #expiryMs: number;
  readonly #refreshedBy: "outbound" | "both";
  readonly #ports: "preserved" | "sequential";
  readonly #byKey = new Map<string, Mapping>();
  readonly #byPort = new Map<number, Mapping>();
  #nextPort = 40_000;

  constructor(options: NatOptions) {
    this.name = options.name;
    this.publicIp = options.publicIp;
    this.outer = options.outer;
    this.hairpinning = options.hairpinning ?? "unsupported";
    this.#mapping = options.mapping ?? "endpoint-independent";
    this.#filtering = options.filtering ?? "address-and-port-dependent";
    this.#expiryMs = options.expiryMs ?? 120_000;
    this.#refreshedBy = options.refreshedBy ?? "outbound";
    this.#ports = options.ports ?? "preserved";
  }

  /** How many mappings live at `now`. */
  mappingCount(now: number): number {
    let count = 0;
    for (const mapping of this.#byPort.values()) if (this.#isLive(mapping, now)) count++;
    return count;
  }

  /** A datagram goes out: where it seems to come from. */
  outbound(from: Endpoint, to: Endpoint, now: number): Endpoint {
    const key = `${formatEndpoint(from)} ${part(to, this.#mapping)}`;
    let mapping = this.#byKey.get(key);
    if (mapping !== undefined && !this.#isLive(mapping, now)) {
      this.#forget(mapping);
      mapping = undefined;
    }
    if (mapping === undefined) {
      const port = this.#freePort(from.port, now);
      mapping = { key, inside: from, port, lastUseAt: now, peers: new Map() };
      this.#byKey.set(key, mapping);
      this.#byPort.set(port, mapping);
    }
    mapping.lastUseAt = now;
    mapping.peers.set(part(to, this.#filtering), now);
    return { ip: this.publicIp, port: mapping.port };
  }

  /** A datagram comes in: where it belongs, or nothing when it is filtered. */
  inbound(port: number, from: Endpoint, now: number): Endpoint | undefined {
    const mapping = this.#byPort.get(port);
    if (mapping === undefined || !this.#isLive(mapping, now)) return undefined;
    const peer = part(from, this.#filtering);
    const sentAt = mapping.peers.get(peer);
    if (sentAt === undefined || now - sentAt > this.#expiryMs) return undefined;
    if (this.#refreshedBy === "both") {
      mapping.lastUseAt = now;
      mapping.peers.set(peer, now);
    }
    return mapping.inside;
  }

  /** Forgets every mapping, as a router that restarts does; new ones get new ports. */
  restart(): void {
    this.#byKey.clear();
    this.#byPort.clear();
    this.#nextPort += 1000;
    this.#isRestarted = true;
  }
  #isRestarted = false;

  #isLive(mapping: Mapping, now: number): boolean {
    return now - mapping.lastUseAt <= this.#expiryMs;
  }

  #forget(mapping: Mapping): void {
    this.#byKey.delete(mapping.key);
    if (this.#byPort.get(mapping.port) === mapping) this.#byPort.delete(mapping.port);
  }

  #freePort(wanted: number, now: number): number {
    const isFree = (port: number): boolean => {
      const held = this.#byPort.get(port);
      if (held === undefined) return true;
      if (this.#isLive(held, now)) return false;
      this.#forget(held);
      return true;
    };
    // After a restart nothing is preserved: the point of a restart is that the client's address changes.
    if (this.#ports === "preserved" && !this.#isRestarted && isFree(wanted)) return wanted;
    for (let tried = 0; tried < 20_000; tried++) {
      const port = 40_000 + this.#nextPort++ % 20_000;
      if (isFree(port)) return port;
    }
    throw new RangeError(`NAT ${this.name} has no free port`);
  }
}

function part(endpoint: Endpoint, dependence: Dependence): string {
  if (dependence === "endpoint-independent") return "";
  return dependence === "address-dependent" ? endpoint.ip : formatEndpoint(endpoint);
}
