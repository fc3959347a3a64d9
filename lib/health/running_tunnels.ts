/**
 * Tunnels of this program that run on this machine already: a check asks them instead of taking one
 * more of the device's few sessions.
 *
 * @module
 */
import { DecodeError } from "../core/errors.ts";
import { deviceId, serialHash } from "../core/serial_hash.ts";
import { HeldFile } from "../net/held_file.ts";
import {
  decodeTunnelRecord,
  RECORD_LIFETIME_MS,
  type TunnelRecord,
  TUNNELS_FOLDER,
} from "../net/tunnel_record.ts";

/** Finds the tunnel that runs for a device, if one does. */
export type FindTunnel = (serial: string) => TunnelRecord | undefined;

/**
 * Looks into the state directories. A record counts while its process lives and renews it; what a
 * killed or hanging process left behind does not.
 *
 * @param directories As `stateDirectories` lists them.
 * @param unixTimeMs The wall clock.
 */
export function runningTunnels(
  directories: readonly string[],
  unixTimeMs: () => number,
): FindTunnel {
  return (serial) => {
    for (const directory of directories) {
      const text = HeldFile.read(`${directory}/${TUNNELS_FOLDER}/${deviceId(serial)}`);
      const record = text === undefined ? undefined : readRecord(text);
      if (!record || record.serialHash !== serialHash(serial)) continue;
      const ageMs = Math.abs(unixTimeMs() - record.writtenAt);
      if (ageMs <= RECORD_LIFETIME_MS) return record;
    }
    return undefined;
  };
}

function readRecord(text: string): TunnelRecord | undefined {
  try {
    return decodeTunnelRecord(text);
  } catch (error) {
    // Another version's, or caught while it is renewed.
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
