/**
 * What the options of a tunnel mean to the library.
 *
 * @module
 */
import { BACKOFF_DEFAULTS, type BackoffOptions } from "../core/backoff.ts";
import type { Forward } from "../net/forward.ts";
import type { TunnelOptions } from "../net/tunnel.ts";
import type { DataFormat } from "./data_line.ts";
import {
  APP_KEY_FILE,
  AUTH_RETRY,
  CLIENT_BUFFER,
  CLOUD,
  DEAD_AFTER,
  DIALECT,
  FORWARD,
  HEARTBEAT,
  JSON_LINES,
  MAX_CLIENTS,
  MAX_RETRIES,
  PATH,
  PREFER,
  RECEIVE_WINDOW,
  RELAY,
  RETRY_MAX,
  RETRY_MIN,
  SESSION_COOLDOWN,
  TIMEOUT,
  TYPE,
  WAIT,
} from "./options.ts";
import { quoted } from "./printable.ts";
import type { Settings } from "./settings.ts";
import { usageError } from "./usage.ts";

/** More forwards than this is a mistake: a device grants about eight streams. */
const MAX_FORWARDS = 32;

/** The part of the options that only settings decide; absent ones have the library's defaults. */
export function tunnelOptions(settings: Settings): TunnelOptions {
  return {
    forwards: forwards(settings),
    authType: settings.get(TYPE),
    path: settings.chosen(RELAY, PATH) === RELAY ? "relay" : settings.get(PATH),
    ...cloudOptions(settings),
    prefer: settings.get(PREFER),
    timeoutMs: settings.get(TIMEOUT),
    maxClients: settings.get(MAX_CLIENTS),
    clientBufferBytes: settings.get(CLIENT_BUFFER),
    receiveWindowBytes: settings.get(RECEIVE_WINDOW),
    ...retryOptions(settings),
  };
}

/**
 * Which cloud, and how it is talked to.
 *
 * @throws {FailureError} `usage` when an app's key is given without saying whose.
 */
export function cloudOptions(settings: Settings): Pick<TunnelOptions, "cloud" | "dialect"> {
  const cloud = settings.get(CLOUD);
  const dialect = settings.get(DIALECT);
  const isOneCloud = (cloud !== undefined && cloud !== "auto") || dialect !== undefined;
  if (settings.get(APP_KEY_FILE) !== undefined && !isOneCloud) {
    throw usageError(
      `${settings.label(APP_KEY_FILE)} is given without the cloud it belongs to.`,
      "Add --cloud easy4ip, --cloud dolynk, or --cloud HOST[:PORT].",
    );
  }
  return { cloud, dialect };
}

/**
 * The part that decides about the life of a session, and about attempts after it.
 *
 * @throws {FailureError} `usage` when two of them contradict each other.
 */
export function retryOptions(
  settings: Settings,
): Pick<TunnelOptions, "heartbeatMs" | "deadAfterMs" | "waitMs" | keyof BackoffOptions> {
  const retryMinMs = settings.get(RETRY_MIN);
  const retryMaxMs = settings.get(RETRY_MAX);
  const { retryMinMs: defaultMinMs, retryMaxMs: defaultMaxMs } = BACKOFF_DEFAULTS;
  if ((retryMinMs ?? defaultMinMs) > (retryMaxMs ?? defaultMaxMs)) {
    throw usageError("--retry-min is longer than --retry-max.", "Give a shorter one.");
  }
  const heartbeatMs = settings.get(HEARTBEAT);
  const deadAfterMs = settings.get(DEAD_AFTER);
  if ((deadAfterMs ?? 30_000) < 2 * (heartbeatMs ?? 5_000)) {
    throw usageError(
      "--dead-after is shorter than two heartbeats.",
      "Give a longer one, or --heartbeat with a shorter interval.",
    );
  }
  const cooldownMs = settings.get(SESSION_COOLDOWN);
  return {
    heartbeatMs,
    deadAfterMs,
    retryMinMs,
    retryMaxMs,
    maxRetries: settings.get(MAX_RETRIES),
    cleanCooldownMs: cooldownMs,
    lostCooldownMs: cooldownMs,
    authRetryMs: settings.get(AUTH_RETRY),
    waitMs: settings.get(WAIT),
  };
}

/**
 * The explicit forwards, or nothing for the default one.
 *
 * @throws {FailureError} `usage` when two want the same local port, or there are too many.
 */
export function forwards(settings: Settings): readonly Forward[] | undefined {
  const given = settings.all(FORWARD);
  if (given.length > MAX_FORWARDS) {
    throw usageError(
      `${settings.label(FORWARD)} is given ${given.length} times.`,
      `At most ${MAX_FORWARDS} ports can be forwarded.`,
    );
  }
  const seen = new Set<string>();
  for (const { bind, localPort } of given) {
    const place = `${bind} port ${localPort}`;
    if (localPort !== 0 && seen.has(place)) {
      throw usageError(
        `${settings.label(FORWARD)}: ${quoted(place)} is given twice.`,
        "Each forward needs a local port of its own; 0 takes any free one.",
      );
    }
    seen.add(place);
  }
  return given.length === 0 ? undefined : given;
}

/** The form of data lines. */
export function dataFormat(settings: Settings): DataFormat {
  return settings.isOn(JSON_LINES) ? "json" : "text";
}
