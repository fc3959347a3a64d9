/**
 * What the process answers over HTTP:
 *
 * | path       | answer                                                                         |
 * |------------|--------------------------------------------------------------------------------|
 * | `/livez`   | 200 while the process answers at all; a device that is down is no reason to end it |
 * | `/readyz`  | 200 when a device is up, else 503; `?device=NAME` for one, `?all` for all of them |
 * | `/status`  | everything, as JSON                                                            |
 * | `/metrics` | Prometheus                                                                     |
 *
 * @module
 */
import type { DeviceStatus } from "./device_status.ts";
import { fleetStatus, type ProcessFacts, readiness } from "./fleet_status.ts";
import { metricsText } from "./metrics.ts";

/** What the page shows. */
export interface StatusSource {
  readonly facts: ProcessFacts;
  /** Now. */
  readonly devices: () => readonly DeviceStatus[];
  /** Unix time in ms. */
  readonly unixTimeMs: () => number;
}

/** Media type of the metrics. */
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Answers one request. */
export function answerStatus(request: Request, source: StatusSource): Response {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("Only GET.\n", { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const { pathname, searchParams } = new URL(request.url);
  switch (pathname) {
    case "/livez":
      return json(200, { status: "ok" });
    case "/readyz":
      return answerReady(searchParams, source);
    case "/status":
      return json(200, fleetStatus(source.devices(), source.facts, source.unixTimeMs()));
    case "/metrics":
      return new Response(metricsText(source.devices(), source.facts), {
        headers: { "content-type": METRICS_TYPE },
      });
    default:
      return json(404, { status: "unknown", paths: ["/livez", "/readyz", "/status", "/metrics"] });
  }
}

function answerReady(query: URLSearchParams, source: StatusSource): Response {
  const names = query.getAll("device");
  const all = source.devices();
  const unknown = names.filter((name) => !all.some((device) => device.name === name));
  if (unknown.length > 0) return json(404, { status: "unknown-device" });
  const chosen = names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
  const { ready, total } = readiness(chosen);
  const needed = query.has("all") || names.length > 0 ? Math.max(1, total) : 1;
  const isReady = ready >= needed;
  return json(isReady ? 200 : 503, { status: isReady ? "ready" : "not-ready", ready, total });
}

function json(status: number, body: unknown): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}
