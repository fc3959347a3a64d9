/**
 * The records that running tunnels leave for checks on this machine, which ask them instead of
 * taking one more of a device's few sessions.
 *
 * @module
 */
import { deviceId, serialHash } from "../core/serial_hash.ts";
import { HeldFile } from "../net/held_file.ts";
import { writableStateDirectory } from "../net/state_directory.ts";
import { encodeTunnelRecord, TUNNELS_FOLDER } from "../net/tunnel_record.ts";
import type { DeviceStatus } from "../status/device_status.ts";

/** A device whose tunnel runs here. */
export interface RecordedTunnel {
  readonly serial: string;
  readonly status: DeviceStatus;
}

/** Writes one record for each tunnel of this process; whatever goes wrong costs only the record. */
export class TunnelRecords implements Disposable {
  readonly #folder: string | undefined;
  /** By serial; nothing where another process has the place. */
  readonly #held = new Map<string, HeldFile | undefined>();

  /** @param directories As `stateDirectories` lists them. */
  constructor(directories: readonly string[]) {
    this.#folder = writableStateDirectory(directories, TUNNELS_FOLDER);
  }

  /** Takes the places of these devices, and gives those of all others back. */
  keep(serials: readonly string[]): void {
    for (const [serial, file] of this.#held) {
      if (serials.includes(serial)) continue;
      this.#held.delete(serial);
      release(file);
    }
    if (this.#folder === undefined) return;
    for (const serial of serials) {
      if (!this.#held.has(serial)) this.#held.set(serial, hold(this.#folder, serial));
    }
  }

  /** Renews the records. */
  write(tunnels: readonly RecordedTunnel[]): void {
    for (const { serial, status } of tunnels) {
      const file = this.#held.get(serial);
      if (!file) continue;
      const record = {
        pid: Deno.pid,
        serialHash: serialHash(serial),
        writtenAt: Date.now(),
        device: status,
      };
      try {
        file.write(encodeTunnelRecord(record));
      } catch {
        // The disk is full: a check opens a session of its own then.
      }
    }
  }

  [Symbol.dispose](): void {
    this.keep([]);
  }
}

function hold(folder: string, serial: string): HeldFile | undefined {
  try {
    return HeldFile.hold(`${folder}/${deviceId(serial)}`);
  } catch {
    return undefined;
  }
}

function release(file: HeldFile | undefined): void {
  try {
    file?.[Symbol.dispose]();
  } catch {
    // The process ends anyhow, and its lock with it.
  }
}
