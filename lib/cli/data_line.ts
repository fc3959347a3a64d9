/**
 * The lines on standard output: what is ready and what is lost. Programs read them; their form is
 * frozen.
 *
 * @module
 */
import type { Reason } from "../core/failure.ts";
import type { PathKind } from "../core/carrier.ts";
import { formatListen } from "../net/forward.ts";
import { reachableHost } from "./address.ts";
import { formatDuration } from "./duration.ts";

/** The form of data lines. */
export type DataFormat = "text" | "json";

/** A local port that carries data. */
export interface ReadyFacts {
  /** Name of the device. */
  readonly name: string;
  readonly hostname: string;
  readonly port: number;
  readonly remotePort: number;
  readonly path: PathKind;
  readonly roundTripMs: number;
  readonly handshakeMs: number;
}

/** A session that ended by itself. */
export interface LostFacts {
  readonly name: string;
  readonly reason: Reason;
  /** How long it was ready. */
  readonly upMs: number;
  /** Until the next attempt; absent when there is none. */
  readonly retryInMs?: number | undefined;
}

/** The device's port that speaks RTSP. */
export const RTSP_PORT = 554;

/**
 * `READY name=… port=127.0.0.1:1554 remote=554 path=direct rtt=38ms handshake=1.9s url=rtsp://…`;
 * `url=` for RTSP only.
 */
export function readyLine(ready: ReadyFacts, format: DataFormat): string {
  const port = formatListen(ready.hostname, ready.port);
  const url = ready.remotePort === RTSP_PORT ? streamUrl(ready.hostname, ready.port) : undefined;
  if (format === "json") {
    return JSON.stringify({
      event: "ready",
      name: ready.name,
      port,
      remote: ready.remotePort,
      path: ready.path,
      rttMs: Math.round(ready.roundTripMs),
      handshakeMs: Math.round(ready.handshakeMs),
      url,
    });
  }
  return [
    `READY name=${ready.name}`,
    `port=${port}`,
    `remote=${ready.remotePort}`,
    `path=${ready.path}`,
    `rtt=${Math.round(ready.roundTripMs)}ms`,
    `handshake=${formatDuration(ready.handshakeMs)}`,
    ...(url === undefined ? [] : [`url=${url}`]),
  ].join(" ");
}

/** `LOST name=… reason=peer-silent after=4h12m retry=30s`; no `retry=` when it is final. */
export function lostLine(lost: LostFacts, format: DataFormat): string {
  if (format === "json") {
    return JSON.stringify({
      event: "lost",
      name: lost.name,
      reason: lost.reason,
      afterMs: Math.round(lost.upMs),
      retryMs: lost.retryInMs === undefined ? undefined : Math.round(lost.retryInMs),
    });
  }
  const line = `LOST name=${lost.name} reason=${lost.reason} after=${formatDuration(lost.upMs)}`;
  return lost.retryInMs === undefined
    ? line
    : `${line} retry=${formatDuration(Math.ceil(lost.retryInMs / 1000) * 1000)}`;
}

/**
 * The main stream of the first channel behind a local port.
 *
 * @param userinfo Percent-encoded `user:password`; only for a reader that keeps it to itself.
 */
export function streamUrl(hostname: string, port: number, userinfo?: string): string {
  const host = formatListen(reachableHost(hostname), port);
  const user = userinfo === undefined ? "" : `${userinfo}@`;
  return `rtsp://${user}${host}/cam/realmonitor?channel=1&subtype=0`;
}
