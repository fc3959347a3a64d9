/**
 * Addresses of documentation networks in place of real public ones.
 *
 * @module
 */
import { decodeLatin1, formatEndpoint, isIpv4, utf8 } from "../bytes.ts";

/** Whose address it is; each has a documentation network of RFC 5737. */
export type AddressOwner = "cloud" | "device" | "client";

const NETWORKS: Readonly<Record<AddressOwner, string>> = {
  cloud: "192.0.2.",
  device: "198.51.100.",
  client: "203.0.113.",
};

/** Whether an address says nothing about anybody: private, loopback, documentation, unspecified. */
function isHarmless(ip: string): boolean {
  const [a, b] = ip.split(".").map(Number) as [number, number];
  return a === 10 || a === 127 || a === 0 || a >= 224 || (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) || (a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128) ||
    Object.values(NETWORKS).some((network) => ip.startsWith(network));
}

/** Gives every public address one of a documentation network, always the same. */
export class Pseudonyms {
  readonly #names = new Map<string, string>();
  readonly #counts: Record<AddressOwner, number> = { cloud: 0, device: 0, client: 0 };

  /** The address to show; `owner` counts when it is seen for the first time. */
  address(ip: string, owner: AddressOwner = "cloud"): string {
    if (isHarmless(ip)) return ip;
    let name = this.#names.get(ip);
    if (name === undefined) {
      // Past 254 all share the last one: such a capture is no session of ours.
      this.#counts[owner] = Math.min(254, this.#counts[owner] + 1);
      name = NETWORKS[owner] + this.#counts[owner];
      if (this.#names.size < 4096) this.#names.set(ip, name);
    }
    return name;
  }

  /** The text with every IPv4 address in it replaced. */
  text(text: string): string {
    return text.replace(/[0-9]{1,3}(?:\.[0-9]{1,3}){3}/g, (ip, offset: number) => {
      const isDevice = text.slice(Math.max(0, offset - 9), offset).endsWith("<PubAddr>");
      return isIpv4(ip) ? this.address(ip, isDevice ? "device" : "cloud") : ip;
    });
  }

  /** A DH-HTTP message with its addresses replaced and its Content-Length made true again. */
  message(bytes: Uint8Array): string {
    const text = decodeLatin1(bytes);
    const headEnd = text.indexOf("\r\n\r\n");
    if (headEnd < 0) return this.text(text);
    const body = text.slice(headEnd + 4);
    const shown = this.text(body);
    const head = this.text(text.slice(0, headEnd)).replace(
      /(\ncontent-length:[ \t]{0,8})([0-9]{1,9})/i,
      (whole, name: string, length: string) =>
        Number(length) === body.length ? name + utf8(shown).length : whole,
    );
    return `${head}\r\n\r\n${shown}`;
  }

  /** An inverted STUN message with its addresses replaced; one that comes in names the client. */
  stun(bytes: Uint8Array, direction: "in" | "out"): Uint8Array {
    const shown = bytes.slice();
    let offset = 20;
    for (let count = 0; offset + 12 <= bytes.length && count < 16; count++) {
      const type = ((bytes[offset]! << 8) | bytes[offset + 1]!) ^ 0xffff;
      const length = ((bytes[offset + 2]! << 8) | bytes[offset + 3]!) ^ 0xffff;
      if (type === 0x0004 && length === 8) {
        const at = offset + 8;
        const ip = Array.from(bytes.subarray(at, at + 4), (byte) => 255 - byte).join(".");
        const name = this.address(ip, direction === "in" ? "client" : "device");
        shown.set(name.split(".").map((part) => 255 - Number(part)), at);
      }
      offset += 4 + ((length + 3) & ~3);
    }
    return shown;
  }

  /** An endpoint as text, its address replaced. */
  endpoint(endpoint: { readonly ip: string; readonly port: number }, owner: AddressOwner): string {
    return formatEndpoint({ ip: this.address(endpoint.ip, owner), port: endpoint.port });
  }
}
