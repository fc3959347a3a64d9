/**
 * Blanking of secrets in DH-HTTP messages. Lengths stay: every blanked byte becomes `*`.
 *
 * It works by what is known to be harmless: a header, element or path segment that is not listed
 * here is blanked, so that a field nobody has seen yet cannot leak.
 *
 * @module
 */
import { decodeLatin1 } from "../bytes.ts";

/** What stands where a secret stood: `*`. */
export const BLANK = 0x2a;

/** Headers whose values tell nothing that could be used again. */
const KEPT_HEADERS: ReadonlySet<string> = new Set([
  "cseq",
  "date",
  "content-type",
  "content-length",
  "x-version",
  "x-sversion",
  "x-tsversion",
  "x-toutype",
  "x-pcs-request-id",
  "server",
  "connection",
]);

/** Path segments that name a service. */
const KEPT_SEGMENTS: ReadonlySet<string> = new Set([
  "",
  "probe",
  "online",
  "info",
  "device",
  "relay",
  "p2p",
  "p2psrv",
  "stun",
  "agent",
  "start",
  "unbind",
  "tcprelay",
  "client-bind",
  "p2p-channel",
  "relay-channel",
  "local-channel",
  "tcprelay-channel",
]);

const ADDRESSES = /^[0-9A-Za-z.,:\-]*$/;
const PLAIN_ADDRESSES = /^[0-9.,: ]*$/;
const NUMBER = /^-?[0-9]{1,20}$/;
const VERSION = /^[0-9A-Za-z_.]{1,24}$/;
const WORDS = /^[0-9A-Za-z_, ;.!-]{0,96}$/;
const IDENTIFY = /^[0-9a-fA-F ]{0,32}$/;

/** Elements and JSON keys whose values are kept, lower case, and the form they must have. */
const KEPT_FIELDS: ReadonlyMap<string, RegExp> = new Map([
  ["ds", ADDRESSES],
  ["us", ADDRESSES],
  ["address", ADDRESSES],
  ["agent", ADDRESSES],
  ["agentaddr", ADDRESSES],
  ["relay", ADDRESSES],
  ["client", PLAIN_ADDRESSES],
  ["pubaddr", PLAIN_ADDRESSES],
  // Encrypted it is base64 and does not match: an offline guess of the password starts from it.
  ["localaddr", PLAIN_ADDRESSES],
  ["identify", IDENTIFY],
  ["ipencrpt", VERSION],
  ["ipencrptv2", VERSION],
  ["iptype", NUMBER],
  ["transtype", NUMBER],
  ["natvaluet", NUMBER],
  ["createdate", NUMBER],
  ["pid", NUMBER],
  ["time", NUMBER],
  ["errcode", NUMBER],
  ["error", WORDS],
  ["policy", WORDS],
  ["version", VERSION],
  ["sversion", VERSION],
  ["devversion", VERSION],
  ["devp2pver", VERSION],
  ["httpport", NUMBER],
  ["privport", NUMBER],
  ["rtspport", NUMBER],
  ["tlsprivport", NUMBER],
]);

/**
 * Whether the datagram starts like a DH-HTTP message: a response, or a request with a path.
 */
export function isSignaling(bytes: Uint8Array): boolean {
  const head = decodeLatin1(bytes.subarray(0, 24));
  return /^(?:HTTP\/1\.[01] |[A-Z]{3,10} \/)/.test(head);
}

/** Collects what is to be blanked in one message. */
class Blanks {
  readonly text: string;
  readonly bytes: Uint8Array;

  constructor(message: Uint8Array) {
    this.text = decodeLatin1(message);
    this.bytes = message.slice();
  }

  /** Blanks all but white space: line ends and indentation keep the message readable. */
  blank(start: number, end: number): void {
    for (let i = start; i < end; i++) {
      const byte = this.bytes[i]!;
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && byte !== 0x0a) this.bytes[i] = BLANK;
    }
  }
}

/**
 * The message without its secrets: WSSE, device authentication, salts, tokens, session ids and
 * encrypted addresses; of a serial number the first and last three characters stay.
 *
 * @param message A DH-HTTP message, whole or cut short; anything else comes back blank.
 * @returns A copy of the same length.
 */
export function redactSignaling(message: Uint8Array): Uint8Array {
  const blanks = new Blanks(message);
  const { text } = blanks;
  let offset = 0;
  for (let line = 0; offset < text.length; line++) {
    const newline = text.indexOf("\n", offset);
    const next = newline < 0 ? text.length : newline + 1;
    let end = newline < 0 ? text.length : newline;
    if (end > offset && text[end - 1] === "\r") end--;
    if (line === 0) redactFirstLine(blanks, offset, end);
    else if (end === offset) {
      redactBody(blanks, next);
      break;
    } else redactHeader(blanks, offset, end);
    offset = next;
  }
  return blanks.bytes;
}

