/**
 * What the options of a tunnel mean to the library.
 *
 * @module
 */
import type { Forward } from "../net/forward.ts";
import type { TunnelOptions } from "../net/tunnel.ts";
import type { DataFormat } from "./data_line.ts";
import {
  CLIENT_BUFFER,
  CLOUD,
  FORWARD,
  JSON_LINES,
  MAX_CLIENTS,
  PATH,
  RELAY,
  TIMEOUT,
  TYPE,
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
    cloud: settings.get(CLOUD),
    timeoutMs: settings.get(TIMEOUT),
    maxClients: settings.get(MAX_CLIENTS),
    clientBufferBytes: settings.get(CLIENT_BUFFER),
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
