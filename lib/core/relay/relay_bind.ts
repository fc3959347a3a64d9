/**
 * How an end of a TCP relay introduces itself: one HTTP request on the TCP connection, before any
 * frame.
 *
 * ```text
 * POST /tcprelay/client-bind HTTP/1.1 CRLF       HTTP/1.1 200 OK CRLF
 * Host: 192.0.2.11:31500 CRLF                    Content-Length: 0 CRLF
 * Authorization: WSSE profile="UsernameToken"    CRLF
 * X-WSSE: UsernameToken Username="…", …
 * Content-Type: application/json
 * Content-Length: 13
 * CRLF {"Token":"t"}
 * ```
 *
 * Path, WSSE and the JSON are known; that an answer comes, and which, is not: an agent that sends
 * frames at once is taken at its word too.
 *
 * Source: PROTOCOL.md sections 4.4, 5 and 9 ("TCP relay").
 *
 * @module
 */
import { concatBytes, EMPTY, formatEndpoint, utf8 } from "../bytes.ts";
import type { Dialect } from "../cloud/dialect.ts";
import { decodeResponse, encodeRequest, header } from "../cloud/message.ts";
import { wsseHeaders } from "../cloud/wsse.ts";
import { DecodeError } from "../errors.ts";
import type { Endpoint } from "../types.ts";

/** Path of the client's request. */
export const CLIENT_BIND_PATH = "/tcprelay/client-bind";

/** What a request is made of. */
export interface RelayBindParts {
  /** Of the request line. */
  readonly path: string;
  /** Who relays. */
  readonly agent: Endpoint;
  /** Names the place at the agent; a secret. */
  readonly token: string;
  /** Of WSSE: a decimal integer. */
  readonly nonce: string;
  /** Unix time in ms, by the cloud's clock. */
  readonly createdAt: number;
}

/** The bytes of a request. */
export function composeRelayBind(dialect: Dialect, parts: RelayBindParts): Uint8Array {
  const body = utf8(JSON.stringify({ Token: parts.token }));
  return encodeRequest({
    method: "POST",
    path: parts.path,
    headers: [
      ["Host", formatEndpoint(parts.agent)],
      ...wsseHeaders(dialect.account, parts.nonce, dialect.created(parts.createdAt)),
      ["Content-Type", "application/json"],
      ["Content-Length", String(body.length)],
    ],
    body,
  });
}

/** Longest answer read: the head of a usual one has below 300 bytes. */
export const MAX_BIND_ANSWER_BYTES = 4_096;

/** What has become of a request. */
export type BindOutcome =
  | { readonly type: "waiting" }
  /** `rest` belongs to the frames. */
  | { readonly type: "accepted"; readonly rest: Uint8Array }
  | { readonly type: "refused"; readonly status: number };

const HTTP = utf8("HTTP/");
const END_OF_HEAD = utf8("\r\n\r\n");

/** Finds the answer at the start of the stream, however it is cut. */
export class BindAnswer {
  #bytes = EMPTY;

  /**
   * Takes the next bytes of the stream.
   *
   * @throws {DecodeError} When the stream begins with neither an answer nor a frame, or the answer is
   * beyond {@linkcode MAX_BIND_ANSWER_BYTES}.
   */
  push(chunk: Uint8Array): BindOutcome {
    this.#bytes = this.#bytes.length === 0 ? chunk : concatBytes([this.#bytes, chunk]);
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length === 0) return { type: "waiting" };
      // The version nibble of a frame; no letter has it.
      if (bytes[0]! >>> 4 === 1) return { type: "accepted", rest: bytes };
      for (let i = 0; i < Math.min(bytes.length, HTTP.length); i++) {
        if (bytes[i] !== HTTP[i]) throw new DecodeError("neither an answer nor a frame", i);
      }
      const bodyAt = indexAfter(bytes, END_OF_HEAD);
      if (bodyAt === undefined || bodyAt > MAX_BIND_ANSWER_BYTES) {
        if (bytes.length > MAX_BIND_ANSWER_BYTES) throw new DecodeError("answer too long");
        return { type: "waiting" };
      }
      const response = decodeResponse(bytes.subarray(0, bodyAt));
      const end = bodyAt + Number(header(response, "Content-Length") || 0);
      if (end > MAX_BIND_ANSWER_BYTES) throw new DecodeError("answer too long");
      if (response.status >= 300) return { type: "refused", status: response.status };
      if (bytes.length < end) return { type: "waiting" };
      const rest = bytes.subarray(end);
      if (response.status >= 200) return { type: "accepted", rest };
      this.#bytes = rest;
    }
  }
}

/** Offset behind the first `pattern`, if there is one. */
function indexAfter(bytes: Uint8Array, pattern: Uint8Array): number | undefined {
  for (let i = bytes.indexOf(pattern[0]!); i >= 0; i = bytes.indexOf(pattern[0]!, i + 1)) {
    if (pattern.every((byte, j) => bytes[i + j] === byte)) return i + pattern.length;
  }
  return undefined;
}