function redactFirstLine(blanks: Blanks, start: number, end: number): void {
  const line = blanks.text.slice(start, end);
  if (line.startsWith("HTTP/")) {
    if (!/^HTTP\/1\.[01] [0-9]{3}[A-Za-z !'.-]{0,64}$/.test(line)) {
      blanks.blank(start + Math.min(12, line.length), end);
    }
    return;
  }
  const pathStart = line.indexOf(" ") + 1;
  const space = line.lastIndexOf(" ");
  if (pathStart === 0 || pathStart > 12) return blanks.blank(start, end);
  const pathEnd = space >= pathStart && /^ HTTP\/1\.[01]$/.test(line.slice(space, space + 10))
    ? space
    : line.length;
  redactPath(blanks, start + pathStart, start + pathEnd);
  blanks.blank(start + pathEnd + " HTTP/1.1".length, end);
}

function redactPath(blanks: Blanks, start: number, end: number): void {
  let offset = start;
  let previous = "";
  for (const segment of blanks.text.slice(start, end).split("/")) {
    if (!KEPT_SEGMENTS.has(segment)) {
      const isSerial = (previous === "device" || previous === "p2psrv") &&
        /^[0-9A-Za-z*]{10,32}$/.test(segment);
      const margin = isSerial ? 3 : 0;
      blanks.blank(offset + margin, offset + segment.length - margin);
    }
    previous = segment;
    offset += segment.length + 1;
  }
}

function redactHeader(blanks: Blanks, start: number, end: number): void {
  const line = blanks.text.slice(start, end);
  const colon = line.indexOf(":");
  if (colon <= 0 || colon > 40) return blanks.blank(start, end);
  const name = line.slice(0, colon).toLowerCase();
  if (!/^[a-z0-9-]+$/.test(name)) return blanks.blank(start, end);
  if (KEPT_HEADERS.has(name)) return;
  const value = line.slice(colon + 1);
  if (name === "authorization" && value.trim() === 'WSSE profile="UsernameToken"') return;
  if (name === "x-wsse") return redactWsse(blanks, start + colon + 1, end);
  blanks.blank(start + colon + 1, end);
}

/** Keeps the names and the time of an X-WSSE header. */
function redactWsse(blanks: Blanks, start: number, end: number): void {
  const parts = blanks.text.slice(start, end).split('"');
  let offset = start;
  for (const [index, part] of parts.entries()) {
    const isQuoted = index % 2 === 1;
    const isCreated = isQuoted && parts[index - 1]!.endsWith("Created=") &&
      /^[0-9TZ:.+-]{0,40}$/.test(part);
    const isName = !isQuoted && /^(?: UsernameToken)?,? ?(?:[A-Za-z]{1,20}=)?$/.test(part);
    if (!isCreated && !isName) blanks.blank(offset, offset + part.length);
    offset += part.length + 1;
  }
}

function redactBody(blanks: Blanks, start: number): void {
  const first = blanks.text.slice(start, start + 64).trimStart()[0];
  if (first === "<") redactXml(blanks, start);
  else if (first === "{") redactJson(blanks, start);
  else blanks.blank(start, blanks.text.length);
}

function redactXml(blanks: Blanks, start: number): void {
  const { text } = blanks;
  let offset = start;
  let name = "";
  while (offset < text.length) {
    const open = text.indexOf("<", offset);
    const textEnd = open < 0 ? text.length : open;
    const form = open < 0 ? undefined : KEPT_FIELDS.get(name);
    if (!form?.test(text.slice(offset, textEnd))) blanks.blank(offset, textEnd);
    if (open < 0) return;
    const close = text.indexOf(">", open);
    if (close < 0) return blanks.blank(open, text.length);
    const tag = text.slice(open + 1, close);
    const isProlog = tag === '?xml version="1.0" encoding="UTF-8"?';
    if (/^\/?[A-Za-z][A-Za-z0-9_-]{0,31}\/?$/.test(tag)) name = tag.toLowerCase();
    else {
      name = "";
      if (!isProlog) blanks.blank(open + 1, close);
    }
    offset = close + 1;
  }
}

function redactJson(blanks: Blanks, start: number): void {
  const { text } = blanks;
  let offset = start;
  let key = "";
  while (offset < text.length) {
    if (text[offset] === '"') {
      let end = offset + 1;
      while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
      const value = text.slice(offset + 1, end);
      if (/^\s{0,8}:/.test(text.slice(end + 1, end + 10)) && /^[A-Za-z0-9_]{1,32}$/.test(value)) {
        key = value.toLowerCase();
      } else {
        if (!KEPT_FIELDS.get(key)?.test(value)) {
          blanks.blank(offset + 1, Math.min(end, text.length));
        }
        key = "";
      }
      offset = end + 1;
      continue;
    }
    let end = offset;
    while (end < text.length && !'"{}[]:, \r\n\t'.includes(text[end]!)) end++;
    if (end === offset) {
      offset++;
      continue;
    }
    if (!KEPT_FIELDS.get(key)?.test(text.slice(offset, end))) blanks.blank(offset, end);
    key = "";
    offset = end;
  }
}
