/**
 * DH-HTTP: HTTP-like text over UDP, one datagram per message, spoken with the cloud's servers and
 * relay agents.
 *
 * ```text
 * DHGET /probe/p2psrv HTTP/1.1 CRLF      HTTP/1.1 200 Server Nat Info! CRLF
 * CSeq: 1 CRLF                           CSeq: 5 CRLF
 * Name: value CRLF ...                   Content-Type:  CRLF      (an empty value)
 * CRLF                                   Content-Length: 258 CRLF
 * body                                   CRLF body
 * ```
 *
 * What differs from HTTP, all of it recorded (PROTOCOL.md sections 1.1 and 1.2):
 *
 * - The first CRLF CRLF ends the head; the body may hold more of them.
 * - Header values may be empty. Order and spelling are kept: servers judge them.
 * - `Content-Length` may be missing (the rest of the datagram is the body), shorter than the rest
 *   (what follows is not ours) or longer (what there is counts: a datagram is never continued).
 * - The status text has several words; only the code means something.
 *
 * @module
 */
import { concatBytes, decodeLatin1, utf8 } from "../bytes.ts";
import { DecodeError } from "../errors.ts";

/** One header line: name and value. */
export type Header = readonly [name: string, value: string];

/** A request as it stands on the wire. */
export interface DhRequest {
  /** E.g. `DHGET`. */
  readonly method: string;
  /** Begins with a slash. */
  readonly path: string;
  /** In wire order. */
  readonly headers: readonly Header[];
  /** Empty when there is none. */
  readonly body: Uint8Array;
}

/** A response as it stands on the wire. */
export interface DhResponse {
  /** 100 to 599. */
  readonly status: number;
  /** E.g. `Server Nat Info!`; means nothing. */
  readonly statusText: string;
  /** In wire order. */
  readonly headers: readonly Header[];
  /** Empty when there is none. */
  readonly body: Uint8Array;
}

/** Longest message read, in bytes. The longest recorded is below 1 kB; an Info blob may add 1 kB. */
export const MAX_MESSAGE_BYTES = 16_384;

/** Most header lines read. Recorded messages have up to nine. */
export const MAX_HEADERS = 64;

const REQUEST_LINE = /^([A-Z]{1,16}) (\/[\x21-\x7e]*) HTTP\/1\.[01]$/;
const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d)(?: ([\x20-\x7e]*))?$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;

/** Whether `bytes` begin as a response does. */
export function isResponse(bytes: Uint8Array): boolean {
  return bytes.length >= 5 && bytes[0] === 0x48 && bytes[1] === 0x54 && bytes[2] === 0x54 &&
    bytes[3] === 0x50 && bytes[4] === 0x2f;
}

/**
 * Value of the first header called `name`, whatever its case.
 *
 * @returns Undefined when there is none; an empty text when its value is empty.
 */
export function header(message: DhRequest | DhResponse, name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (const [key, value] of message.headers) if (key.toLowerCase() === wanted) return value;
  return undefined;
}

/**
 * The request in one datagram.
 *
 * @throws {DecodeError} When it is none, or beyond the limits.
 */
export function decodeRequest(bytes: Uint8Array): DhRequest {
  const { first, headers, body } = split(bytes);
  const match = REQUEST_LINE.exec(first);
  if (!match) throw new DecodeError("not a request line");
  return { method: match[1]!, path: match[2]!, headers, body };
}

/** The datagram of a request: nothing is added, nothing reordered. */
export function encodeRequest(request: DhRequest): Uint8Array {
  return encode(`${request.method} ${request.path} HTTP/1.1`, request.headers, request.body);
}

/**
 * The response in one datagram.
 *
 * @throws {DecodeError} When it is none, or beyond the limits.
 */
export function decodeResponse(bytes: Uint8Array): DhResponse {
  const { first, headers, body } = split(bytes);
  const match = STATUS_LINE.exec(first);
  if (!match) throw new DecodeError("not a status line");
  return { status: Number(match[1]), statusText: match[2] ?? "", headers, body };
}

/** The datagram of a response: nothing is added, nothing reordered. */
export function encodeResponse(response: DhResponse): Uint8Array {
  const text = response.statusText === "" ? "" : ` ${response.statusText}`;
  return encode(`HTTP/1.1 ${response.status}${text}`, response.headers, response.body);
}

function encode(first: string, headers: readonly Header[], body: Uint8Array): Uint8Array {
  let head = first + "\r\n";
  for (const [name, value] of headers) head += `${name}: ${value}\r\n`;
  return concatBytes([utf8(head + "\r\n"), body]);
}

function split(bytes: Uint8Array): { first: string; headers: Header[]; body: Uint8Array } {
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new DecodeError("message too long", MAX_MESSAGE_BYTES);
  }
  const end = headEnd(bytes);
  if (end < 0) throw new DecodeError("message head without end", bytes.length);
  const lines = decodeLatin1(bytes.subarray(0, end)).split("\r\n");
  if (lines.length - 1 > MAX_HEADERS) throw new DecodeError("too many headers");
  const headers: Header[] = [];
  let offset = lines[0]!.length + 2;
  let length: number | undefined;
  for (let i = 1; i < lines.length; i++) {
    const match = HEADER_LINE.exec(lines[i]!);
    if (!match) throw new DecodeError("not a header line", offset);
    const name = match[1]!;
    const value = match[2]!;
    headers.push([name, value]);
    if (length === undefined && name.toLowerCase() === "content-length" && value !== "") {
      if (!/^\d{1,7}$/.test(value)) throw new DecodeError("not a content length", offset);
      length = Number(value);
    }
    offset += lines[i]!.length + 2;
  }
  const start = end + 4;
  const rest = bytes.length - start;
  const body = bytes.subarray(start, start + Math.min(length ?? rest, rest));
  return { first: lines[0]!, headers, body };
}

/** Offset of the first CRLF CRLF, or -1. */
function headEnd(bytes: Uint8Array): number {
  for (let i = bytes.indexOf(0x0d); i >= 0; i = bytes.indexOf(0x0d, i + 1)) {
    if (bytes[i + 1] === 0x0a && bytes[i + 2] === 0x0d && bytes[i + 3] === 0x0a) return i;
  }
  return -1;
}
