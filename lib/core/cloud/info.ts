/**
 * What the US server tells about a device (`/info/device/{SN}`): its version, and an encrypted JSON
 * object with the login salt and the real port numbers.
 *
 * Source: PROTOCOL.md sections 1.2 and 6.2.
 *
 * @module
 */
import { decodeBase64, encodeBase64 } from "../base64.ts";
import { decodeUtf8, utf8 } from "../bytes.ts";
import { DecodeError } from "../errors.ts";
import { aes256Ofb } from "./ofb.ts";
import type { Body } from "./xml.ts";

const INFO_KEY = utf8("kRjmsUB&ezmdGLL67H#$ojw@XflcaIaf");
const INFO_IV = utf8("MydvJw*Iw1w&i^kk");

/** What is known about a device before it has answered anything itself. */
export interface DeviceInfo {
  /** `DevVersion`: version of the device's P2P program, e.g. `6.7.30`. */
  readonly version?: string | undefined;
  /** `randsalt`: the salt of its login; absent means that the device asks for none. */
  readonly salt?: string | undefined;
  /** The device's own ports by their field name: httpport, rtspport, privport, tlsprivport. */
  readonly ports: Readonly<Record<string, number>>;
}

/** `<Info>` of a JSON text. */
export function encryptInfo(json: string): string {
  return encodeBase64(aes256Ofb(INFO_KEY, INFO_IV, utf8(json)));
}

/**
 * The JSON text of an `<Info>`; an empty one stays empty.
 *
 * @throws {DecodeError} When it is not base64, or not text after decryption.
 */
export function decryptInfo(info: string): string {
  return decodeUtf8(aes256Ofb(INFO_KEY, INFO_IV, decodeBase64(info)), "Info");
}

/**
 * What a body of `/info/device` says. An empty or missing `<Info>` means a device without login.
 *
 * @throws {DecodeError} When `<Info>` is there and cannot be read.
 */
export function decodeDeviceInfo(body: Body): DeviceInfo {
  const version = body.get("DevVersion") ?? body.get("devp2pver");
  const json = decryptInfo(body.get("Info") ?? "");
  const fields = json === "" ? {} : parseObject(json);
  const salt = fields["randsalt"];
  const ports: Record<string, number> = {};
  for (const name of ["httpport", "rtspport", "privport", "tlsprivport"]) {
    const port = Number(fields[name]);
    if (Number.isInteger(port) && port > 0 && port <= 65535) ports[name] = port;
  }
  return {
    version: version === undefined || version === "" ? undefined : version.slice(0, 64),
    salt: typeof salt === "string" && salt !== "" ? salt.slice(0, 256) : undefined,
    ports,
  };
}

function parseObject(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new DecodeError("Info is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new DecodeError("Info is not an object");
  }
  return value as Record<string, unknown>;
}
