/**
 * The answer to a player that comes while there is no session: `503`, with the reason in the status
 * line, which is what players print.
 *
 * Source: RFC 2326 sections 7.1.1 and 12.31 (`Retry-After`).
 *
 * @module
 */
import type { Reason } from "../failure.ts";
import { encodeHead, headerValue, type RtspHeader, type RtspRequestHead } from "./message.ts";

/** Why there is no session, and when there may be one. */
export interface Unavailability {
  readonly reason: Reason;
  /** Until the next attempt; absent while one is under way. */
  readonly retryInMs?: number | undefined;
}

/** The whole response to `request`. */
export function unavailableResponse(
  request: RtspRequestHead,
  { reason, retryInMs }: Unavailability,
): Uint8Array {
  const cseq = headerValue(request, "CSeq");
  const seconds = retryInMs === undefined ? undefined : Math.ceil(retryInMs / 1000);
  const when = seconds === undefined ? "connecting now" : `next try in ${seconds}s`;
  const headers: RtspHeader[] = [];
  // Only what cannot break the head is repeated.
  if (cseq !== undefined && /^\d{1,10}$/.test(cseq)) headers.push(["CSeq", cseq]);
  if (seconds !== undefined) headers.push(["Retry-After", String(Math.max(1, seconds))]);
  headers.push(["Connection", "close"]);
  return encodeHead({
    type: "response",
    version: "1.0",
    status: 503,
    reason: `Service Unavailable (${reason}, ${when})`,
    headers,
  });
}
