/**
 * Heads of RTSP 1.0 messages: everything before the empty line, parsed and written.
 *
 * ```text
 * request    METHOD SP uri SP RTSP/1.0 CRLF  *(name ":" value CRLF)  CRLF  [Content-Length bytes]
 * response   RTSP/1.0 SP status SP reason CRLF  *(name ":" value CRLF)  CRLF  [Content-Length bytes]
 * ```
 *
 * Source: RFC 2326 sections 4, 6, 7 and 15. A line may end in LF alone, a value may be continued on
 * a line that starts with white space, a value may be empty.
 *
 * @module
 */
import { decodeLatin1 } from "../bytes.ts";
import { DecodeError } from "../errors.ts";

/** Longest head anybody here accepts: four times what the longest real ones need. */
export const MAX_HEAD_BYTES = 16_384;

/** One header line: its name as written, its value without white space around it. */
export type RtspHeader = readonly [name: string, value: string];

/** Head of a request. */
export interface RtspRequestHead {
  /** Tells it from a response. */
  readonly type: "request";
  /** E.g. `SETUP`; case matters. */
  readonly method: string;
  /** What is asked for: an absolute `rtsp:` URL or `*`. */
  readonly uri: string;
  /** E.g. `1.0`. */
  readonly version: string;
  /** In their order. */
  readonly headers: readonly RtspHeader[];
}

/** Head of a response. */
export interface RtspResponseHead {
  /** Tells it from a request. */
  readonly type: "response";
  /** E.g. `1.0`. */
  readonly version: string;
  /** 100 to 999. */
  readonly status: number;
  /** Text behind the status; only the status counts. */
  readonly reason: string;
  /** In their order. */
  readonly headers: readonly RtspHeader[];
}

/** Head of an RTSP message. */
export type RtspHead = RtspRequestHead | RtspResponseHead;

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) +(\S+) +RTSP\/(\d+\.\d+) *$/;
const STATUS_LINE = /^RTSP\/(\d+\.\d+) +([1-9]\d\d)(?: +(.*))?$/;
const HEADER_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:(.*)$/;

/**
 * Parses a whole head.
 *
 * @param bytes The head with its empty line, or without it.
 * @returns The first line and the headers in their order; text is Latin-1, one character a byte.
 * @throws {DecodeError} When the first line is no RTSP request or status line, or a header line has
 * no name.
 */
export function parseHead(bytes: Uint8Array): RtspHead {
  const lines = decodeLatin1(bytes).split(/\r?\n/);
  const first = lines[0]!;
  const headers: [string, string][] = [];
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    if (line === "") break;
    const last = headers[headers.length - 1];
    if ((line[0] === " " || line[0] === "\t") && last) {
      last[1] = `${last[1]} ${line.trim()}`.trim();
      continue;
    }
    const match = HEADER_LINE.exec(line);
    if (!match) throw new DecodeError("RTSP header line without a name");
    headers.push([match[1]!, match[2]!.trim()]);
  }
  const status = STATUS_LINE.exec(first);
  if (status) {
    return {
      type: "response",
      version: status[1]!,
      status: Number(status[2]),
      reason: (status[3] ?? "").trim(),
      headers,
    };
  }
  const request = REQUEST_LINE.exec(first);
  if (!request) throw new DecodeError("neither an RTSP request line nor a status line");
  return {
    type: "request",
    method: request[1]!,
    uri: request[2]!,
    version: request[3]!,
    headers,
  };
}

/**
 * Writes a head with its empty line.
 *
 * @returns Latin-1 bytes; the inverse of {@linkcode parseHead}.
 * @throws {RangeError} When a part holds a line break or a character outside Latin-1.
 */
export function encodeHead(head: RtspHead): Uint8Array {
  const first = head.type === "request"
    ? `${head.method} ${head.uri} RTSP/${head.version}`
    : `RTSP/${head.version} ${head.status} ${head.reason}`;
  const lines = [first, ...head.headers.map(([name, value]) => `${name}: ${value}`)];
  const text = lines.join("\r\n");
  if (text.split(/[\r\n]/).length !== 2 * lines.length - 1) {
    throw new RangeError("a line break inside an RTSP head");
  }
  const bytes = new Uint8Array(text.length + 4);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) throw new RangeError("a character outside Latin-1 inside an RTSP head");
    bytes[i] = code;
  }
  bytes.set([0x0d, 0x0a, 0x0d, 0x0a], text.length);
  return bytes;
}

/** Every value of a header, in order; names compare without regard to case. */
export function headerValues(head: RtspHead, name: string): string[] {
  const wanted = name.toLowerCase();
  return head.headers.filter(([key]) => key.toLowerCase() === wanted).map(([, value]) => value);
}

/** The first value of a header, or nothing. */
export function headerValue(head: RtspHead, name: string): string | undefined {
  return headerValues(head, name)[0];
}

/**
 * How many bytes of body follow the head: none without a `Content-Length` (RFC 2326 section 4.4).
 *
 * @throws {DecodeError} When the header is no decimal number, too large for one, or given twice with
 * different values: then nobody knows where the message ends.
 */
export function bodyLength(head: RtspHead): number {
  const values = new Set(headerValues(head, "Content-Length"));
  if (values.size > 1) throw new DecodeError("two different Content-Length headers");
  for (const value of values) {
    if (!/^\d{1,15}$/.test(value)) throw new DecodeError("Content-Length is no number");
    return Number(value);
  }
  return 0;
}
